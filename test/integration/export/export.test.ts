import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../../src/errors.js';
import type { RunObserver } from '../../../src/export/model/observer.js';
import type { RunPlan } from '../../../src/export/model/plan.js';
import type { ExportOptions } from '../../../src/export/model/options.js';
import type { RunResult } from '../../../src/export/model/result.js';
import { type Manifest, manifestSchema } from '../../../src/export/formats/directory/manifest-schema.js';
import { exportOptions, exportTables, planTables, terminated } from '../../harness/export-tables.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';

let server: PostgresServer;
let database: string;
let databases = 0;
let scratch: ScratchDirectory;
let base: string;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: 20 } });
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = `test_${databases++}`;
  await server.query(`CREATE DATABASE ${database}`);
  scratch = new ScratchDirectory();
  base = path.join(scratch.path, 'out');
});
afterEach(() => scratch.remove());

const sql = (text: string) => server.query(text, undefined, database);

function run(overrides: Partial<ExportOptions> = {}, observer: RunObserver = {}, signal?: AbortSignal) {
  const options = exportOptions(base, { databaseName: database, ...overrides });
  return exportTables({ server, options, observer, signal });
}

async function refusal(operation: Promise<unknown>): Promise<LakeportError> {
  return operation.then(
    () => {
      throw new Error('nothing failed');
    },
    (error: unknown) => error as LakeportError,
  );
}

const states = (result: RunResult) =>
  Object.fromEntries(result.tables.map(({ table, state, error }) => [table.name, error?.code ?? state]));

const manifest = (directory: string): Manifest =>
  manifestSchema.parse(JSON.parse(readFileSync(path.join(base, directory, '_manifest.json'), 'utf8')));

async function duckDb(expression: string, directory: string): Promise<unknown> {
  const files = path.join(base, directory, '*.parquet');
  const [row] = await queryDuckDb(`SELECT ${expression} AS answer FROM read_parquet(${quote(files)})`);
  return row?.['answer'];
}

/** Wide rows: much to read in a single slice. */
const wideTable = (name: string, rows: number) =>
  `CREATE TABLE ${name} AS SELECT i AS id, repeat(md5(i::text), 12) AS filler
   FROM generate_series(1, ${rows}) i; ANALYZE ${name};`;

/** Takes minutes to read, so that a test can be sure to be in the middle of it. */
const slowView = (name: string) =>
  `CREATE VIEW ${name} AS SELECT i, repeat(md5(i::text), 100) || pg_sleep(0.001)::text AS filler
   FROM generate_series(1, 200000) i;`;

/** Narrow rows, enough of them for several slices. */
const longTable = (name: string, rows: number) =>
  `CREATE TABLE ${name} AS SELECT i AS id, (i / 2)::numeric(12,2) AS half FROM generate_series(1, ${rows}) i;
   ANALYZE ${name};`;

