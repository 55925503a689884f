import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { wholeTable } from '../../../../src/model/dataset.js';
import { LakeportError } from '../../../../src/errors.js';
import { LikePattern } from '../../../../src/export/planning/like-pattern.js';
import { selectTables, type SelectionOptions } from '../../../../src/export/planning/table-selection.js';
import type { OtherRelation, SourceTable } from '../../../../src/sources/source.js';

const ALL: SelectionOptions = {
  schemaPatterns: [],
  includePatterns: [],
  excludePatterns: [],
  minRows: undefined,
  maxRows: undefined,
  optIns: [],
};

function table(name: string, estimatedRows?: number): SourceTable {
  const [schema = '', ...rest] = name.split('/');
  const id = { schema, name: rest.join('/') };
  return { dataset: wholeTable(id), id, kind: 'table', estimatedRows, estimatedBytes: undefined };
}

const TABLES = [
  table('sales/orders', 1000),
  table('sales/order_lines', 5000),
  table('sales/customers', 50),
  table('sales_archive/orders', 100_000),
  table('hr/people', 10),
  table('hr/100%', 1),
  table('hr/a.b', 1),
  table('hr/never_analysed'),
];

async function selected(options: Partial<SelectionOptions>): Promise<string[]> {
  const { tables } = await selectTables(TABLES, { ...ALL, ...options });
  return tables.map(({ id }) => `${id.schema}/${id.name}`);
}

async function refused(
  options: Partial<SelectionOptions>,
  tables = TABLES,
  others: readonly OtherRelation[] = [],
): Promise<LakeportError> {
  try {
    await selectTables(tables, { ...ALL, ...options }, () => Promise.resolve(others));
  } catch (error) {
    if (error instanceof LakeportError) return error;
  }
  throw new Error('nothing was refused');
}

const text = (length: fc.StringConstraints) => fc.string({ ...length, unit: 'binary' });

describe('LIKE patterns', () => {
  it.each([
    ['orders', 'orders', true],
    ['orders', 'Orders', false],
    ['orders', 'orders2', false],
    ['ord%', 'orders', true],
    ['%ers', 'orders', true],
    ['%', '', true],
    ['o_ders', 'orders', true],
    ['orders_', 'orders', false],
    ['_', '😀', true],
    ['a_c', 'a\nc', true],
    ['a%c', 'a\n\nc', true],
    ['100\\%', '100%', true],
    ['100\\%', '100x', false],
    ['a\\_b', 'a_b', true],
    ['a\\_b', 'axb', false],
    ['a\\\\b', 'a\\b', true],
    ['a.b', 'axb', false],
    ['[a-z]+(x)|^$?*{2}/', '[a-z]+(x)|^$?*{2}/', true],
  ])('%j on %j is %s', (pattern, name, matches) => {
    expect(new LikePattern(pattern, '--include').matches(name)).toBe(matches);
  });

  it('every name matches itself when escaped', () => {
    fc.assert(
      fc.property(text({ minLength: 1, maxLength: 12 }), text({ maxLength: 12 }), (name, other) => {
        const pattern = new LikePattern(name.replace(/[\\%_]/g, '\\$&'), '--include');
        expect(pattern.matches(name)).toBe(true);
        expect(pattern.matches(other)).toBe(other === name);
      }),
    );
  });

  it.each(['', 'x\\'])('the invalid pattern %j is rejected with its flag', async (pattern) => {
    for (const [option, flag] of [
      ['schemaPatterns', '--source-schema-name'],
      ['includePatterns', '--include'],
      ['excludePatterns', '--exclude'],
    ] as const) {
      const error = await refused({ [option]: [pattern] });
      expect(error).toMatchObject({ code: 'BAD_PATTERN', exit: 'usage' });
      expect(error.message).toContain(flag);
    }
  });
});

