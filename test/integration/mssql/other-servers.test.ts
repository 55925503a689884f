import { describe, expect, test } from 'vitest';
import type { TableOverride } from '../../../src/sources/source.js';
import { describeTable, openDatabase } from '../../servers/tds/open-database.js';
import type { WireValue } from '../../servers/tds/result-set.js';
import type { Quirks, TestColumn, TestTable } from '../../servers/tds/test-tables.js';

/** Servers that differ from the newest of Microsoft's: older ones, and other makers' (Babelfish). */

const BABELFISH: Quirks = { version: '12.0.2000.8', noStyles: true, noPhysloc: true };
const SQL_SERVER_2014: Quirks = { version: '12.0.6024.0' };

const ID = { name: 'id', type: 'int', nullable: false } as const;

/** Rows that the slices give, by the row's number, and what the server was asked. */
async function sliceBy(
  type: string,
  keys: readonly WireValue[],
  { method, quirks }: { readonly method: NonNullable<TableOverride['method']>; readonly quirks: Quirks },
) {
  const rows = keys.map((key, i) => [i, key]);
  await using open = await openDatabase([{ name: 't', columns: [ID, { name: 'k', type }], rows }], quirks);
  const { table, columns } = await describeTable(open.source, 't');
  const override = { method, key: 'k' };
  const slices = await open.source.slice(table, columns, { degree: 3, largeTableThreshold: 10, override });
  const read: number[] = [];
  for (const { query } of slices) read.push(...(await open.database.rowNumbers(query)));
  return { slices, read: read.sort((a, b) => a - b), statements: [...open.server.statements] };
}

const each = (keys: readonly unknown[]) => keys.map((_, i) => i);

describe("keys' values come back as they are", () => {
  test.each(['DataDriven', 'Ntile'] as const)('bytes that look like SQL stay bytes by %s', async (method) => {
    const keys = ['0x01; DROP TABLE victim --', '0x02', "0x'", '', '\0'].map((text) => Buffer.from(text, 'latin1'));
    for (const quirks of [BABELFISH, {}]) {
      const { slices, read, statements } = await sliceBy('varbinary(40)', keys, { method, quirks });
      expect(read).toEqual(each(keys));
      const sent = [...statements, ...slices.map(({ query }) => query)].join('\n');
      expect(sent).not.toContain('DROP');
      expect(slices.length).toBeGreaterThan(2);
    }
  });

  test.each(['money', 'smallmoney'])('%s keeps its four digits', async (type) => {
    const keys = ['1.0001', '1.0002', '-0.0001', '0', null];
    for (const quirks of [BABELFISH, {}]) {
      for (const method of ['DataDriven', 'Ntile', 'RangeId'] as const) {
        expect((await sliceBy(type, keys, { method, quirks })).read).toEqual(each(keys));
      }
      expect((await sliceBy(type, keys, { method: 'DataDriven', quirks })).slices).toHaveLength(keys.length);
    }
  });

  test.each(['float', 'real'])('%s keeps all of its digits on servers without a style for them', async (type) => {
    const keys = [0.1 + 0.2, 0.3, 1 / 3, 1e300 / 7, -5e-324, 123456.7891, 123456.7892, 0, null].map((key) =>
      type === 'real' && key !== null ? Math.fround(Math.min(key, 3e38)) : key,
    );
    for (const quirks of [SQL_SERVER_2014, BABELFISH, {}]) {
      const { read, slices } = await sliceBy(type, keys, { method: 'DataDriven', quirks });
      expect(read).toEqual(each(keys));
      expect(slices).toHaveLength(new Set(keys).size);
    }
  });

  test('bit has no order: Ntile is refused, and recommended by no hint', async () => {
    const by = (method: 'Ntile' | 'RangeId' | 'DataDriven') => sliceBy('bit', [0, 1, null], { method, quirks: {} });
    await expect(by('Ntile')).rejects.toMatchObject({ code: 'PARTITION_KEY_UNSUITABLE', exit: 'usage' });
    await expect(by('RangeId')).rejects.toMatchObject({ hint: expect.not.stringContaining('Ntile') as string });
    expect((await by('DataDriven')).read).toEqual([0, 1, 2]);
  });

  test('Timepartition has text made of days, not of rows', async () => {
    const keys = ['2024-12-31T23:59:59.999', '2025-01-01T00:00:00', '2025-01-01T12:00:00', null];
    const rows = keys.map((key, i) => [i, key]);
    await using open = await openDatabase([{ name: 't', columns: [ID, { name: 'k', type: 'datetime2(3)' }], rows }]);
    const { table, columns } = await describeTable(open.source, 't');
    const override = { method: 'Timepartition', key: '(k,year,month,day)' } as const;
    const slices = await open.source.slice(table, columns, { degree: 3, largeTableThreshold: 10, override });
    expect(slices.map(({ estimatedRows, tableRows }) => [estimatedRows, tableRows])).toEqual([
      [1, 4],
      [2, 4],
      [1, 4],
    ]);
    const question = open.server.statements.find((sql) => sql.includes('COUNT_BIG'));
    // From the rows on outwards.
    const ofRows = question?.slice(question.lastIndexOf('SELECT')) ?? '';
    expect(ofRows).toContain('CONVERT(date, [k])');
    expect(ofRows).not.toContain('char');
  });
});

