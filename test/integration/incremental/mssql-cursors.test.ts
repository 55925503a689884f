import { afterAll, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../../src/errors.js';
import type { Cursor } from '../../../src/model/cursor.js';
import type { Increment, IncrementRequest } from '../../../src/sources/increment.js';
import type { SourceDataset } from '../../../src/sources/source.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { openDatabase } from '../../servers/tds/open-database.js';
import type { WireValue } from '../../servers/tds/result-set.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { TestDatabase } from '../../servers/tds/test-database.js';
import type { Quirks, TestColumn, TestTable } from '../../servers/tds/test-tables.js';

/** Syncs by a column that grows, from a server that speaks TDS. */

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** A server whose tables a test replaces between syncs. */
class ChangingServer {
  readonly server: TdsServer;
  #database: TestDatabase;

  private constructor(server: TdsServer, database: TestDatabase) {
    this.server = server;
    this.#database = database;
  }

  static async of(tables: readonly TestTable[], quirks: Quirks = {}): Promise<ChangingServer> {
    const server = await startTdsServer({ handler: (query) => changing.#database.handler(query) });
    const changing = new ChangingServer(server, await TestDatabase.create(tables, quirks));
    cleanups.push(async () => {
      await server.stop();
      changing.#database.close();
      expect(server.failures).toEqual([]);
    });
    return changing;
  }

  async change(tables: readonly TestTable[], quirks: Quirks = {}): Promise<void> {
    this.#database.close();
    this.#database = await TestDatabase.create(tables, quirks);
  }

  lake(...flags: string[]): Promise<SyncedLake> {
    const { port, user, password } = this.server;
    const info = { server: '127.0.0.1', port, database: 'shop', username: user, password, encrypt: false };
    return SyncedLake.of({ id: 'ds_ms', entry: { ds_type: 'mssql', auth_mode: 'classic', info } }, 'dbo', flags);
  }
}

const ID: TestColumn = { name: 'id', type: 'int', nullable: false };

const tableOf = (type: string, rows: readonly (readonly WireValue[])[], more: Partial<TestTable> = {}): TestTable => ({
  ...{ name: 't', columns: [ID, { name: 'c', type }], rows },
  ...more,
});

interface Asked extends Partial<IncrementRequest> {
  readonly quirks?: Quirks;
  readonly sql?: string;
}

/** What a sync by the column `c` would read, and which of the rows meet its condition. */
async function incrementOf(
  table: TestTable,
  type: Cursor['type'],
  { quirks, sql, ...request }: Asked = {},
): Promise<Increment & { readonly read: readonly number[] }> {
  await using open = await openDatabase([table], quirks);
  const tables = await open.source.listTables();
  const id = { schema: 'dbo', name: 'q' };
  const asked: SourceDataset =
    sql === undefined
      ? tables.find(({ id: { name } }) => name === table.name)!
      : { dataset: { kind: 'query', id, sql }, id, kind: 'query', estimatedRows: undefined, estimatedBytes: undefined };
  const increment = await open.source.increment!(asked, {
    cursor: { type, column: 'c' },
    ...{ after: undefined, start: undefined, isInclusive: false, lagSeconds: 0, withNulls: false },
    ...request,
  });
  const { condition = '1 = 1' } = increment;
  const read = sql === undefined ? await open.database.rowNumbers(`SELECT 1 FROM [dbo].[t] WHERE ${condition}`) : [];
  return { ...increment, read: read.sort((a, b) => a - b) };
}

const problem = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'none',
    (thrown: unknown) => `${(thrown as LakeportError).code}: ${(thrown as LakeportError).message}`,
  );

describe('a table of SQL Server that is synced by a column', () => {
  const orders = (...rows: WireValue[][]) => tableOf('datetime2(3)', rows);

  it('gets each row once, late ones within the lag, and others from its start', async () => {
    const first: WireValue[][] = [
      [1, '2025-01-01T00:00:00'],
      [2, '2025-01-02T00:00:00'],
      [3, '2025-01-03T00:00:00.5'],
    ];
    const changing = await ChangingServer.of([orders(...first)]);
    const lake = await changing.lake('--incremental_table', 't:c:datetime@2025-01-01');
    expect(await lake.syncOne()).toMatchObject({ rows: 2, sync: { kind: 'full', upper: '2025-01-03T00:00:00.5' } });
    const second = [...first, [4, '2025-01-03T00:00:00.5'], [5, '2025-01-03T00:00:01'], [6, '2025-01-02T23:00:00']];
    await changing.change([orders(...second)]);
    expect(await lake.syncOne()).toMatchObject({ rows: 1, sync: { number: 2, kind: 'increment' } });
    expect(await lake.numbers('t')).toEqual([2, 3, 5]);
    expect(await lake.syncOne('--incremental_safety_lag', '1')).toMatchObject({
      rows: 3,
      sync: { lower: '2025-01-03T00:00:00', upper: '2025-01-03T00:00:01' },
    });
    expect(await lake.syncOne('--incremental_table', 't:c:datetime:i')).toMatchObject({ rows: 1 });
    // The greatest is deleted, and the watermark stays.
    await changing.change([orders(...first, [7, '2025-01-03T00:00:00.9'])]);
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { upper: '2025-01-03T00:00:01' } });
    await changing.change([orders()]);
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { upper: '2025-01-03T00:00:01' } });
    await changing.change([{ name: 't', columns: [ID], rows: [[1]] }]);
    expect((await lake.syncOne()).error?.code).toBe('CURSOR_UNKNOWN');
  });

  it('fails for rows without a value, with their number, unless the first sync is to take them', async () => {
    const rows: WireValue[][] = [
      [1, 1],
      [2, null],
      [3, '9223372036854775806'],
    ];
    const changing = await ChangingServer.of([tableOf('bigint', rows)]);
    const lake = await changing.lake('--incremental_table', 't:c:integer');
    expect((await lake.syncOne()).error?.message).toContain('1 row has no value in c');
    const include = ['--incremental_nulls', 'include'];
    expect(await lake.syncOne(...include)).toMatchObject({ rows: 3, sync: { nulls: 1, upper: '9223372036854775806' } });
    await changing.change([tableOf('bigint', [...rows, [4, null], [5, '9223372036854775807']])]);
    expect(await lake.syncOne(...include)).toMatchObject({ rows: 1, sync: { nulls: 2 } });
    expect(await lake.numbers('t')).toEqual([1, 2, 3, 5]);
  });

  it('may be a view, a query, or have a condition', async () => {
    const made = (count: number): TestTable[] => {
      const rows = Array.from({ length: count }, (_, i): WireValue[] => [i, i]);
      return [tableOf('int', rows), tableOf('int', rows, { name: 'v', kind: 'view' })];
    };
    const changing = await ChangingServer.of(made(20));
    const lake = await changing.lake(
      ...['--include_views', '--where', 't:id % 2 = 0 -- even', '--incremental_table', '%:c:integer'],
      ...['--query', 'dbo.q=SELECT id AS c FROM dbo.v'],
    );
    const rows = async () => Object.fromEntries((await lake.sync()).map(({ table, rows: count }) => [table, count]));
    expect(await rows()).toEqual({ t: 10, v: 20, q: 20 });
    await changing.change(made(25));
    expect(await rows()).toEqual({ t: 3, v: 5, q: 5 });
    expect(await lake.numbers('q', 'c')).toEqual(Array.from({ length: 25 }, (_, i) => i));
  });

  it('by rowversion leaves rows for the next sync as long as a transaction with an earlier version is open', async () => {
    const version = (value: number) => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');
    const versions = (...values: [number, number][]) =>
      tableOf(
        'rowversion',
        values.map(([id, value]) => [id, version(value)]),
      );
    const changing = await ChangingServer.of([versions([1, 10], [2, 11], [3, 13])], { minActiveRowversion: 12 });
    const lake = await changing.lake('--incremental_table', 't:c:rowversion');
    expect(await lake.syncOne()).toMatchObject({ rows: 2, sync: { upper: '0x000000000000000B', lower: null } });
    // It has ended now, with a version below the greatest.
    await changing.change([versions([1, 14], [2, 11], [3, 13], [4, 12])], { minActiveRowversion: 15 });
    expect(await lake.syncOne()).toMatchObject({ rows: 3, sync: { upper: '0x000000000000000E' } });
    expect(await lake.numbers('t')).toEqual([1, 1, 2, 3, 4]);
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { upper: '0x000000000000000E' } });
    // Restored from a backup: what was read since is no longer there.
    await changing.change([versions([1, 10], [2, 11])], { minActiveRowversion: 12 });
    expect(await lake.syncOne()).toMatchObject({
      rows: 2,
      sync: { kind: 'full', full_because: expect.stringContaining('restored') as string },
    });
    expect(await lake.numbers('t')).toEqual([1, 2]);
  });
});

