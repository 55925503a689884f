import path from 'node:path';

import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { afterAll, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../../src/errors.js';
import type { CursorType } from '../../../src/model/cursor.js';
import type { Increment, IncrementRequest } from '../../../src/sources/increment.js';
import type { Source, SourceDataset } from '../../../src/sources/source.js';
import { openSqliteSource } from '../../../src/sources/sqlite/source.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { SyncedLake } from '../../harness/synced-lake.js';

/** Syncs by a column that grows, from SQLite. */

const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());
let files = 0;

interface File {
  readonly path: string;
  readonly database: DatabaseSyncInstance;
}

function fileOf(sql: string): File {
  const file = path.join(scratch.path, `${++files}.db`);
  const database = new DatabaseSync(file);
  database.exec(sql);
  return { path: file, database };
}

function lakeOf(file: File, ...flags: string[]): Promise<SyncedLake> {
  const entry = { ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath: file.path } };
  return SyncedLake.of({ id: 'ds_lite', entry }, 'main', flags);
}

interface Asked extends Partial<IncrementRequest> {
  readonly sql?: string;
}

/** What a sync of `t` by the column `c` would read, of a table that the statements make. */
async function incrementOf(sql: string, type: CursorType, { sql: query, ...request }: Asked = {}): Promise<Increment> {
  const file = fileOf(sql);
  file.database.close();
  return withSource(file, (source, tables) => {
    const id = { schema: 'main', name: 't' };
    const table: SourceDataset =
      query === undefined
        ? tables.find(({ id: { name } }) => name === 't')!
        : {
            dataset: { kind: 'query', id, sql: query },
            id,
            kind: 'query',
            estimatedRows: undefined,
            estimatedBytes: undefined,
          };
    return source.increment!(table, {
      cursor: { type, column: 'c' },
      ...{ after: undefined, start: undefined, isInclusive: false, lagSeconds: 0, withNulls: false },
      ...request,
    });
  });
}

async function withSource<T>(
  file: File,
  use: (source: Source, tables: readonly SourceDataset[]) => Promise<T>,
): Promise<T> {
  const source = await openSqliteSource({ file: file.path, timeoutMs: 1000, entryId: 'test' });
  try {
    return await use(source, await source.listTables());
  } finally {
    await source.close();
  }
}

const problem = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'none',
    (thrown: unknown) => `${(thrown as LakeportError).code}: ${(thrown as LakeportError).message}`,
  );

const texts = (...values: string[]) =>
  `CREATE TABLE t (c TEXT); INSERT INTO t VALUES ${values.map((value) => `('${value}')`).join(', ')}`;