describe('an export', () => {
  it('every table gets its own directory with manifest and _SUCCESS, and nothing else is left', async () => {
    await sql(`
      CREATE TABLE orders (id int PRIMARY KEY, note text);
      INSERT INTO orders SELECT i, 'note ' || i FROM generate_series(1, 1000) i;
      CREATE TABLE "empty" (x int);
      CREATE SCHEMA "../up"; CREATE TABLE "../up"."a/b.c d""e'f" (x int); INSERT INTO "../up"."a/b.c d""e'f" VALUES (7);
      CREATE SCHEMA "_hidden"; CREATE TABLE "_hidden".".." (x int); INSERT INTO "_hidden".".." VALUES (8);
      CREATE SCHEMA "größe"; CREATE TABLE "größe"."表" (x int); CREATE TABLE "größe"."Orders" (x int); `);
    const result = await run({ subPath: 'daily/2026-01-01' });

    expect(result).toMatchObject({ exit: undefined, consistency: 'run', rows: 1002, files: 6 });
    const whole = ['_SUCCESS', '_manifest.json', 'part-00000.parquet'];
    const directories = [
      '%2E./up'.replace('/', '%2F') + `/a%2Fb.c d"e'f`,
      '%5Fhidden/%2E%2E',
      'größe/Orders',
      'größe/表',
      'public/empty',
      'public/orders',
    ].map((directory) => `daily/2026-01-01/${directory}`);
    expect(await scratch.files()).toEqual(
      directories.flatMap((directory) => whole.map((name) => `out/${directory}/${name}`)).sort(),
    );
    expect(manifest(directories[0]!)).toMatchObject({ schema: '../up', table: `a/b.c d"e'f` });
    expect(await duckDb('count(*)::int', directories[5]!)).toBe(1000);
    expect(await duckDb('count(*)::int', directories[4]!)).toBe(0);
    expect(await duckDb('max(x)', directories[1]!)).toBe(8);
  });

  it('the manifest matches the files', async () => {
    await sql(`${longTable('big', 1_000_000)} ALTER TABLE big ADD COLUMN note text;`);
    const result = await run({ parallel: 2, maxRowsPerFile: 300_000, rowGroupRows: 80_000 });
    const told = manifest('public/big');
    expect(told).toMatchObject({
      format_version: 2,
      engine: 'postgres',
      source: { entry: 'ds_pg', database, address: `127.0.0.1:${server.port}` },
      schema: 'public',
      table: 'big',
      kind: 'table',
      consistency: 'run',
      row_count: 1_000_000,
      columns: [
        { name: 'id', source_type: 'integer', parquet_type: 'INT32', nullable: true, fidelity: 'exact' },
        { name: 'half', source_type: 'numeric(12,2)', parquet_type: 'INT64 DECIMAL(12,2)' },
        { name: 'note', source_type: 'text', parquet_type: 'BYTE_ARRAY STRING' },
      ],
    });
    expect(told.snapshot.id).toMatch(/^\d+:\d+:/);
    expect(Date.parse(told.snapshot.taken_at)).toBeLessThanOrEqual(Date.parse(told.started_at));
    expect(told.files.length).toBe(result.tables[0]?.files);
    expect(new Set(told.files.map((file) => file.slice.bounds)).size).toBeGreaterThan(1);
    let lastIndex = 0;
    for (const [number, file] of told.files.entries()) {
      expect(file.name).toBe(`part-${String(number).padStart(5, '0')}.parquet`);
      expect(file.slice.index).toBeGreaterThanOrEqual(lastIndex);
      lastIndex = file.slice.index;
      const content = readFileSync(path.join(base, 'public/big', file.name));
      expect(content.length).toBe(file.bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(file.sha256);
      const groups = await queryDuckDb(
        `SELECT DISTINCT row_group_id, row_group_num_rows AS rows FROM parquet_metadata(${quote(
          path.join(base, 'public/big', file.name),
        )}) ORDER BY row_group_id`,
      );
      expect(file.row_groups.map((group) => group.rows)).toEqual(groups.map((group) => Number(group['rows'])));
      expect(file.rows).toBeLessThanOrEqual(300_000);
    }
    expect(result.bytes).toBe(told.files.reduce((sum, file) => sum + file.bytes, 0));
  });

  it('several readers read a large table, every row once, with files numbered in the order of the slices', async () => {
    await sql(longTable('big', 2_000_000));
    const settings = { databaseName: database, parallel: 3, jobs: 1 };
    const plan = await planTables({ server, options: exportOptions(base, settings) });
    expect(plan).toMatchObject({ readers: 3, tables: [{ method: 'Ctid', degree: 3 }] });
    const slices = plan.tables[0]!.slices.length;
    expect(slices).toBeGreaterThan(3);
    expect(await scratch.files()).toEqual([]);

    const result = await run(settings);
    expect(result.tables[0]).toMatchObject({ state: 'completed', rows: 2_000_000, files: slices });
    expect(await duckDb('count(DISTINCT id)::int', 'public/big')).toBe(2_000_000);
    expect(await duckDb('sum(id)::double', 'public/big')).toBe((2_000_000 * 2_000_001) / 2);
    const starts = await queryDuckDb(
      `SELECT min(id) AS first FROM read_parquet(${quote(path.join(base, 'public/big/*.parquet'))}, filename = true)
       GROUP BY filename ORDER BY filename`,
    );
    const firsts = starts.map((row) => Number(row['first']));
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
  });

  it('a reader splits its output into several files', async () => {
    await sql('CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 1000) i');
    const result = await run({ maxRowsPerFile: 400 });
    expect(manifest('public/t').files.map((file) => file.rows)).toEqual([400, 400, 200]);
    expect(result.tables[0]).toMatchObject({ rows: 1000, files: 3 });
    await sql('CREATE TABLE even AS SELECT i AS id FROM generate_series(1, 800) i');
    await run({ maxRowsPerFile: 400, includePatterns: ['even'] });
    expect(manifest('public/even').files.map((file) => file.rows)).toEqual([400, 400]);
  });

  it('a table emptied after planning gets one file with the schema', async () => {
    await sql(`${longTable('gone', 1_000_000)} DELETE FROM gone;`);
    const slices: number[] = [];
    const result = await run({ parallel: 2 }, { planned: (plan) => slices.push(plan.tables[0]!.slices.length) });
    expect(slices[0]).toBeGreaterThan(1);
    expect(result.tables[0]).toMatchObject({ state: 'completed', rows: 0, files: 1 });
    expect(await scratch.files()).toEqual([
      'out/public/gone/_SUCCESS',
      'out/public/gone/_manifest.json',
      'out/public/gone/part-00000.parquet',
    ]);
    expect(await duckDb('count(half)::int', 'public/gone')).toBe(0);
  });

  it('slices without rows leave no gap in the file numbers', async () => {
    await sql(`${longTable('holes', 1_000_000)} DELETE FROM holes WHERE id <= 999_000;`);
    const result = await run({ parallel: 2 });
    expect(result.tables[0]).toMatchObject({ state: 'completed', rows: 1000, files: 1 });
    const [file] = manifest('public/holes').files;
    expect(file?.name).toBe('part-00000.parquet');
    expect(file?.slice.index).toBeGreaterThan(0);
  });

  it('an export replaces the earlier one of its table and leaves others alone', async () => {
    await sql('CREATE TABLE a AS SELECT i FROM generate_series(1, 1000) i; CREATE TABLE b AS SELECT 1 AS i');
    await run({ maxRowsPerFile: 100 });
    writeFileSync(path.join(base, 'public/a/notes.txt'), 'mine');
    await sql('DELETE FROM a WHERE i > 10');
    await run({ includePatterns: ['a'] });
    expect((await scratch.files()).filter((file) => file.startsWith('out/public/a/'))).toEqual([
      'out/public/a/_SUCCESS',
      'out/public/a/_manifest.json',
      'out/public/a/notes.txt',
      'out/public/a/part-00000.parquet',
    ]);
    expect(await duckDb('count(*)::int', 'public/a')).toBe(10);
    expect(await duckDb('count(*)::int', 'public/b')).toBe(1);
  });

  it('the observer receives all events in order', async () => {
    await sql(wideTable('big', 200_000));
    const events: string[] = [];
    let rows = 0;
    await run(
      {},
      {
        planned: (plan) => events.push(`planned ${plan.tables.length}`),
        tableStarted: (table) => events.push(`started ${table.name}`),
        tableProgress: (_, progress) => (rows = progress.rows),
        tableEnded: (result) => events.push(`${result.state} ${result.table.name} ${result.rows}`),
        ended: (result) => events.push(`ended ${result.rows}`),
      },
    );
    expect(events).toEqual(['planned 1', 'started big', 'completed big 200000', 'ended 200000']);
    expect(rows).toBe(200_000);
  });
});

describe('tables that fail', () => {
  it('a failing table does not affect others, and keeps its earlier export', async () => {
    await sql(`CREATE TABLE good AS SELECT i FROM generate_series(1, 100) i;
      CREATE TABLE bad (price numeric(5,2)); INSERT INTO bad SELECT 1.5 FROM generate_series(1, 100);
      CREATE TABLE hidden AS SELECT 1 AS i;`);
    await run();
    const before = await scratch.files();
    const earlier = readFileSync(path.join(base, 'public/bad/part-00000.parquet'));

    await sql(`INSERT INTO bad VALUES ('NaN'); DELETE FROM good WHERE i > 50; CREATE TABLE closed (i int);
      DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'secret';
      GRANT SELECT ON good, bad TO reader;`);
    const asReader = { ...server, user: 'reader' };
    const told: string[] = [];
    const result = await exportTables({
      server: asReader,
      options: exportOptions(base, { databaseName: database }),
      observer: { tableFailed: (table, error) => told.push(`${table.name} ${error.code}`) },
    });
    expect(result.exit).toBe('tables-failed');
    const ends = states(result);
    expect(ends).toMatchObject({ good: 'completed', closed: 'TABLE_PERMISSION_DENIED' });
    expect(Object.keys(ends).sort()).toEqual(['bad', 'closed', 'good', 'hidden']);
    expect(result.tables.find(({ table }) => table.name === 'bad')?.error).toMatchObject({ exit: 'unrepresentable' });
    expect(told).toHaveLength(3);
    expect(await scratch.files()).toEqual(before);
    expect(readFileSync(path.join(base, 'public/bad/part-00000.parquet')).equals(earlier)).toBe(true);
    expect(await duckDb('count(*)::int', 'public/good')).toBe(50);
    await sql('DROP OWNED BY reader; DROP ROLE reader');
  });

  it('a failing first export leaves nothing behind, not even directories', async () => {
    await sql(`CREATE SCHEMA s; CREATE TABLE s.bad (price numeric(5,2)); INSERT INTO s.bad VALUES (1), ('NaN');`);
    const result = await run();
    expect(result).toMatchObject({ exit: 'unrepresentable', tables: [{ state: 'failed', rows: 0, files: 0 }] });
    expect(await scratch.files()).toEqual(['out/']);
  });

  it('a failing table stops the others if requested', async () => {
    await sql(`CREATE TABLE bad (price numeric(5,2)); INSERT INTO bad VALUES ('NaN');
      ${slowView('later')}`);
    const result = await run({ errorAction: 'fail', jobs: 2, parallel: 1, optIns: ['views'] });
    expect(states(result)).toEqual({ bad: expect.stringMatching(/./) as string, later: 'cancelled' });
    expect(result.exit).toBe('unrepresentable');
    expect(await scratch.files()).toEqual(['out/']);
  });

  it('a table that fails while planning stops the others if requested', async () => {
    await sql(`CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE TABLE mixed (i int) PARTITION BY LIST (i);
      CREATE FOREIGN TABLE remote PARTITION OF mixed DEFAULT
        SERVER files OPTIONS (filename '/dev/null');
      CREATE TABLE good (i int)`);
    const result = await run({ errorAction: 'fail' });
    expect(states(result)).toEqual({ mixed: 'FOREIGN_TABLES_NOT_INCLUDED', good: 'cancelled' });
    expect(result.exit).toBe('tables-failed');
  });

  it('a file in place of the table directory is named in the error', async () => {
    await sql('CREATE TABLE a (i int); CREATE TABLE b (i int)');
    mkdirSync(path.join(base, 'public'), { recursive: true });
    writeFileSync(path.join(base, 'public/a'), 'a file');
    const result = await run();
    expect(states(result)).toEqual({ a: 'NOT_A_DIRECTORY', b: 'completed' });
    expect(readFileSync(path.join(base, 'public/a'), 'utf8')).toBe('a file');
  });
});

describe('an interrupted export', () => {
  it('an interrupt while reading discards what is staged and keeps what is published', async () => {
    await sql(`CREATE TABLE small AS SELECT 1 AS i; ${slowView('big')} ${slowView('other')}`);
    const abort = new AbortController();
    const reason = await terminated();
    let abortedAt = Infinity;
    let temporaries: string[] = [];
    const result = await run(
      { parallel: 1, jobs: 3, optIns: ['views'], rowGroupRows: 100, codec: 'None' },
      {
        tableProgress: () => {
          if (abort.signal.aborted || !existsSync(path.join(base, 'public/other'))) return;
          if (!existsSync(path.join(base, 'public/small/_SUCCESS'))) return;
          temporaries = readdirSync(path.join(base, 'public/other'));
          if (temporaries.length === 0) return;
          abort.abort(reason);
          abortedAt = performance.now();
        },
      },
      abort.signal,
    );
    expect(performance.now() - abortedAt).toBeLessThan(5000);
    expect(temporaries).toEqual([expect.stringMatching(/^\.lakeport-.*\.tmp$/)]);
    expect(states(result)).toEqual({ small: 'completed', big: 'cancelled', other: 'cancelled' });
    expect(result).toMatchObject({ exit: 'terminated', rows: 1, files: 1 });
    expect((await scratch.files()).every((file) => file.startsWith('out/public/small/'))).toBe(true);
    const reading = async () =>
      (
        await sql(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%COPY (%' AND pid <> pg_backend_pid()",
        )
      ).length;
    await expect.poll(reading, { timeout: 10_000 }).toBe(0);
  });

  it('an interrupt before the start writes nothing', async () => {
    await sql('CREATE TABLE t (i int)');
    const error = await refusal(run({}, {}, AbortSignal.abort(await terminated())));
    expect(error).toMatchObject({ code: 'SIGTERM', exit: 'terminated' });
    expect(await scratch.files()).toEqual([]);
  });

  it('an interrupt while waiting for a lock in planning ends the run at once', async () => {
    await sql('CREATE TABLE t (i int)');
    const blocker = await server.connect({ database });
    await blocker.query('BEGIN; LOCK TABLE t');
    const abort = new AbortController();
    const reason = await terminated();
    setTimeout(() => abort.abort(reason), 500);
    const began = performance.now();
    const error = await refusal(run({ lockTimeoutMs: 60_000 }, {}, abort.signal));
    await blocker.end();
    expect(error).toMatchObject({ exit: 'terminated' });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await scratch.files()).toEqual([]);
  });
});

describe('before anything is written', () => {
  it('a selection without tables is rejected', async () => {
    await sql('CREATE TABLE orders (i int)');
    const error = await refusal(run({ includePatterns: ['ordrs'] }));
    expect(error).toMatchObject({ code: 'NO_TABLE_MATCHES', exit: 'usage' });
    expect(error.hint).toContain('public.orders');
    expect(await scratch.files()).toEqual([]);
  });

  it('an output directory that is a file is rejected', async () => {
    await sql('CREATE TABLE t (i int)');
    writeFileSync(base, '');
    expect(await refusal(run())).toMatchObject({ code: 'NOT_A_DIRECTORY', exit: 'usage' });
  });

  it('a sub path that leads outside the base is rejected', async () => {
    expect(await refusal(run({ subPath: '../x' }))).toMatchObject({ code: 'BAD_SUB_PATH', exit: 'usage' });
  });

  it('too few free connections reduce the number of readers, and none is an error', async () => {
    await sql(['a', 'b', 'c', 'd', 'e'].map((name) => `CREATE TABLE ${name} AS SELECT 1 AS i;`).join(''));
    await server.query(`CREATE ROLE modest LOGIN PASSWORD 'secret' CONNECTION LIMIT 3`);
    await sql('GRANT SELECT ON ALL TABLES IN SCHEMA public TO modest');
    const modest = { ...server, user: 'modest' };
    const options = () => exportOptions(base, { databaseName: database, parallel: 1, jobs: 5 });
    const messages: string[] = [];
    const observer: RunObserver = { message: (level, text) => messages.push(`${level} ${text}`) };
    const plan = await planTables({ server: modest, options: options(), observer });
    expect(plan.readers).toBe(2);
    expect(messages.join()).toMatch(/warning .* only 2 free connections: .* 2 readers instead of 5/);
    expect(await exportTables({ server: modest, options: options() })).toMatchObject({ exit: undefined, rows: 5 });

    await server.query('ALTER ROLE modest CONNECTION LIMIT 1');
    const error = await refusal(planTables({ server: modest, options: options() }));
    expect(error).toMatchObject({ code: 'NO_FREE_CONNECTIONS', exit: 'unreachable' });
    expect(error.hint).toMatch(/Raise the connection limit/);
    await sql('DROP OWNED BY modest; DROP ROLE modest');
  });
});

describe('readers are connected', () => {
  const sessions = async () => {
    const named = `SELECT FROM pg_stat_activity WHERE application_name = 'lakeport' AND datname = '${database}'`;
    return (await server.query(named)).length;
  };

  it('before the destination is touched, as many as are used, and are gone if that fails', async () => {
    await sql(`CREATE TABLE a AS SELECT 1 AS i; CREATE TABLE b AS SELECT 1 AS i; CREATE TABLE c AS SELECT 1 AS i`);
    const options = exportOptions(base, { databaseName: database, jobs: 2, parallel: 1 });
    let planned = 0;
    const beforeWriting = async ({ readers }: RunPlan) => {
      planned = readers;
      await expect.poll(sessions, { timeout: 60_000 }).toBe(1 + readers);
      throw new Error('no such destination');
    };
    const error = await refusal(exportTables({ server, options, beforeWriting }));
    expect(error.message).toContain('no such destination');
    expect(planned).toBe(2);
    await expect.poll(sessions, { timeout: 60_000 }).toBe(0);
    expect(await scratch.files()).toEqual([]);
    const most: number[] = [];
    const observer: RunObserver = { sliceStaged: () => void sessions().then((count) => most.push(count)) };
    expect(await exportTables({ server, options, observer })).toMatchObject({ exit: undefined, rows: 3 });
    // The planner, the readers, and the row check if it is quick.
    expect(Math.max(...most)).toBeLessThanOrEqual(4);
  });
});

describe('when the server goes away', () => {
  it('a server that goes away while reading fails the tables, leaves no files, and keeps earlier exports', async () => {
    const doomed = await startPostgres();
    await doomed.query(`CREATE TABLE a AS SELECT 1 AS i; ${slowView('big')}`);
    const options = (overrides: Partial<ExportOptions>) => exportOptions(base, { optIns: ['views'], ...overrides });
    await exportTables({ server: doomed, options: options({ includePatterns: ['a'] }) });
    const before = await scratch.files();
    let killed: Promise<void> | undefined;
    const result = await exportTables({
      server: doomed,
      options: options({ includePatterns: ['big'] }),
      observer: { tableProgress: () => void (killed ??= doomed.kill()) },
    });
    await killed;
    expect(result.tables).toMatchObject([{ state: 'failed', rows: 0 }]);
    expect(result.exit).toBe('unreachable');
    expect(await scratch.files()).toEqual(before);
  });
});
