import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wholeTable } from '../../../src/model/dataset.js';
import { postgresRows } from '../../../src/sources/postgres/rows/rows.js';
import { fittingCut } from '../../../src/sources/partitioning/slice-size.js';
import { sliceByPage } from '../../../src/sources/postgres/rows/slices.js';
import type { TableOverride, Slice, SliceOptions, Source } from '../../../src/sources/source.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

const LARGE = { degree: 2, largeTableThreshold: 1 };
let server: PostgresServer;
let source: Source;

beforeAll(async () => {
  server = await startPostgres({ settings: { autovacuum: 'off', max_wal_size: '4GB' } });
  source = await openPostgres(server, {}, { inherited: 'include' });
});
afterAll(async () => {
  await source.close();
  await server.stop();
});

async function slicesOf(name: string, options: SliceOptions = LARGE, from = source): Promise<Slice[]> {
  const table = await findTable(from, name);
  const columns = await describeTable(from, table);
  return from.slice(table, columns, options);
}

const union = (slices: readonly Slice[]) => slices.map(({ query }) => `(${query})`).join(' UNION ALL ');

/** Rows that the slices have and the table has not, or the other way round, duplicates counted. */
async function difference(slices: readonly Slice[], whole: string): Promise<unknown> {
  const [row] = await server.query(`
    SELECT (SELECT count(*) FROM (${union(slices)}) AS s)::int AS rows, (SELECT count(*) FROM (${whole}) AS w)::int AS whole,
           (SELECT count(*) FROM (${union(slices)} EXCEPT ALL ${whole}) AS d)::int AS extra`);
  return row!['extra'] === 0 && row!['rows'] === row!['whole'] ? undefined : row;
}

test('ranges of pages hold every row exactly once, after updates, deletes, vacuum and growth', async () => {
  await server.query(`
    CREATE TABLE churned (id int PRIMARY KEY, v text);
    INSERT INTO churned SELECT i, repeat('v', i % 700) FROM generate_series(1, 5000) AS i;
    DELETE FROM churned WHERE id % 7 = 0 OR id BETWEEN 2000 AND 3000`);
  await server.query('VACUUM churned');
  await server.query(`
    UPDATE churned SET v = v || 'x' WHERE id % 3 = 0;
    INSERT INTO churned SELECT i, 'late' FROM generate_series(10000, 11000) AS i;
    UPDATE churned SET v = v || 'y' WHERE id % 11 = 0`);
  const columns = await describeTable(source, await findTable(source, 'churned'));
  const [{ pages }] = (await server.query(`SELECT (pg_relation_size('churned') / 8192)::int AS pages`)) as [
    { pages: number },
  ];
  await fc.assert(
    // Fewer pages than there are: the table has grown since they were counted. More: its end was cut off.
    fc.asyncProperty(
      fc.integer({ min: 1, max: pages + 50 }),
      fc.integer({ min: 1, max: 60 }),
      async (counted, count) => {
        const id = { schema: 'public', name: 'churned' };
        const member = { id, byPage: true, pages: counted, bytes: 1, rows: 1000 };
        const rows = postgresRows(wholeTable(id), { only: true });
        const cut = fittingCut(Math.min(count, counted), (count % 5) + 1, counted);
        const slices = sliceByPage(member, rows, columns, cut);
        expect(slices).toHaveLength(Math.min(count, counted));
        expect(await difference(slices, 'SELECT id, v FROM churned')).toBeUndefined();
      },
    ),
    { numRuns: 60 },
  );
});