describe('where catalog and results disagree, the results count', () => {
  const describedAs = async (column: TestColumn, kind: 'table' | 'view' = 'table', quirks: Quirks = {}) => {
    await using open = await openDatabase([{ name: 't', kind, columns: [{ ...column, name: 'c' }] }], quirks);
    const { columns } = await describeTable(open.source, 't');
    const { sourceType, fidelity, type } = columns[0]!.spec;
    return [sourceType, fidelity, type.logical] as const;
  };

  test.each<[string, string, string, object]>([
    ['datetime2(7)', 'datetime2(6)', 'exact', { kind: 'timestamp', unit: 'MICROS', utc: false }],
    ['datetime2(0)', 'datetime2(7)', 'lossy', { kind: 'timestamp', unit: 'MICROS', utc: false }],
    ['time(7)', 'time(6)', 'exact', { kind: 'time', unit: 'MICROS', utc: false }],
    ['datetimeoffset(3)', 'datetimeoffset(6)', 'lossy', { kind: 'timestamp', unit: 'MICROS', utc: true }],
    ['decimal(18,2)', 'decimal(38,6)', 'exact', { kind: 'decimal', precision: 38, scale: 6 }],
    ['decimal(10,2)', 'decimal(10,4)', 'exact', { kind: 'decimal', precision: 10, scale: 4 }],
    ['int', 'bigint', 'exact', {}],
    ['sysname', 'varchar(128)', 'exact', { kind: 'string' }],
    ['varchar(10)', 'nvarchar(10)', 'exact', { kind: 'string' }],
    ['int', 'nvarchar(20)', 'exact', { kind: 'string' }],
  ])('%s that arrives as %s', async (type, arrivesAs, fidelity, logical) => {
    const [sourceType, found, foundLogical] = await describedAs({ name: 'c', type, arrivesAs }, 'view');
    expect([sourceType, found]).toEqual([arrivesAs, fidelity]);
    expect(foundLogical ?? {}).toEqual(logical);
  });

  test('bytes in place of something else are not taken for it', async () => {
    await expect(describedAs({ name: 'c', type: 'int', arrivesAs: 'varbinary(65)' })).rejects.toMatchObject({
      code: 'TYPE_NOT_READABLE',
      message: expect.stringContaining('int in the catalog and arrives as VarBinary(65 bytes)') as string,
      hint: expect.not.stringContaining('Always Encrypted') as string,
    });
  });

  test('a column under Always Encrypted is named as such, whatever its type', async () => {
    for (const type of ['int', 'varbinary(65)']) {
      const column = { name: 'c', type, arrivesAs: 'varbinary(65)', isEncrypted: true };
      await expect(describedAs(column)).rejects.toMatchObject({
        code: 'TYPE_NOT_READABLE',
        message: `Column c (${type}) is under Always Encrypted`,
      });
    }
    const before2016 = { refused: { encryption_type: 207 } };
    const [binary] = await describedAs({ name: 'c', type: 'varbinary(65)' }, 'table', before2016);
    expect(binary).toBe('varbinary(65)');
  });

  test('the text of a sql_variant is lossy where the server cuts digits off', async () => {
    const variant = { name: 'c', type: 'sql_variant' };
    const fidelity = async (quirks: Quirks) => (await describedAs(variant, 'table', quirks))[1];
    expect(await fidelity({})).toBe('text');
    expect(await fidelity(SQL_SERVER_2014)).toBe('lossy');
    expect(await fidelity(BABELFISH)).toBe('lossy');
  });
});

describe('the catalog', () => {
  const TABLES: readonly TestTable[] = [
    {
      schema: 'Продажи',
      name: '注文',
      columns: [{ name: 'Größe Ω', type: 'int', nullable: false }],
      indexes: [{ keys: ['Größe Ω'], isClustered: true, isUnique: true }],
      statistics: { rows: 1000, pages: 10 },
    },
  ];

  test.each([[], ['sys.objects'], ['sys.objects', 'sys.columns', 'sys.indexes']])(
    'keeps names that its code page has no characters for (%#)',
    async (...missing) => {
      const refused = Object.fromEntries(missing.map((view) => [view, 208]));
      await using open = await openDatabase(TABLES, { varcharNames: true, refused });
      const { table, columns } = await describeTable(open.source, '注文');
      expect(table.id).toEqual({ schema: 'Продажи', name: '注文' });
      expect(columns.map(({ spec }) => spec.name)).toEqual(['Größe Ω']);
    },
  );

  test('has rows where it has no pages', async () => {
    const refused = { 'sys.dm_db_partition_stats': 208, 'sys.allocation_units': 208 };
    await using open = await openDatabase(TABLES, { refused });
    expect(await open.source.listTables()).toMatchObject([{ estimatedRows: 1000, estimatedBytes: undefined }]);
  });
});