describe('the values of a cursor', () => {
  const moments = ['2025-01-01T00:00:00', '2025-01-02T03:04:00', null, '2025-01-02T03:05:00'];

  it.each([
    [
      'date',
      'date',
      ['2025-01-01', null, '2025-01-02'],
      { after: '2025-01-01', lagSeconds: 60 },
      { lower: '2024-12-31', read: [0, 2] },
    ],
    [
      'smalldatetime',
      'datetime',
      moments,
      { after: moments[1]!, lagSeconds: 20 },
      { lower: '2025-01-02T03:03:00', read: [1, 3] },
    ],
    [
      'datetime',
      'timestamp',
      [...moments, '2025-01-02T03:05:00.003'],
      { after: moments[3]! },
      { upper: '2025-01-02T03:05:00.003', read: [4] },
    ],
    ['datetime2(0)', 'datetime', moments, { start: '2025-01-02' }, { lower: '2025-01-02T00:00:00', read: [1, 3] }],
    [
      'datetime2(6)',
      'datetime',
      ['2025-01-01T00:00:00.000001', '2025-01-01T00:00:00.000002'],
      { after: '2025-01-01T00:00:00.000001' },
      { read: [1] },
    ],
    [
      'datetimeoffset(3)',
      'datetime',
      ['2025-01-01T00:00:00+02:00', '2024-12-31T23:00:00Z'],
      { start: '2025-01-01T01:00:00+02:00' },
      { lower: '2024-12-31T23:00:00', upper: '2024-12-31T23:00:00', read: [] },
    ],
    ['tinyint', 'integer', [1, 255], { start: '1', isInclusive: true }, { upper: '255', read: [0, 1] }],
    ['smallint', 'integer', [-32_768, 5, null], { start: '-32768', withNulls: true }, { nulls: 1, read: [1, 2] }],
    ['decimal(38,0)', 'integer', ['9'.repeat(38), '1'], { after: '1' }, { upper: '9'.repeat(38), read: [0] }],
    ['int', 'integer', [1, 2], { start: '7' }, { watermark: '7', read: [] }],
  ] as const)('of type %s by %s are exact: %j', async (type, cursor, values, request, expected) => {
    const found = await incrementOf(
      tableOf(
        type,
        values.map((value, i) => [i, value]),
      ),
      cursor,
      request,
    );
    expect(found).toMatchObject(expected);
  });

  it('go back to the server as literals of their own type, whatever its language', async () => {
    const conditionOf = async (type: string, value: WireValue, cursor: Cursor['type'] = 'datetime') =>
      (await incrementOf(tableOf(type, [[1, value]]), cursor)).condition;
    expect(await conditionOf('datetime', '2025-01-02T03:04:05.007')).toBe(
      `[c] <= CAST(N'2025-01-02T03:04:05.007' AS datetime)`,
    );
    expect(await conditionOf('datetime2(7)', '2025-01-02T03:04:05.123456')).toBe(
      `[c] <= CAST(N'2025-01-02T03:04:05.123456' AS datetime2(7))`,
    );
    expect(await conditionOf('datetimeoffset(2)', '2025-01-02T03:04:05+02:00')).toBe(
      `[c] <= CAST(N'2025-01-02T01:04:05+00:00' AS datetimeoffset(2))`,
    );
    expect(await conditionOf('bigint', '-5', 'integer')).toBe('[c] <= CAST(-5 AS bigint)');
    expect((await incrementOf(tableOf('int', []), 'integer', { withNulls: true })).condition).toBe(
      '1 = 0 OR [c] IS NULL',
    );
  });

  it('say how far they are behind the clock of the server', async () => {
    const behind = async (type: string, value: string) =>
      (await incrementOf(tableOf(type, [[1, value]]), 'datetime')).behindSeconds;
    expect(await behind('datetimeoffset(0)', '2025-01-31T12:34:46Z')).toBe(10);
    expect(await behind('datetime', '2025-01-31T13:34:46')).toBe(10);
    const future = await incrementOf(tableOf('datetimeoffset(0)', [[1, '2025-02-01T12:34:56Z']]), 'datetime');
    expect(future).toMatchObject({
      behindSeconds: -86_400,
      warning: expect.stringContaining('in the future') as string,
    });
  });

  it('are refused with a reason where they do not fit', async () => {
    const said = (type: string, cursor: Cursor['type'], asked: Asked = {}, more: Partial<TestTable> = {}) =>
      problem(incrementOf(tableOf(type, [], more), cursor, asked));
    expect(await said('nvarchar(10)', 'datetime')).toMatch(/^CURSOR_TYPE: dbo.t.c is nvarchar/);
    expect(await said('int', 'date')).toMatch(/^CURSOR_TYPE/);
    expect(await said('datetime', 'integer')).toMatch(/^CURSOR_TYPE/);
    expect(await said('decimal(9,2)', 'integer')).toMatch(/^CURSOR_TYPE/);
    expect(await said('float', 'integer')).toMatch(/^CURSOR_TYPE/);
    expect(await said('time(0)', 'datetime')).toMatch(/^CURSOR_TYPE/);
    expect(await said('binary(8)', 'rowversion')).toMatch(/^CURSOR_TYPE: dbo.t.c is binary/);
    expect(await said('rowversion', 'timestamp')).toMatch(/^CURSOR_TYPE/);
    expect(await said('int', 'xmin')).toMatch(/^CURSOR_NOT_POSSIBLE.*rowversion/);
    const other = { cursor: { type: 'rowversion', column: 'nothing' } } as const;
    expect(await said('int', 'rowversion', other)).toMatch(/^CURSOR_UNKNOWN/);
    expect(await said('int', 'integer', { cursor: { type: 'integer', column: 'nothing' } })).toMatch(/^CURSOR_UNKNOWN/);
    expect(await said('rowversion', 'rowversion', {}, { kind: 'view' })).toMatch(/^CURSOR_NOT_POSSIBLE.*view/);
    expect(await said('rowversion', 'rowversion', { quirks: { isReadOnly: true } })).toMatch(
      /^CURSOR_NOT_POSSIBLE.*read-only/,
    );
    const without = { refused: { MIN_ACTIVE_ROWVERSION: 195 } };
    expect(await said('rowversion', 'rowversion', { quirks: without })).toMatch(/^CURSOR_NOT_POSSIBLE.*MIN_ACTIVE/);
    const masked = { columns: [ID, { name: 'c', type: 'int', isMasked: true }] };
    expect(await said('int', 'integer', {}, masked)).toMatch(/^CURSOR_NOT_POSSIBLE.*UNMASK/);
    for (const [type, cursor, start] of [
      ['int', 'integer', 'five'],
      ['int', 'integer', '1; DROP TABLE t'],
      ['tinyint', 'integer', '300'],
      ['datetime', 'datetime', 'yesterday'],
      ['datetime2(3)', 'datetime', '2025-01-01T00:00:00Z'],
      ['date', 'date', '2025-01-01 12:00'],
      ['rowversion', 'rowversion', '2001'],
    ] as const) {
      expect(await said(type, cursor, { start }), `${type} ${start}`).toMatch(/^CURSOR_VALUE/);
    }
    expect(await said('int', 'integer', { after: '2025-01-01T00:00:00' })).toMatch(/^CURSOR_VALUE: .*watermark/);
    expect(await said('int', 'integer', { sql: 'SELECT 1 AS c) AS q DROP TABLE t --' })).toMatch(/^QUERY_NOT_READABLE/);
  });

  it('are asked of an index that begins with them and has all rows', async () => {
    const isIndexed = async (indexes: TestTable['indexes'], quirks: Quirks = {}) =>
      (await incrementOf(tableOf('int', [], { indexes: indexes ?? [] }), 'integer', { quirks })).isIndexed;
    expect(await isIndexed([{ keys: ['c', 'id'] }])).toBe(true);
    expect(await isIndexed([{ keys: ['id', 'c'] }])).toBe(false);
    expect(await isIndexed([{ keys: ['c'], filtered: true }])).toBe(false);
    expect((await incrementOf(tableOf('int', [], { kind: 'view' }), 'integer')).isIndexed).toBeUndefined();
  });
});