test('a large table gets ranges that the server scans by page, and a small one a single slice', async () => {
  await server.query(`
    CREATE TABLE large AS SELECT i AS id, i % 10 AS k FROM generate_series(1, 1200000) AS i; ANALYZE large;
    CREATE TABLE small AS SELECT * FROM large LIMIT 1000; ANALYZE small`);
  const slices = await slicesOf('large');
  expect(slices.map(({ index, method }) => [index, method])).toEqual([
    [0, 'Ctid'],
    [1, 'Ctid'],
    [2, 'Ctid'],
  ]);
  expect(slices.map(({ bounds }) => bounds)).toEqual([
    expect.stringMatching(/^ctid < \(\d+,0\)$/),
    expect.stringMatching(/^ctid in \[\(\d+,0\), \(\d+,0\)\)$/),
    expect.stringMatching(/^ctid >= \(\d+,0\)$/),
  ]);
  expect(slices.reduce((sum, { estimatedRows }) => sum + estimatedRows!, 0)).toBeCloseTo(1_200_000, -1);
  for (const { query } of slices) {
    const plan = await server.query(`EXPLAIN ${query}`);
    expect(JSON.stringify(plan)).toContain('Tid Range Scan');
  }
  expect(await difference(slices, 'SELECT * FROM large')).toBeUndefined();

  const single = { index: 0, method: 'None', bounds: 'all rows' };
  expect(await slicesOf('large', { degree: 1, largeTableThreshold: 1 })).toMatchObject([single]);
  expect(await slicesOf('large', { degree: 8, largeTableThreshold: 2_000_000 })).toMatchObject([single]);
  expect(await slicesOf('small')).toMatchObject([single]);
});

test('a partitioned table is read leaf by leaf, whatever the order of their columns', async () => {
  await server.query(`
    CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE SCHEMA elsewhere;
    CREATE TABLE parted (a int, b text, c int) PARTITION BY RANGE (a);
    CREATE TABLE parted_0 PARTITION OF parted FOR VALUES FROM (0) TO (10);
    CREATE TABLE elsewhere.parted_1 (gone int, c int, b text, a int);
    ALTER TABLE elsewhere.parted_1 DROP COLUMN gone;
    ALTER TABLE parted ATTACH PARTITION elsewhere.parted_1 FOR VALUES FROM (10) TO (20);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (20) TO (30) PARTITION BY LIST (c);
    CREATE TABLE parted_2_x PARTITION OF parted_2 FOR VALUES IN (1);
    CREATE TABLE parted_2_rest PARTITION OF parted_2 DEFAULT;
    CREATE TABLE parted_empty PARTITION OF parted FOR VALUES FROM (30) TO (40);
    CREATE FOREIGN TABLE parted_f PARTITION OF parted FOR VALUES FROM (40) TO (50)
      SERVER files OPTIONS (program 'echo "41,far,1"', format 'csv');
    INSERT INTO parted SELECT i, 'b' || i, i % 2 FROM generate_series(0, 29) AS i`);
  const whole = 'SELECT a, b, c FROM parted';
  const slices = await slicesOf('parted');
  expect(await difference(slices, whole)).toBeUndefined();
  expect(slices.map(({ index, bounds, method }) => [index, bounds, method])).toEqual([
    [0, 'elsewhere.parted_1: all rows', 'None'],
    [1, 'public.parted_0: all rows', 'None'],
    [2, 'public.parted_2_rest: all rows', 'None'],
    [3, 'public.parted_2_x: all rows', 'None'],
    [4, 'public.parted_empty: all rows', 'None'],
    [5, 'public.parted_f: all rows', 'None'],
  ]);
  // With a snapshot, a leaf without a page has no row that could be seen.
  const pinned = await openPostgres(server);
  const table = await findTable(pinned, 'parted');
  await pinned.pin([table], { consistency: 'run' });
  const withoutEmpty = await slicesOf('parted', LARGE, pinned);
  expect(withoutEmpty.map(({ bounds }) => bounds.includes('empty'))).toEqual([false, false, false, false, false]);
  expect(await difference(withoutEmpty, whole)).toBeUndefined();
  await pinned.close();
  // One reader takes the parent as it stands.
  const [single, ...more] = await slicesOf('parted', { degree: 1, largeTableThreshold: 1 });
  expect([single!.bounds, more.length]).toEqual(['all rows', 0]);
  expect(await difference([single!], whole)).toBeUndefined();
});

test('a table that others inherit from has their rows, each once, also by several paths', async () => {
  await server.query(`
    CREATE TABLE top (a int, b int); CREATE TABLE left_side (l int) INHERITS (top); CREATE TABLE right_side (r int) INHERITS (top);
    CREATE TABLE bottom (z int) INHERITS (left_side, right_side);
    INSERT INTO top VALUES (1, 1); INSERT INTO left_side VALUES (2, 2, 2); INSERT INTO bottom VALUES (3, 3, 3, 3, 3);
    INSERT INTO right_side VALUES (4, 4, 4), (5, 5, 5)`);
  const slices = await slicesOf('top');
  expect(slices.map(({ bounds }) => bounds)).toEqual([
    'all rows',
    'public.bottom: all rows',
    'public.left_side: all rows',
    'public.right_side: all rows',
  ]);
  for (const options of [LARGE, { degree: 1, largeTableThreshold: 1 }]) {
    for (const name of ['top', 'left_side', 'bottom']) {
      const table = await slicesOf(name, options);
      const columns = name === 'top' ? 'a, b' : name === 'left_side' ? 'a, b, l' : '*';
      expect(await difference(table, `SELECT ${columns} FROM ${name}`)).toBeUndefined();
    }
  }
});

