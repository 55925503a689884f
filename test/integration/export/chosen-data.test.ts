import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../../src/export/formats/directory/manifest-schema.js';
import { postgresEntry, type CliResult } from '../../harness/cli.js';
import { runCliHere } from '../../harness/cli-here.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { TestDatabase } from '../../servers/tds/test-database.js';

/** Columns, rows, queries and added columns, chosen by flags, from each engine. */

interface TestSource {
  readonly id: string;
  /** Of the tables. */
  readonly schema: string;
}

const SOURCES: readonly TestSource[] = [
  { id: 'pg', schema: 'public' },
  { id: 'lite', schema: 'main' },
  { id: 'ms', schema: 'dbo' },
];

const ROWS = 3000;
/** A name and a value that do no harm unless something forgets to quote them. */
const ODD = `w"ei]]rd;--$$ /*\\ 'x`;
const ODD_TEXT = `it's "; $$ ] \\ -- */ {}`;
const quotedName = (name: string) => `"${name.replaceAll('"', '""')}"`;
const quotedText = (text: string) => `'${text.replaceAll("'", "''")}'`;

let scratch: ScratchDirectory;
let postgres: PostgresServer;
let tds: TdsServer;
let database: TestDatabase;
let authFile: string;

beforeAll(async () => {
  scratch = new ScratchDirectory();
  postgres = await startPostgres();
  await postgres.query(`
    CREATE TABLE orders (id int PRIMARY KEY, region text, amount int NOT NULL, "e-mail" text);
    INSERT INTO orders SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'r' || i % 5 END, i * 2, i || '@x' FROM generate_series(1, ${ROWS}) i;
    CREATE TABLE people (id int, name text); INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob');
    CREATE TABLE parted (id int, region text) PARTITION BY RANGE (id);
    CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
    CREATE TABLE p2 PARTITION OF parted FOR VALUES FROM (1000) TO (10000);
    INSERT INTO parted SELECT id, region FROM orders;
    CREATE TABLE ${quotedName(ODD)} (id int, ${quotedName(ODD)} text, note text);
    INSERT INTO ${quotedName(ODD)} VALUES (1, 'a', 'n'), (2, NULL, 'n'), (3, ${quotedText(ODD_TEXT)}, NULL), (4, 'b', 'n');
    CREATE SEQUENCE numbers; CREATE TABLE written (n int);
    CREATE FUNCTION writer() RETURNS int LANGUAGE sql AS 'INSERT INTO public.written VALUES (1) RETURNING n';
    CREATE ROLE clerk LOGIN PASSWORD 'clerk'; GRANT SELECT (id, name) ON people TO clerk;
    CREATE TABLE secret (id int, code text); GRANT SELECT (id) ON secret TO clerk; INSERT INTO secret VALUES (7, 'x');
    ANALYZE`);
  const file = path.join(scratch.path, 'lite.db');
  const lite = new DatabaseSync(file);
  lite.exec(`
    CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT, amount INTEGER NOT NULL, "e-mail" TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO orders SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'r' || (i % 5) END, i * 2, i || '@x' FROM n;
    CREATE TABLE people (id INTEGER, name TEXT); INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob');
    CREATE TABLE ${quotedName(ODD)} (id INTEGER, ${quotedName(ODD)} TEXT, note TEXT);
    INSERT INTO ${quotedName(ODD)} VALUES (1, 'a', 'n'), (2, NULL, 'n'), (3, ${quotedText(ODD_TEXT)}, NULL), (4, 'b', 'n')`);
  lite.close();
  database = await TestDatabase.create([
    {
      name: 'orders',
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'region', type: 'nvarchar(10)' },
        { name: 'amount', type: 'int', nullable: false },
        { name: 'e-mail', type: 'nvarchar(20)' },
      ],
      rows: Array.from({ length: ROWS }, (_, i) => [
        i + 1,
        (i + 1) % 3 === 0 ? null : `r${(i + 1) % 5}`,
        (i + 1) * 2,
        `${i + 1}@x`,
      ]),
      indexes: [{ keys: ['id'], isClustered: true, isUnique: true }],
      statistics: { rows: ROWS, pages: 100 },
    },
    {
      name: ODD,
      columns: [
        { name: 'id', type: 'int' },
        { name: ODD, type: 'nvarchar(40)' },
        { name: 'note', type: 'nvarchar(10)' },
      ],
      rows: [
        [1, 'a', 'n'],
        [2, null, 'n'],
        [3, ODD_TEXT, null],
        [4, 'b', 'n'],
      ],
    },
    {
      name: 'people',
      columns: [
        { name: 'id', type: 'int' },
        { name: 'name', type: 'nvarchar(10)' },
      ],
      rows: [
        [1, 'Ann'],
        [2, 'Bob'],
      ],
    },
  ]);
  tds = await startTdsServer({ handler: database.handler });
  authFile = path.join(scratch.path, 'auth.json');
  const { port, user: username, password } = tds;
  const entries = {
    pg: postgresEntry(postgres),
    clerk: postgresEntry(postgres, { username: 'clerk', password: 'clerk' }),
    clerk_by_policy: postgresEntry(postgres, {
      username: 'clerk',
      password: 'clerk',
      options: { row_security: 'on' },
    }),
    lite: { ds_type: 'sqlite', info: { filepath: file } },
    ms: {
      ds_type: 'mssql',
      auth_mode: 'classic',
      info: { server: 'localhost', port, database: 'shop', username, password, encrypt: false },
    },
  };
  await writeFile(authFile, JSON.stringify(entries), { mode: 0o600 });
});
afterAll(async () => {
  await Promise.all([postgres.stop(), tds.stop()]);
  database.close();
  scratch.remove();
});