describe('a table of SQLite that is synced by a column', () => {
  it('gets each row once, late ones within the lag, and others from its start', async () => {
    const file = fileOf(`CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME NOT NULL);
      CREATE INDEX by_time ON t (at DESC);
      INSERT INTO t VALUES (1, '2025-01-01 00:00:00'), (2, '2025-01-02 00:00:00'), (3, '2025-01-03 00:00:00.5')`);
    const lake = await lakeOf(file, '--incremental_table', 't:at:datetime@2025-01-01');
    expect(await lake.syncOne()).toMatchObject({
      rows: 2,
      sync: { kind: 'full', lower: '2025-01-01 00:00:00', upper: '2025-01-03 00:00:00.5' },
    });
    file.database
      .exec(`INSERT INTO t VALUES (4, '2025-01-03 00:00:00.5'), (5, '2025-01-03 00:00:01'), (6, '2025-01-02 23:00:00');
      UPDATE t SET at = '2025-01-04 00:00:00' WHERE id = 2`);
    expect(await lake.syncOne()).toMatchObject({ rows: 2, sync: { number: 2, kind: 'increment' } });
    expect(await lake.numbers('t')).toEqual([2, 2, 3, 5]);
    file.database.exec(`INSERT INTO t VALUES (7, '2025-01-03 23:59:59'), (8, '2025-01-04 00:00:00')`);
    const lagging = await lake.syncOne('--incremental_safety_lag', '1');
    expect(lagging).toMatchObject({ rows: 2, sync: { lower: '2025-01-03 23:59:59', upper: '2025-01-04 00:00:00' } });
    expect(await lake.numbers('t')).toEqual([2, 2, 2, 3, 5, 8]);
    expect(await lake.syncOne('--incremental_table', 't:at:datetime:i')).toMatchObject({ rows: 2 });
    // The greatest is deleted, and the watermark stays.
    file.database.exec(`DELETE FROM t WHERE at >= '2025-01-03'; INSERT INTO t VALUES (9, '2025-01-03 12:00:00')`);
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { upper: '2025-01-04 00:00:00' } });
    expect(await lake.syncOne('--reset-watermarks')).toMatchObject({ rows: 2, sync: { kind: 'full' } });
    expect(await lake.numbers('t')).toEqual([6, 9]);
    // What no later sync can read must not come unnoticed.
    file.database.exec('ALTER TABLE t RENAME COLUMN at TO changed');
    expect((await lake.syncOne()).error?.code).toBe('CURSOR_UNKNOWN');
  });

  it('begins at its start also where the first syncs find no row', async () => {
    const file = fileOf('CREATE TABLE t (id INTEGER, at TEXT)');
    const lake = await lakeOf(file, '--incremental_table', 't:id:integer@10');
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { lower: '10', upper: null } });
    file.database.exec('INSERT INTO t (id) VALUES (9)');
    expect(await lake.syncOne()).toMatchObject({ rows: 0, sync: { upper: '10' } });
    file.database.exec('INSERT INTO t (id) VALUES (10), (11), (9223372036854775807)');
    expect(await lake.syncOne()).toMatchObject({ rows: 2, sync: { lower: '10', upper: '9223372036854775807' } });
    expect(await lake.syncOne()).toMatchObject({ rows: 0 });
  });

  it('fails for rows without a value, with their number, unless the first sync is to take them', async () => {
    const file = fileOf(`CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER);
      INSERT INTO t VALUES (1, 1), (2, NULL), (3, NULL), (4, -9223372036854775808)`);
    const lake = await lakeOf(file, '--incremental_table', 't:v:integer');
    expect((await lake.syncOne()).error?.message).toContain('2 rows have no value in v');
    const include = ['--incremental_nulls', 'include'];
    expect(await lake.syncOne(...include)).toMatchObject({ rows: 4, sync: { nulls: 2, upper: '1' } });
    file.database.exec('INSERT INTO t VALUES (5, NULL), (6, 2)');
    expect(await lake.syncOne(...include)).toMatchObject({ rows: 1, sync: { nulls: 3 } });
    expect(await lake.numbers('t')).toEqual([1, 2, 3, 4, 6]);
  });

  it('may be a view, a query, without a rowid, or have a condition, directories and a name with quotes', async () => {
    const file =
      fileOf(`CREATE TABLE "a ""b" ("C'c" TEXT PRIMARY KEY COLLATE NOCASE, id INTEGER, kind TEXT) WITHOUT ROWID;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO "a ""b" SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1735689600 + i * 3600, 'unixepoch'), i, iif(i % 2, 'y', 'x') FROM n;
      CREATE VIEW v AS SELECT * FROM "a ""b"`);
    const lake = await lakeOf(
      file,
      ...['--include_views', '--where', `a%:kind = 'x' -- even`, '--partition_by', 'a%:kind'],
      ...['--query', 'main.q=SELECT id AS n FROM v', '--incremental_table', `"a ""b":"C'c":timestamp`],
      ...['--incremental_table', `v:"C'c":datetime`, '--incremental_table', 'q:n:integer'],
    );
    const rows = async () => Object.fromEntries((await lake.sync()).map(({ table, rows: count }) => [table, count]));
    expect(await rows()).toEqual({ 'a "b': 20, v: 40, q: 40 });
    file.database.exec(
      `INSERT INTO "a ""b" VALUES ('2026-01-01T00:00:00Z', 41, 'x'), ('2026-01-02T00:00:00Z', 42, 'y'), ('2026-01-03T00:00:00Z', 43, 'x')`,
    );
    expect(await rows()).toEqual({ 'a "b': 2, v: 3, q: 3 });
    expect(await lake.query('q', 'count(*)::INTEGER AS n, count(DISTINCT n)::INTEGER AS d')).toEqual([
      { n: 43, d: 43 },
    ]);
  });
});