describe('the selection', () => {
  it('takes all tables without patterns', async () => {
    expect(await selected({})).toHaveLength(TABLES.length);
  });

  it('takes schemas by pattern', async () => {
    expect(await selected({ schemaPatterns: ['sales%'] })).toHaveLength(4);
    expect(await selected({ schemaPatterns: ['sales'] })).toHaveLength(3);
    expect(await selected({ schemaPatterns: ['sales_archive', 'hr'] })).toHaveLength(5);
  });

  it('takes tables by name in every schema, and by schema.table if the pattern has a dot', async () => {
    expect(await selected({ includePatterns: ['orders'] })).toEqual(['sales/orders', 'sales_archive/orders']);
    expect(await selected({ includePatterns: ['sales.orders'] })).toEqual(['sales/orders']);
    expect(await selected({ includePatterns: ['%.orders'] })).toEqual(['sales/orders', 'sales_archive/orders']);
    expect(await selected({ includePatterns: ['sales.%'] })).toHaveLength(3);
    expect(await selected({ includePatterns: ['hr.a.b'] })).toEqual(['hr/a.b']);
    expect(await selected({ includePatterns: ['a\\.b'] })).toEqual(['hr/a.b']);
    expect(await selected({ includePatterns: ['100\\%'] })).toEqual(['hr/100%']);
  });

  it('applies exclude after include', async () => {
    expect(await selected({ includePatterns: ['order%'], excludePatterns: ['sales_archive.%', '%\\_lines'] })).toEqual([
      'sales/orders',
    ]);
  });

  it('keeps tables whose estimated rows are within the limits or unknown', async () => {
    expect(await selected({ minRows: 1000 })).toEqual([
      'sales/orders',
      'sales/order_lines',
      'sales_archive/orders',
      'hr/never_analysed',
    ]);
    expect(await selected({ minRows: 50, maxRows: 1000 })).toEqual([
      'sales/orders',
      'sales/customers',
      'hr/never_analysed',
    ]);
  });

  it('warns of patterns without effect', async () => {
    const { warnings } = await selectTables(TABLES, {
      ...ALL,
      schemaPatterns: ['sales', 'saels'],
      includePatterns: ['orders', 'custmers'],
      excludePatterns: ['nothing'],
    });
    expect(warnings).toEqual([
      'No schema matches "saels" of --source-schema-name; the nearest existing schema is sales',
      'No table matches "custmers" of --include; the nearest existing table is sales.customers',
      '"nothing" of --exclude matches none of the tables',
    ]);
  });
});

describe('an empty selection', () => {
  it('names the patterns and the nearest existing tables', async () => {
    const error = await refused({ includePatterns: ['ordrs', 'poeple'] });
    expect(error).toMatchObject({ code: 'NO_TABLE_MATCHES', exit: 'usage' });
    expect(error.message).toBe('No table matches --include "ordrs", "poeple"');
    expect(error.hint).toBe('The nearest existing tables are: sales.orders, hr.people.');
  });

  it('looks for the nearest table in the selected schemas, then in the others', async () => {
    expect(await refused({ schemaPatterns: ['sales'], includePatterns: ['ORDERS'] })).toMatchObject({
      message: 'No table matches --source-schema-name "sales" with --include "ORDERS"',
      hint: 'The nearest existing tables are: sales.orders.',
    });
    expect((await refused({ schemaPatterns: ['sales'], includePatterns: ['people'] })).hint).toContain('hr.people');
    expect((await refused({ includePatterns: ['sales.ordres'] })).hint).toContain('sales.orders');
  });

  it('names the schema if it does not match', async () => {
    const error = await refused({ schemaPatterns: ['slaes'], includePatterns: ['orders'] });
    expect(error.message).toBe('No table matches --source-schema-name "slaes"');
    expect(error.hint).toContain('sales.orders, sales.order_lines, sales.customers');
  });

  it('lists existing tables if none is near', async () => {
    expect((await refused({ includePatterns: ['zzzzzzzz'] })).hint).toBe(
      'Existing tables are: sales.orders, sales.order_lines, sales.customers, sales_archive.orders, hr.people and 3 more.',
    );
  });

  it('names the limit that excluded the matching tables', async () => {
    expect((await refused({ includePatterns: ['order%'], excludePatterns: ['%'] })).message).toBe(
      'No table is left after --exclude "%"; without it, 3 tables match',
    );
    expect((await refused({ includePatterns: ['people'], minRows: 11, maxRows: 20 })).message).toBe(
      'No table is left after --min-rows 11 and --max-rows 20; without it, one table matches',
    );
  });

  it('reports a database without visible tables', async () => {
    expect(await refused({}, [])).toMatchObject({ code: 'NO_TABLES', exit: 'usage' });
  });
});