let runs = 0;

interface Exported {
  readonly cli: CliResult;
  readonly directory: string;
}

async function exported(source: string, args: readonly string[]): Promise<Exported> {
  const directory = path.join(scratch.path, `out-${runs++}`);
  const fixed = ['-a', authFile, '--source-db-auth-id', source, '--output-dir', directory, '--manifest', 'inside'];
  return { cli: await runCliHere([...fixed, ...args]), directory };
}

/** Rows of a table's files, read by DuckDB. */
function rowsOf({ directory }: Exported, table: string, select = '*', rest = ''): Promise<Record<string, unknown>[]> {
  const files = quote(path.join(directory, table, '*.parquet'));
  return queryDuckDb(`SELECT ${select} FROM read_parquet(${files}) ${rest}`);
}

async function manifestOf({ directory }: Exported, table: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(directory, table, '_manifest.json'), 'utf8')) as Manifest;
}

const ORDERS_ONLY = ['-i', 'orders'];
const NO_TABLES = ['-e', '%'];

describe.each(SOURCES)('$id', ({ id, schema }) => {
  test('columns, conditions, slices by key, queries and added columns in one run', async () => {
    const file = path.join(scratch.path, `${id}.sql`);
    await writeFile(file, `\uFEFFSELECT id AS n, amount FROM ${schema}.orders WHERE id < 10 -- the first`);
    const done = await exported(id, [
      ...['--exclude-columns', 'orders:%mail', '--exclude-columns', `${schema}.people:na_e`],
      ...['--where', 'orders:id > 100 -- a comment', '--where', `${schema}.%:id <> 200 OR id = 200 AND 1 = 0`],
      ...(id === 'pg' ? ['--table-config', 'orders:Ctid::3'] : ['--table-config', 'orders:RangeId:id:3']),
      ...['--query', `"my ""report"".a"=SELECT region, COUNT(*) AS number FROM ${schema}.orders GROUP BY region`],
      ...['--query-file', `reports.first=${file}`, '--exclude', 'parted', '--exclude', 'w%', '--exclude', 'secret'],
      ...['--add-column', 'run=run_id', '--add-column', 'exported=exported_at', '--add-column', 'origin=source_table'],
      ...['--add-column', `"it's; a $$"=constant:ü ; -- '`],
    ]);
    expect({ code: done.cli.code, stderr: done.cli.code === 0 ? '' : done.cli.stderr }).toEqual({
      code: 0,
      stderr: '',
    });
    const orders = `${schema}/orders`;
    expect(
      await rowsOf(
        done,
        orders,
        'count(*)::INT AS n, min(id)::INT AS least, max(id)::INT AS most, sum(amount)::INT AS sum',
      ),
    ).toEqual([{ n: ROWS - 101, least: 101, most: ROWS, sum: ROWS * (ROWS + 1) - 100 * 101 - 400 }]);
    const manifest = await manifestOf(done, orders);
    expect(manifest).toMatchObject({
      row_check: 'passed',
      where: [expect.stringContaining('a comment'), expect.anything()],
    });
    expect(new Set(manifest.files.map(({ slice }) => slice.index)).size).toBe(id === 'pg' ? 3 : 3);
    expect(manifest.columns.map(({ name, added }) => added ?? name)).toEqual([
      ...['id', 'region', 'amount'],
      ...['run_id', 'exported_at', 'source_table', 'constant'],
    ]);
    const [row] = await rowsOf(
      done,
      orders,
      `DISTINCT run, exported IS NOT NULL AS exported, origin, "it's; a $$" AS constant`,
    );
    expect(row).toEqual({ run: manifest.run_id, exported: true, origin: `${schema}.orders`, constant: "ü ; -- '" });
    expect(
      await rowsOf(
        done,
        `${schema}/people`,
        '* EXCLUDE (run, exported, origin, "it\'s; a $$") REPLACE (id::INT AS id)',
        'ORDER BY id',
      ),
    ).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await rowsOf(done, 'my "report".a', 'sum(number)::INT AS n')).toEqual([{ n: ROWS }]);
    expect(await manifestOf(done, 'my "report".a')).toMatchObject({
      kind: 'query',
      query: expect.stringContaining('COUNT(*)') as string,
    });
    expect(await rowsOf(done, 'reports/first', 'count(*)::INT AS n, max(amount)::INT AS most')).toEqual([
      { n: 9, most: 18 },
    ]);
  });

  test('a query with a method and a key is read in slices, each row once, in the snapshot of the tables', async () => {
    const names = ['ranges', 'tiles', 'rest', 'regions', 'expression'];
    const sql = `SELECT id, region, amount, id - 1500 AS signed FROM ${schema}.orders WHERE id > 10`;
    const configs = [
      'ranges:RangeId:id:3',
      'tiles:Ntile:signed:3',
      'rest:Random:signed:2',
      'regions:DataDriven:region',
      'expression:RangeId:(amount + 1):2',
    ];
    const done = await exported(id, [
      ...['-i', 'people', '--table-config', configs.join(';'), '--where', 'ranges:signed <> 0', '-p', '2'],
      ...names.flatMap((name) => ['--query', `${name}=${sql}`]),
    ]);
    expect({ code: done.cli.code, stderr: done.cli.code === 0 ? '' : done.cli.stderr }).toEqual({
      code: 0,
      stderr: '',
    });
    const people = await manifestOf(done, `${schema}/people`);
    for (const name of names) {
      const [sums] = await rowsOf(
        done,
        name === 'regions' ? 'regions/*' : name,
        'count(*)::INT AS n, count(DISTINCT id)::INT AS ids, sum(amount)::INT AS amount',
      );
      const missing = name === 'ranges' ? 1 : 0;
      const n = ROWS - 10 - missing;
      expect({ name, ...sums }).toEqual({ name, n, ids: n, amount: ROWS * (ROWS + 1) - 110 - missing * 3000 });
      const manifest = await manifestOf(done, name);
      const slices = new Set(manifest.files.map(({ slice }) => slice.index)).size;
      expect({ name, slices: slices > 1 }).toEqual({ name, slices: true });
      expect(manifest.snapshot).toEqual(people.snapshot);
      if (id !== 'lite') expect(manifest.row_check).toBe('passed');
    }
    const regions = await manifestOf(done, 'regions');
    // Five regions, and rows without one.
    expect(new Set(regions.files.map(({ partition }) => JSON.stringify(partition))).size).toBe(6);
  });

  test('names and values with quotes, brackets, comments, dollars and backslashes stay what they are', async () => {
    const pattern = quotedName(ODD);
    const name = id === 'ms' ? `[${ODD.replaceAll(']', ']]')}]` : pattern;
    const text = `${id === 'ms' ? 'N' : ''}${quotedText(ODD_TEXT)}`;
    const done = await exported(id, [
      ...['-i', ODD.replaceAll('\\', '\\\\'), '--columns', `${pattern}:id,note,${pattern}`],
      ...[
        '--where',
        `${pattern}:${name} = ${text} OR id < 3 -- ${ODD_TEXT}`,
        '--mask',
        `${pattern}:note:redact(${ODD_TEXT})`,
      ],
      ...['--column-type', `${pattern}:id:text`, '--sort-by', `${pattern}:${pattern} DESC`],
      ...['--bloom-filter', `${pattern}:${pattern}`, '--add-column', `${quotedName(`${ODD} 2`)}=constant:${ODD_TEXT}`],
      ...['--table-config', `${pattern}:Ntile:${name}:2`],
      ...[
        '--query',
        `${quotedName(`${ODD}q`)}=SELECT id, ${name} FROM ${schema}.${name} WHERE ${name} = ${text} -- ${ODD_TEXT}`,
      ],
      ...['--partition-by', `${quotedName(`${ODD}q`)}:${name}`, '--json'],
    ]);
    const { tables } = JSON.parse(done.cli.stdout) as { tables: { table: string; path: string; error?: object }[] };
    expect(
      tables.map(({ table, error }) => ({ table, error })).sort((a, b) => a.table.length - b.table.length),
    ).toEqual([{ table: ODD }, { table: `${ODD}q` }]);
    const read = async (table: string, files: string) => {
      const { path: directory = '' } = tables.find((one) => one.table === table) ?? {};
      return queryDuckDb(
        `SELECT * FROM read_parquet(${quote(path.join(directory, files))}, hive_partitioning = false) ORDER BY id`,
      );
    };
    const added = { [`${ODD} 2`]: ODD_TEXT };
    expect(await read(ODD, '*.parquet')).toEqual([
      { id: '1', [ODD]: 'a', note: ODD_TEXT, ...added },
      { id: '2', [ODD]: null, note: ODD_TEXT, ...added },
      { id: '3', [ODD]: ODD_TEXT, note: null, ...added },
    ]);
    const query = await read(`${ODD}q`, '*/*.parquet');
    expect(query.map((row) => ({ ...row, id: Number(row['id']) }))).toMatchObject([{ id: 3, ...added }]);
  });

  test('a sample of rows, and of a share of them, says so', async () => {
    const done = await exported(id, [...ORDERS_ONLY, '--sample', 'orders:17']);
    expect(done.cli).toMatchObject({ code: 0 });
    expect(await rowsOf(done, `${schema}/orders`, 'count(*)::INT AS n, count(DISTINCT id)::INT AS d')).toEqual([
      { n: 17, d: 17 },
    ]);
    expect(await manifestOf(done, `${schema}/orders`)).toMatchObject({ sample: { rows: 17 } });
    const plan = await exported(id, [...ORDERS_ONLY, '--sample', 'orders:50%', '--dry-run', '--json']);
    if (id !== 'ms') {
      expect(JSON.parse(plan.cli.stdout)).toMatchObject({
        tables: [{ sample: { percent: 50 }, notes: [{ code: 'SAMPLE' }] }],
      });
    }
  });

  test('SQL that is not one SELECT, or not one condition, is refused before anything is read, and the rest is exported', async () => {
    const queries = [
      'DELETE FROM orders',
      'WITH d AS (DELETE FROM orders RETURNING id) SELECT id FROM d',
      'SELECT id INTO copied FROM orders',
      'SELECT 1 AS a) AS q; DROP TABLE people; SELECT * FROM (SELECT 1 AS a',
      'SELECT 1 AS a; DROP TABLE people',
      'SELECT id FROM missing',
      "SELECT 'open AS a",
      'SELECT 1 AS a /* open',
      'SELECT 1 AS a) AS x, (SELECT 2 AS b',
      'DROP TABLE people',
    ];
    const conditions = [
      'id > 1) OR (id < 5',
      '1 = 1; DROP TABLE people',
      'id > 1 ORDER BY id',
      "region = 'open",
      'id > 1 /*',
      'nowhere = 1',
    ];
    const { cli } = await exported(id, [
      ...['-i', 'people', '--json'],
      ...queries.flatMap((sql, i) => ['--query', `q${i}=${sql}`]),
      ...conditions.flatMap((_, i) => ['--query', `c${i}=SELECT id, region FROM ${schema}.orders`]),
      ...conditions.flatMap((condition, i) => ['--where', `c${i}:${condition}`]),
    ]);
    const { tables } = JSON.parse(cli.stdout) as {
      tables: { table: string; state: string; error?: { code: string; message: string } }[];
    };
    const errors = Object.fromEntries(tables.map(({ table, error }) => [table, error?.code ?? 'none']));
    expect(errors).toEqual({
      people: 'none',
      ...Object.fromEntries(queries.map((_, i) => [`q${i}`, 'QUERY_NOT_READABLE'])),
      ...Object.fromEntries(conditions.map((_, i) => [`c${i}`, 'CONDITION_NOT_USABLE'])),
    });
    expect(tables.find(({ table }) => table === 'q5')?.error?.message).toContain('missing');
  });
});