describe('the values of a cursor', () => {
  it.each([
    // Fractions of any length sort as time before an offset, or at the end.
    [
      '2025-01-01 00:00:00|2025-01-01 00:00:00.000001|2025-01-01 00:00:00.5',
      '2025-01-01 00:00:00.5',
      '2024-12-31 23:59:00.5',
    ],
    [
      '2025-01-01T00:00:00+00:00|2025-01-01T00:00:00.123456+00:00',
      '2025-01-01T00:00:00.123456+00:00',
      '2024-12-31T23:59:00.123456+00:00',
    ],
    ['2024-12-31T00:00:00.000Z|2025-01-01T00:00:00.120Z', '2025-01-01T00:00:00.120Z', '2024-12-31T23:59:00.120Z'],
    ['2025-01-01T00:00|2025-01-02T00:00', '2025-01-02T00:00', '2025-01-01T23:59'],
    ['2025-01-01|2025-01-02', '2025-01-02', '2025-01-01'],
  ])('are text in one form: %s', async (values, upper, lower) => {
    const sql = texts(...values.split('|'));
    expect(await incrementOf(sql, 'timestamp')).toMatchObject({ upper, lower: undefined });
    expect(await incrementOf(`PRAGMA encoding = 'UTF-16'; ${sql}`, 'date')).toMatchObject({ upper });
    expect(await incrementOf(sql, 'timestamp', { after: upper, lagSeconds: 60 })).toMatchObject({ upper, lower });
  });

  it.each([
    [
      '2025-01-01 00:00:00|2025-01-01T00:00:00',
      /text as in 2025-01-01T00:00:00, except 1 text \(such as '2025-01-01 00:00:00'\)/,
    ],
    // A dot sorts before Z: half a second later would be earlier.
    ['2025-01-01T00:00:00Z|2025-01-01T00:00:00.5Z', /except 1 text/],
    ['2025-01-01T00:00:00+01:00|2025-01-01T00:00:00+02:00', /except 1 text/],
    ['2025-01-01t00:00:00|2025-01-01T00:00:00|1.2.2025|', /is 4 texts \(such as '2025-01-01t00:00:00'\)/],
    ['2025-01-01 00:00:00|2025-01-01 00:00:00.5x', /2 texts \(such as/],
    ['2025-01-01 00:00:00.5x|2025-01-01 00:00:01', /except 1 text/],
    ['2025-01-01|2025-01-01 00:00:00', /except 1 text/],
  ])('of several forms are refused: %s', async (values, message) => {
    const made = texts(...values.split('|'));
    const indexed = `${made}; CREATE INDEX i ON t (c)`;
    for (const sql of [made, indexed]) {
      const said = await problem(incrementOf(sql, 'timestamp'));
      expect(said).toMatch(/^CURSOR_TYPE/);
      expect(said).toMatch(message);
    }
  });

  it('of several storage classes are refused, with the number of the others, whether an index helps or not', async () => {
    const mixed = `INSERT INTO t VALUES (1), (2), (2.5), (x'00'), ('b'), ('a'), (NULL)`;
    for (const index of ['', '; CREATE INDEX i ON t (c)']) {
      const untyped = `CREATE TABLE t (c); ${mixed}${index}`;
      expect(await problem(incrementOf(untyped, 'integer'))).toBe(
        "CURSOR_TYPE: main.t.c is 1 blob (such as X'00'), 2 integers (such as 2), 1 real number (such as 2.5), 2 texts (such as 'b'), and integer of --incremental-table needs integers",
      );
      const late = `CREATE TABLE t (c); INSERT INTO t VALUES (1), (5.5), (10)${index}`;
      expect(await problem(incrementOf(late, 'integer', { after: '3' }))).toContain('integers, except 1 real number');
      const text = `CREATE TABLE t (c DATETIME); INSERT INTO t VALUES ('2025-01-01'), (20250102)${index}`;
      expect(await problem(incrementOf(text, 'date', { after: '2025-01-01' }))).toContain('except 1 integer');
      const form = `CREATE TABLE t (c DATETIME); INSERT INTO t VALUES ('2025-01-01'), ('2025-01-02 1'), ('2025-01-03')${index}`;
      expect(await problem(incrementOf(form, 'date', { after: '2025-01-01' }))).toContain('except 1 text');
    }
    // Columns make numbers of digits, text of numbers, and real numbers of integers.
    const affine = (type: string, value: string) => `CREATE TABLE t (c ${type}); INSERT INTO t VALUES (${value})`;
    expect(await incrementOf(affine('INT', `'7'`), 'integer')).toMatchObject({ upper: '7', condition: '"c" <= 7' });
    expect(await problem(incrementOf(affine('TEXT', '7'), 'integer'))).toContain(`1 text (such as '7')`);
    expect(await problem(incrementOf(affine('REAL', '7'), 'integer'))).toContain('1 real number');
    expect(await problem(incrementOf(affine('REAL', '2460706.5'), 'datetime'))).toContain('1 real number');
    const nul = `CREATE TABLE t (c TEXT); INSERT INTO t VALUES ('2025-01-01' || char(0) || 'x'), ('2025-01-02')`;
    expect(await problem(incrementOf(nul, 'date'))).toContain('except 1 text');
  });

  it('are compared by their bytes, whatever the collation', async () => {
    const sql = `CREATE TABLE t (c TEXT COLLATE NOCASE); INSERT INTO t VALUES ('2025-01-01T00:00:00Z'), ('2025-01-02T00:00:00Z')`;
    const increment = await incrementOf(`${sql}; CREATE INDEX i ON t (c)`, 'timestamp', {
      after: '2025-01-01T00:00:00Z',
    });
    expect(increment).toMatchObject({
      condition: `"c" COLLATE BINARY > '2025-01-01T00:00:00Z' AND "c" COLLATE BINARY <= '2025-01-02T00:00:00Z'`,
      isIndexed: false,
    });
    const other = `${sql}, ('2025-01-02t00:00:00Z')`;
    expect(await problem(incrementOf(other, 'timestamp'))).toMatch(/CURSOR_TYPE.*02t00/);
  });

  it('that are integers may be times, but not with a safety lag', async () => {
    const sql = 'CREATE TABLE t (c INTEGER); INSERT INTO t VALUES (1735689600), (1735689601)';
    expect(await incrementOf(sql, 'timestamp')).toMatchObject({ upper: '1735689601', behindSeconds: undefined });
    const lagging = { after: '1735689600', lagSeconds: 5 };
    expect(await problem(incrementOf(sql, 'timestamp', lagging))).toMatch(
      /^CURSOR_NOT_POSSIBLE.*seconds or milliseconds/,
    );
    expect(await incrementOf(sql, 'integer', lagging)).toMatchObject({ lower: '1735689600' });
  });

  it('give the start their form, and no other', async () => {
    const startOf = async (start: string, value: string) =>
      (await incrementOf(texts(value), 'timestamp', { start })).lower;
    expect(await startOf('2024-01-01', '2025-01-01T00:00:00.000Z')).toBe('2024-01-01T00:00:00.000Z');
    expect(await startOf('2024-01-01 12:30', '2025-01-01T00:00:00')).toBe('2024-01-01T12:30:00');
    expect(await startOf('2024-01-01T00:00:00+02:00', '2025-01-01T00:00:00Z')).toBe('2023-12-31T22:00:00Z');
    expect(await startOf('2024-01-01T00:00:00Z', '2025-01-01T00:00:00-05:30')).toBe('2023-12-31T18:30:00-05:30');
    expect(await startOf('2024-01-01 00:00', '2025-01-01')).toBe('2024-01-01');
    for (const [start, value] of [
      ['2024-01-01 00:01', '2025-01-01'],
      ['2024-01-01T00:00:00Z', '2025-01-01T00:00:00'],
      ['yesterday', '2025-01-01'],
      ['1735689600', '2025-01-01'],
    ] as const) {
      expect(await problem(startOf(start, value)), start).toMatch(/^CURSOR_VALUE/);
    }
    const sql = 'CREATE TABLE t (c INTEGER); INSERT INTO t VALUES (1)';
    expect(await problem(incrementOf(sql, 'integer', { start: '1.5' }))).toMatch(/^CURSOR_VALUE/);
    expect(await problem(incrementOf(sql, 'integer', { start: '9223372036854775808' }))).toMatch(/^CURSOR_VALUE/);
    expect(await problem(incrementOf(sql, 'date', { after: '2025-01-01' }))).toMatch(/^CURSOR_VALUE.*integers/);
    expect(await problem(incrementOf(texts('2025-01-01T00:00:00'), 'date', { after: '2025-01-01' }))).toMatch(
      /^CURSOR_VALUE.*text as in/,
    );
    // Later than every row: nothing before it is ever read.
    expect(await incrementOf(sql, 'integer', { start: '5' })).toMatchObject({ watermark: '5', lower: '5' });
  });

  it('are asked of an index where one has all rows in their order', async () => {
    const isIndexed = async (index: string) =>
      (
        await incrementOf(
          `CREATE TABLE t (c TEXT, d INTEGER); INSERT INTO t VALUES ('2025-01-01', 1); ${index}`,
          'date',
        )
      ).isIndexed;
    expect(await isIndexed('')).toBe(false);
    expect(await isIndexed('CREATE INDEX i ON t (c DESC, d)')).toBe(true);
    expect(await isIndexed('CREATE INDEX i ON t (d, c)')).toBe(false);
    expect(await isIndexed('CREATE INDEX i ON t (c) WHERE d > 0')).toBe(false);
    expect(await isIndexed('CREATE INDEX i ON t (lower(c))')).toBe(false);
    expect(await isIndexed('CREATE INDEX i ON t (c COLLATE NOCASE)')).toBe(false);
    expect(await incrementOf('CREATE TABLE base (c); CREATE VIEW t AS SELECT * FROM base', 'date')).toMatchObject({
      isIndexed: undefined,
      condition: 'FALSE',
    });
    const key = 'CREATE TABLE t (c TEXT PRIMARY KEY) WITHOUT ROWID';
    expect((await incrementOf(key, 'date')).isIndexed).toBe(true);
  });

  it('may be numbers of rows, with what is known of them', async () => {
    const rowid = (sql: string, request: Asked = {}) =>
      incrementOf(sql, 'integer', { cursor: { type: 'integer', column: 'ROWID' }, ...request });
    const rows = 'INSERT INTO t (d) VALUES (1), (2)';
    expect(await rowid(`CREATE TABLE t (d); ${rows}`)).toMatchObject({
      ...{ upper: '2', isIndexed: true, nulls: 0 },
      warning: expect.stringContaining('VACUUM') as string,
    });
    const key = `CREATE TABLE t (c INTEGER PRIMARY KEY, d); ${rows}`;
    expect((await rowid(key)).warning).toContain('AUTOINCREMENT');
    expect((await incrementOf(key, 'integer', { after: '1' })).warning).toBeUndefined();
    expect((await incrementOf(key, 'integer', { after: '3' })).warning).toContain('deleted');
    const kept = `CREATE TABLE t (c INTEGER PRIMARY KEY AUTOINCREMENT, d); ${rows}`;
    expect((await incrementOf(kept, 'integer')).warning).toBeUndefined();
    expect(await problem(rowid(`CREATE TABLE t (c PRIMARY KEY, d) WITHOUT ROWID`))).toMatch(/^CURSOR_UNKNOWN/);
    // A column of that name is not the number.
    expect(await rowid(`CREATE TABLE t (rowid TEXT); INSERT INTO t VALUES (NULL)`)).toMatchObject({ nulls: 1 });
  });

  it('must be a column of the table or the query', async () => {
    const sql = 'CREATE TABLE t (d INTEGER)';
    expect(await problem(incrementOf(sql, 'integer'))).toMatch(/^CURSOR_UNKNOWN/);
    expect(await problem(incrementOf(sql, 'integer', { sql: 'SELECT 1 AS d' }))).toMatch(/^CURSOR_UNKNOWN/);
    expect(await problem(incrementOf(sql, 'integer', { sql: 'SELECT 1 AS c) AS q; --' }))).toMatch(
      /^QUERY_NOT_READABLE/,
    );
    expect(await incrementOf(sql, 'integer', { sql: 'SELECT 1 AS C' })).toMatchObject({
      upper: '1',
      isIndexed: undefined,
    });
    for (const cursor of [{ type: 'xmin' }, { type: 'rowversion', column: 'd' }] as const) {
      expect(await problem(incrementOf(sql, 'integer', { cursor }))).toMatch(/^CURSOR_NOT_POSSIBLE/);
    }
  });
});

/** Deterministic: the same changes each time. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('many syncs of a table that is written to', () => {
  const TABLE = 'CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, twice INTEGER)';
  const SYNCS = 12;

  function changesOf({ database }: File) {
    const random = randomOf(7);
    let version = 0;
    const change = () => {
      const id = 1 + random(40);
      if (random(3) === 0) database.exec(`DELETE FROM t WHERE id = ${id}`);
      else database.exec(`INSERT OR REPLACE INTO t VALUES (${id}, ${++version}, ${version * 2})`);
    };
    const versions = () =>
      database
        .prepare('SELECT version FROM t')
        .all()
        .map((row) => (row as { readonly version: number }).version);
    return { change, random, versions };
  }

  it('have each version of a row that a sync has met, and no other', async () => {
    const file = fileOf(TABLE);
    const { change, random, versions } = changesOf(file);
    const lake = await lakeOf(file, '--incremental_table', 't:version:integer');
    const expected: number[] = [];
    let watermark = 0;
    for (let sync = 0; sync < SYNCS; sync++) {
      for (let i = random(30); i > 0; i--) change();
      const there = versions();
      expected.push(...there.filter((one) => one > watermark));
      watermark = Math.max(watermark, ...there);
      await lake.sync();
    }
    expect(await lake.numbers('t', 'version')).toEqual(expected.sort((a, b) => a - b));
  });

  it('miss no row and have none twice while others go on writing, with a write-ahead log', async () => {
    const file = fileOf(`PRAGMA journal_mode = WAL; ${TABLE}; CREATE INDEX i ON t (version)`);
    const { change, versions } = changesOf(file);
    const lake = await lakeOf(file, '--incremental_table', 't:version:integer', '-p', '2');
    let changes = 0;
    for (let sync = 0; sync < SYNCS; sync++) {
      const writer = setInterval(() => {
        change();
        changes++;
      }, 1);
      await lake.sync().finally(() => clearInterval(writer));
    }
    expect(changes).toBeGreaterThan(SYNCS);
    await lake.sync();
    const rows = await lake.query('t', 'version::INTEGER AS version, twice::INTEGER AS twice');
    const read = new Set(rows.map((row) => Number(row['version'])));
    expect(read.size).toBe(rows.length);
    expect(rows.filter((row) => Number(row['twice']) !== 2 * Number(row['version']))).toEqual([]);
    expect(versions().filter((one) => !read.has(one))).toEqual([]);
  });
});
