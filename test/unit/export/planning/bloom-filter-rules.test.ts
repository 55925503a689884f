import { describe, expect, it } from 'vitest';
import { BOOLEAN, INT32 } from '../../../../src/columns/parquet-types.js';
import { BloomFilterRules } from '../../../../src/export/planning/bloom-filter-rules.js';
import type { ReadColumn } from '../../../../src/sources/source.js';

const ORDERS = { schema: 'sales', name: 'orders' };

const column = (name: string, type = INT32) =>
  ({
    spec: { name, type, fieldId: 1, nullable: true, list: false, sourceType: 'x', fidelity: 'exact' },
  }) as unknown as ReadColumn;

const COLUMNS = [column('id'), column('email'), column('paid', BOOLEAN)];

/** Filters of the columns, after those of all tables were asked for. */
function filters(...settings: readonly (readonly [pattern: string, column: string, rate?: number])[]) {
  const rules = new BloomFilterRules({
    bloomFilters: settings.map(([pattern, name, falsePositives = 0.01]) => ({
      pattern,
      value: { column: name, falsePositives },
    })),
  });
  const applied = rules.applied(ORDERS, COLUMNS);
  rules.requireMatches([{ id: ORDERS }]);
  return Object.fromEntries(applied.map(({ spec }) => [spec.name, spec.bloomFilter]));
}

describe('columns with Bloom filters', () => {
  it('are those that a pattern names, by the first that does', () => {
    expect(filters(['sales.orders', 'id'], ['%', '%id', 0.1], ['orders', 'e%', 0.05])).toEqual({
      id: 0.01,
      email: 0.05,
      paid: undefined,
    });
  });

  it('are no booleans, whatever a wildcard matches', () => {
    expect(filters(['%', '%'])).toEqual({ id: 0.01, email: 0.01, paid: undefined });
  });

  it.each([
    ['a boolean', ['orders', 'paid'], 'BLOOM_FILTER_OF_BOOLEAN', /sales.orders.paid is boolean/],
    [
      'a column that does not exist',
      ['orders', 'mail'],
      'PATTERN_WITHOUT_MATCH',
      /No column of orders matches "mail" of --bloom-filter/,
    ],
    [
      'a table that does not exist',
      ['order', 'id'],
      'PATTERN_WITHOUT_MATCH',
      /No exported table matches "order" of --bloom-filter/,
    ],
  ] as const)('cannot be %s', (_, setting, code, message) => {
    expect(() => filters(setting)).toThrow(expect.objectContaining({ code, exit: 'usage' }) as Error);
    expect(() => filters(setting)).toThrow(message);
  });
});