test('a table that others inherit from has only its own rows where they are not included', async () => {
  const alone = await openPostgres(server);
  for (const options of [LARGE, { degree: 1, largeTableThreshold: 1 }]) {
    const slices = await slicesOf('top', options, alone);
    expect(slices.map(({ query }) => query)).toEqual(['SELECT "a", "b" FROM ONLY "public"."top"']);
  }
  const { heirs, contains, estimatedBytes } = await findTable(alone, 'top');
  expect([heirs?.map(({ name }) => name), contains, estimatedBytes]).toEqual([
    ['bottom', 'left_side', 'right_side'],
    undefined,
    8192,
  ]);
  await alone.close();
});

test('who may read a partitioned table but not its leaves reads it whole', async () => {
  await server.query(`
    CREATE TABLE shared (a int) PARTITION BY LIST (a);
    CREATE TABLE shared_1 PARTITION OF shared FOR VALUES IN (1); CREATE TABLE shared_2 PARTITION OF shared DEFAULT;
    INSERT INTO shared VALUES (1), (2);
    CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT SELECT ON shared TO reader`);
  const limited = await openPostgres(server, { username: 'reader', password: 'reader' });
  const table = await findTable(limited, 'shared');
  expect((await limited.pin([table], { consistency: 'run' })).problems).toEqual([]);
  expect(await slicesOf('shared', LARGE, limited)).toMatchObject([{ query: 'SELECT "a" FROM "public"."shared"' }]);
  await limited.close();
});

test('a table that comes under another one while the run lasts adds no rows to it', async () => {
  await server.query('CREATE TABLE alone (a int); CREATE TABLE joiner (a int); INSERT INTO joiner VALUES (1)');
  const slices = await slicesOf('alone', { degree: 1, largeTableThreshold: 1 });
  await server.query('ALTER TABLE joiner INHERIT alone');
  expect(await server.query(union(slices))).toEqual([]);
});

test('views and materialized views are read whole or by page', async () => {
  await server.query(`
    CREATE TABLE base AS SELECT i AS a FROM generate_series(1, 1000) AS i;
    CREATE VIEW seen AS SELECT a FROM base; CREATE MATERIALIZED VIEW made AS SELECT a FROM base; ANALYZE made`);
  expect(await slicesOf('seen')).toMatchObject([{ method: 'None', query: 'SELECT "a" FROM "public"."seen"' }]);
  expect(await difference(await slicesOf('made'), 'SELECT a FROM made')).toBeUndefined();
});

test('the configuration decides on method and readers, whatever the size', async () => {
  await server.query('CREATE TABLE wished AS SELECT i AS id FROM generate_series(1, 50000) AS i; ANALYZE wished');
  await server.query('CREATE VIEW wished_view AS SELECT id FROM wished');
  const ask = (name: string, override: TableOverride) =>
    slicesOf(name, { degree: 2, largeTableThreshold: 1e6, override });
  for (const override of [{ degree: 3 }, { method: 'Ctid', degree: 3 }, { method: 'Physical', degree: 3 }] as const) {
    const slices = await ask('wished', override);
    expect(slices.map(({ method }) => method)).toEqual(['Ctid', 'Ctid', 'Ctid']);
    expect(await difference(slices, 'SELECT id FROM wished')).toBeUndefined();
  }
  expect(await ask('wished', { method: 'None', degree: 3 })).toHaveLength(1);
  const byKey = await ask('wished', { key: 'ID', degree: 3 });
  expect(byKey.map(({ method }) => method)).toEqual(['RangeId', 'RangeId', 'RangeId']);
  expect(await difference(byKey, 'SELECT id FROM wished')).toBeUndefined();
  await expect(ask('wished_view', { method: 'Ctid' })).rejects.toMatchObject({ code: 'METHOD_NOT_SUPPORTED' });
});