describe('whatever the source', () => {
  test('patterns without a match, names that are taken and bad values are mistakes on the command line', async () => {
    const cases: readonly (readonly [args: readonly string[], code: string, named: string])[] = [
      [['--where', 'oders:id = 1'], 'PATTERN_WITHOUT_MATCH', 'orders'],
      [['--columns', 'orders:id,amuont'], 'PATTERN_WITHOUT_MATCH', 'amount'],
      [['--exclude-columns', 'orders:nothing%'], 'PATTERN_WITHOUT_MATCH', 'nothing'],
      [['--sample', 'x%:1'], 'PATTERN_WITHOUT_MATCH', 'x%'],
      [['--query', 'main.orders=SELECT 1 AS a'], 'QUERY_NAME_TAKEN', 'main.orders'],
      [['--query', 'q=SELECT 1 AS a', '--query', 'q=SELECT 2 AS a'], 'QUERY_NAME_TAKEN', 'q'],
      [['--query', 'SELECT 1'], 'BAD_VALUE', 'NAME'],
      [['--query', 'q=SELECT 1 AS a;'], 'BAD_VALUE', 'semicolon'],
      [['--query-file', 'q=/nowhere.sql'], 'QUERY_FILE_NOT_READABLE', 'no such file'],
      [['--sample', 'orders:0%'], 'BAD_VALUE', '0%'],
      [['--add-column', 'x=runid'], 'BAD_VALUE', 'run_id'],
    ];
    for (const [args, code, named] of cases) {
      const { cli } = await exported('lite', ['--json', ...args]);
      const { error } = JSON.parse(cli.stdout) as { error: { code: string; message: string } };
      expect({ args, code: error.code, exit: cli.code }).toEqual({ args, code, exit: 2 });
      expect(error.message).toContain(named);
    }
  });

  test('a table without a column left, or with one that is to be added, fails alone', async () => {
    const { cli } = await exported('lite', [
      '--exclude-columns',
      'people:%',
      '--exclude',
      'w%',
      '--add-column',
      'REGION=constant:x',
      '--json',
    ]);
    expect(cli.code).not.toBe(0);
    const { tables } = JSON.parse(cli.stdout) as { tables: { table: string; error?: { code: string } }[] };
    expect(tables.map(({ table, error }) => [table, error?.code]).sort()).toEqual([
      ['orders', 'ADDED_COLUMN_EXISTS'],
      ['people', 'NO_COLUMN_LEFT'],
    ]);
  });

  test('queries alone need no table', async () => {
    const done = await exported('lite', [...NO_TABLES, '--query', 'one=SELECT 1 AS a']);
    expect(done.cli).toMatchObject({ code: 0 });
    expect(await rowsOf(done, 'one', 'a::INT AS a')).toEqual([{ a: 1 }]);
  });
});

describe('PostgreSQL', () => {
  test('plans a query by its types and the estimate of the server', async () => {
    const sql = `SELECT id, region::varchar(5) AS code, amount::numeric(10, 2) AS price, ARRAY[id] AS ids FROM orders`;
    const { cli } = await exported('pg', [...NO_TABLES, '--query', `q=${sql}`, '--dry-run', '--json']);
    const { tables } = JSON.parse(cli.stdout) as {
      tables: { estimated_rows: number; columns: { source_type: string }[] }[];
    };
    expect(tables[0]?.columns.map((column) => column.source_type)).toEqual([
      'integer',
      'character varying(5)',
      'numeric(10,2)',
      'integer[]',
    ]);
    expect(tables[0]?.estimated_rows).toBe(ROWS);
  });

  test('a condition that names a partitioned table holds for its partitions too', async () => {
    const args = [
      '-i',
      'parted',
      '--table-config',
      'parted:Ctid::4',
      '--where',
      'parted:parted.id % 2 = 0 OR parted.id < 11',
    ];
    const done = await exported('pg', args);
    expect(done.cli).toMatchObject({ code: 0 });
    expect(await rowsOf(done, 'public/parted', 'count(*)::INT AS n')).toEqual([{ n: ROWS / 2 + 5 }]);
    expect(await manifestOf(done, 'public/parted')).toMatchObject({ row_check: 'passed' });
  });

  test('functions in a query cannot write', async () => {
    const { cli } = await exported('pg', [
      ...[...NO_TABLES, '--json', '--query', `a=SELECT nextval('numbers') AS n`, '--query', 'b=SELECT writer() AS n'],
      ...['--query', `c=SELECT set_config('transaction_read_only', 'off', false) AS a, writer() AS n`],
    ]);
    const { tables } = JSON.parse(cli.stdout) as { tables: { error?: { message: string } }[] };
    expect(tables).toHaveLength(3);
    for (const { error } of tables) expect(error?.message).toMatch(/read-only transaction|read-write mode/);
    expect(await postgres.query('SELECT count(*)::int AS n FROM written')).toEqual([{ n: 0 }]);
  });

  test('locks what a query reads before the snapshot, and reads it in the snapshot of the run', async () => {
    await postgres.query('CREATE TABLE filled AS SELECT 1 AS a');
    const client = await postgres.connect();
    await client.query('BEGIN; TRUNCATE filled; INSERT INTO filled VALUES (2), (3)');
    const running = exported('pg', [...NO_TABLES, '--query', 'q=SELECT a FROM filled']);
    await expect
      .poll(async () => (await postgres.query(`SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`))[0]?.['n'], {
        timeout: 20_000,
      })
      .toBeGreaterThan(0);
    await client.query('COMMIT');
    await client.end();
    const done = await running;
    expect(done.cli).toMatchObject({ code: 0 });
    expect(await rowsOf(done, 'q', '*', 'ORDER BY a')).toEqual([{ a: 2 }, { a: 3 }]);
  });

  test('columns that the user may not read fail their table, unless they are excluded or to be skipped', async () => {
    const args = ['-i', 'secret', '--json'];
    const refused = await exported('clerk', args);
    expect(JSON.parse(refused.cli.stdout)).toMatchObject({
      tables: [
        {
          error: {
            code: 'TABLE_PERMISSION_DENIED',
            hint: expect.stringContaining('--skip-unreadable-columns') as string,
          },
        },
      ],
    });
    const excluded = await exported('clerk', [...args, '--exclude-columns', 'secret:code']);
    const skipped = await exported('clerk', [...args, '--skip-unreadable-columns']);
    for (const done of [excluded, skipped]) {
      expect(done.cli.code).toBe(0);
      expect(await rowsOf(done, 'public/secret')).toEqual([{ id: 7 }]);
    }
    expect(skipped.cli.stdout).toContain('public.secret.code');
  });

  describe('rows and columns that a user may read in part', () => {
    beforeAll(() =>
      postgres.query(`
        CREATE SCHEMA guarded; GRANT USAGE ON SCHEMA guarded TO clerk; CREATE ROLE holder; GRANT USAGE ON SCHEMA guarded TO holder;
        CREATE TABLE guarded.open AS SELECT i AS id FROM generate_series(1, 10) i;
        CREATE TABLE guarded.policed AS SELECT i AS id, 'r' || i AS region FROM generate_series(1, 10) i;
        ALTER TABLE guarded.policed ENABLE ROW LEVEL SECURITY; CREATE POLICY even ON guarded.policed USING (id % 2 = 0);
        CREATE TABLE guarded.wide AS SELECT 1 AS id, 'x' AS code; GRANT SELECT (id) ON guarded.wide TO holder; GRANT SELECT ON guarded.open TO holder;
        CREATE VIEW guarded.by_owner AS SELECT id, code FROM guarded.wide; CREATE VIEW guarded.in_part AS SELECT id, code FROM guarded.wide;
        CREATE VIEW guarded.readable AS SELECT max(id) AS id FROM guarded.open;
        GRANT CREATE ON SCHEMA guarded TO holder; ALTER VIEW guarded.by_owner OWNER TO holder; ALTER VIEW guarded.readable OWNER TO holder;
        GRANT SELECT ON guarded.open, guarded.policed, guarded.by_owner, guarded.readable TO clerk; GRANT SELECT (id) ON guarded.in_part TO clerk`),
    );
    afterAll(() => postgres.query('DROP SCHEMA guarded CASCADE; DROP ROLE holder'));
    const failures = ({ cli }: Exported) => {
      const { tables } = JSON.parse(cli.stdout) as { tables: { table: string; error?: unknown }[] };
      return Object.fromEntries(tables.map(({ table, error = null }) => [table, error]));
    };

    test('a table with row-level security fails beside its condition, and a query of it, unless policies may choose', async () => {
      const args = [
        ...['-i', 'guarded.open,guarded.policed', '--where', 'guarded.%:id > 4', '--json'],
        ...['--query', 'guarded.q=SELECT id FROM guarded.policed WHERE id < 5'],
      ];
      const refused = await exported('clerk', args);
      expect(refused.cli.code).toBe(3);
      const hidden = { code: 'TABLE_ROW_SECURITY', hint: expect.stringContaining('BYPASSRLS') as string };
      expect(failures(refused)).toMatchObject({ open: null, policed: hidden, q: hidden });
      expect(await rowsOf(refused, 'guarded/open', 'count(*)::INT AS n')).toEqual([{ n: 6 }]);

      const allowed = await exported('clerk_by_policy', args.toSpliced(3, 1, 'guarded.policed:id > 4'));
      expect(allowed.cli).toMatchObject({ code: 0 });
      expect(await rowsOf(allowed, 'guarded/policed', 'id', 'ORDER BY id')).toEqual([{ id: 6 }, { id: 8 }, { id: 10 }]);
      expect(await rowsOf(allowed, 'guarded/q', 'id', 'ORDER BY id')).toEqual([{ id: 2 }, { id: 4 }]);
    });

    test('a view over a column that its reader may not read fails alone, with the grant that is missing', async () => {
      const args = [
        '--include-views',
        '-i',
        'guarded.by_owner,guarded.in_part,guarded.readable,guarded.open',
        '--json',
      ];
      const done = await exported('clerk', args);
      expect(done.cli.code).toBe(3);
      expect(failures(done)).toMatchObject({
        by_owner: {
          code: 'TABLE_PERMISSION_DENIED',
          message: expect.stringContaining('guarded.wide, which the view guarded.by_owner reads') as string,
          hint: expect.stringContaining('TO "holder" (the owner of the view)') as string,
        },
        in_part: {
          code: 'TABLE_PERMISSION_DENIED',
          message: 'Permission denied for column code',
          hint: expect.stringContaining('GRANT SELECT ("code") ON "guarded"."in_part"') as string,
        },
        readable: null,
        open: null,
      });
      expect(await rowsOf(done, 'guarded/readable')).toEqual([{ id: 10 }]);
      const skipped = await exported('clerk', [...args, '--skip-unreadable-columns', '-e', 'guarded.by_owner']);
      expect(skipped.cli).toMatchObject({ code: 0 });
      expect(await rowsOf(skipped, 'guarded/in_part')).toEqual([{ id: 1 }]);
    });
  });
});
