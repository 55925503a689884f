import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, type RunningCli } from '../../harness/cli.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';

/** Exports that are logged in a database of the auth file, by `--log_db_auth_id`. */

const LOG = ['--log-db-auth-id', 'log'];
const READ = ['-a', 'auth.json', ...LOG];
const CHOSEN = ['-i', 'orders,customers'];

let server: PostgresServer;
let gate: TcpGate;
let user: LoggedUser;
let schema: string;
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE orders AS SELECT i AS id, 'note ' || i AS note FROM generate_series(1, 20000) i;
    CREATE TABLE customers AS SELECT 1 AS id;
    CREATE TABLE slow AS SELECT i AS id, repeat(md5(i::text), 20) AS note FROM generate_series(1, 100000) i;
    ANALYZE;`);
});

afterAll(() => server.stop());

beforeEach(async () => {
  schema = `log_${++schemas}`;
  await server.query(`CREATE SCHEMA ${schema}`);
  gate = await startTcpGate(server);
  user = new LoggedUser(server);
  const options = { search_path: schema };
  await user.authorize({
    log: postgresEntry(server, { server: gate.host, port: gate.port, options, ssl: 'disable', connect_timeout: '2s' }),
    sqlite: { ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath: path.join(user.directory, 'log.sqlite') } },
    store: { storage_type: 'local', info: { directory: './lake' } },
  });
});

afterEach(async () => {
  await gate.stop();
  user.remove();
  await server.query(`DROP SCHEMA ${schema} CASCADE`);
});

const query = (sql: string) => server.query(`SET search_path TO ${schema}; ${sql}`);

describe('a log in PostgreSQL', () => {
  it('has the run, for LakeXpress queries too, and the embedded one is not touched', async () => {
    const ended = await user.export(...CHOSEN, '--lxdb_auth_id', 'log');
    expect(ended.code).toBe(0);
    const { run, tables } = await user.status(undefined, ...READ);
    expect(run).toMatchObject({ state: 'completed', tables: 2, rows: 20_001 });
    expect(tables).toHaveLength(2);
    const jobs = await query(
      `SELECT source_table, status, row_count::int FROM jobs WHERE run_id = '${run.run_id}' ORDER BY 1`,
    );
    expect(jobs).toEqual([
      { source_table: 'customers', status: 'completed', row_count: 1 },
      { source_table: 'orders', status: 'completed', row_count: 20_000 },
    ]);
    expect(existsSync(user.logFile)).toBe(false);
  });

  it('is made by --init-db, which says what it did', async () => {
    const made = await user.run('--init_db', '-a', 'auth.json', ...LOG);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^The run log 127\.0\.0\.1:\d+\/\w+ \(log_\d+\) has been created\.\n$/);
    const again = await user.run('--init_db', '-a', 'auth.json', ...LOG, '--log_db_mode', 'truncate');
    expect(again.stdout).toMatch(/ is already up to date; it is empty now\.\n$/);
    const missing = await user.run('--init_db', ...LOG);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/--auth-file must be given, as --log-db-auth-id names an entry of it/);
  });

  it('is named in the way to finish a run, which finishes it', async () => {
    await server.query(`CREATE TABLE prices AS SELECT 'NaN'::numeric(5,2) AS price`);
    try {
      const ended = await user.export('-i', 'customers,prices', ...LOG);
      const words = /To finish it: {2}lakeport (.*)\n/.exec(ended.stdout)?.[1]?.split(' ') ?? [];
      expect(words.slice(-2)).toEqual(LOG);
      await server.query('UPDATE prices SET price = 1');
      expect((await user.run(...words)).code).toBe(0);
      expect((await user.runs(...READ)).runs[0]).toMatchObject({ state: 'completed', attempt: 2 });
    } finally {
      await server.query('DROP TABLE prices');
    }
  });

  it('that can not be reached at the start is an error, and nothing is written', async () => {
    gate.shut();
    const ended = await user.export(...CHOSEN, ...LOG, '--json');
    expect(ended.code).toBe(4);
    expect(JSON.parse(ended.stdout)).toMatchObject({ exit_code: 4, error: { code: 'RUN_LOG_UNREACHABLE' } });
    expect(existsSync(path.join(user.directory, 'out'))).toBe(false);
    expect((await user.run('runs', ...READ)).code).toBe(4);
  });
});

describe('a log that does not answer', () => {
  it('at the start keeps nobody from ending the program', async () => {
    const stalled = { server: gate.host, port: gate.port, ssl: 'disable', connect_timeout: '60s' };
    await user.authorize({ log: postgresEntry(server, stalled) });
    gate.stall();
    const cli = user.startExport(...CHOSEN, ...LOG);
    for (let waited = 0; gate.connections === 0 && waited < 30_000; waited += 10) await sleep(10);
    const before = performance.now();
    cli.kill('SIGINT');
    expect((await cli.result).code).toBe(130);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe('an entry that is no database', () => {
  it.each([
    ['store', /The entry store of auth\.json is a storage, where a database is needed/],
    ['nobody', /has no entry "nobody"/],
  ])('such as %s is a mistake, before anything is opened', async (id, message) => {
    const exported = await user.export(...CHOSEN, '--log-db-auth-id', id);
    expect(exported).toMatchObject({ code: 2, stdout: '' });
    expect(exported.stderr).toMatch(message);
    expect((await user.run('runs', '-a', 'auth.json', '--log-db-auth-id', id)).stderr).toMatch(message);
  });
});

describe('a log in a file of SQLite that an entry names', () => {
  it('has the run', async () => {
    expect((await user.export(...CHOSEN, '--log-db-auth-id', 'sqlite')).code).toBe(0);
    const read = ['-a', 'auth.json', '--log-db-auth-id', 'sqlite'];
    expect((await user.runs(...read)).runs).toHaveLength(1);
    expect(existsSync(path.join(user.directory, 'log.sqlite'))).toBe(true);
  });
});

describe('a log that goes away in mid-run', () => {
  /** Its tables are planned, and logged. */
  async function begun(): Promise<RunningCli> {
    const cli = user.startExport('-i', 'slow,customers', '-p', '1', '--n_jobs', '1', ...LOG);
    for (let waited = 0; !/ readers?, consistency /.test(cli.stderr()) && waited < 60_000; waited += 10)
      await sleep(10);
    return cli;
  }

  it('for good never stops the export; the next run with the same log hands in what it lacks', async () => {
    const cli = await begun();
    gate.shut();
    const ended = await cli.result;
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(/The export continues; missing entries/g)).toHaveLength(1);
    expect(ended.stderr).toMatch(
      /The run log was still unavailable at the end\. This run is saved in .*unlogged\/.*\.json/,
    );
    expect(existsSync(path.join(user.directory, 'out/public/slow/_SUCCESS'))).toBe(true);
    const unlogged = path.join(user.stateDirectory, 'lakeport', 'unlogged');
    expect(readdirSync(unlogged)).toHaveLength(1);
    gate.open();
    const { runs } = await user.runs(...READ);
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ state: 'completed', tables: 2, rows: 100_001 });
    expect(readdirSync(unlogged)).toEqual([]);
  });

  it('and comes back has all of it', async () => {
    const cli = await begun();
    gate.shut();
    await sleep(400);
    gate.open();
    const ended = await cli.result;
    expect(ended.code).toBe(0);
    expect((await user.runs(...READ)).runs[0]).toMatchObject({
      state: 'completed',
      completed_tables: 2,
      rows: 100_001,
    });
  });

  it('without a word does not hold up the export either', async () => {
    const cli = await begun();
    gate.stall();
    const ended = await cli.result;
    expect(ended.code).toBe(0);
    // No more than the time that the log is given at the end.
    expect(ended.seconds).toBeLessThan(30);
    expect(ended.stderr).toMatch(/was still unavailable at the end/);
  });
});

describe('a run that another process has resumed meanwhile', () => {
  it('ends at once, and leaves what is staged to the other', async () => {
    await server.query(`CREATE VIEW crawling AS
      SELECT i AS id, repeat(md5(i::text), 100) || pg_sleep(0.001)::text AS note FROM generate_series(1, 200000) i`);
    const cli = user.startExport('-i', 'crawling', '--include_views', ...LOG);
    const out = path.join(user.directory, 'out');
    const isMarked = () => existsSync(path.join(out, '.lakeport'));
    for (let waited = 0; !isMarked() && waited < 60_000; waited += 10) await sleep(10);
    await sleep(1000);
    await query(`UPDATE export_runs SET holder = 'another'`);
    const ended = await cli.result;
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(/Another process has resumed this run .*\nhint: lakeport status/);
    expect(isMarked()).toBe(true);
    await server.query('DROP VIEW crawling');
  });
});

describe('settings for tables', () => {
  const insert = (method: string, degree: number, env: string | null) =>
    query(`INSERT INTO partition_columns (source_db_type, source_schema, source_table, fastbcp_method, fastbcp_parallel_degree, env_name)
      VALUES ('postgres', 'public', 'orders', '${method}', ${degree}, ${env === null ? 'NULL' : `'${env}'`})`);
  const methodOf = (tables: readonly { readonly table: string; readonly method: string }[]) =>
    tables.find(({ table }) => table === 'orders')?.method;

  it('come from partition_columns of the environment, and go before --table-config', async () => {
    await user.run('--init_db', '-a', 'auth.json', ...LOG);
    await insert('ctid', 2, 'production');
    await insert('None', 1, null);
    const method = async (...more: string[]) => {
      const runId = randomUUID();
      const ended = await user.export('-i', 'orders', ...LOG, '--run_id', runId, ...more);
      expect(ended.code).toBe(0);
      return methodOf((await user.status(runId, ...READ)).tables);
    };
    expect(await method('--table_config', 'orders:Ctid::2')).toBe('None');
    expect(await method('--env_name', 'production', '--table_config', 'orders:None')).toBe('Ctid');
    expect(await method('--env_name', 'test', '--fastbcp_table_config', 'public.orders:Ctid::2')).toBe('Ctid');
    const runs = (await user.runs(...READ)).runs.map(({ env_name: envName }) => envName);
    expect(runs).toEqual(['test', 'production', null]);
  });

  it('show in a plan, which makes no log', async () => {
    const plan = async (...more: string[]) => {
      const ended = await user.export('plan', '-i', 'orders', '--json', ...LOG, ...more);
      expect(ended.code).toBe(0);
      return methodOf((JSON.parse(ended.stdout) as { tables: { table: string; method: string }[] }).tables);
    };
    expect(await plan('--table_config', 'orders:Ctid::2')).toBe('Ctid');
    expect(await query('SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema')).toEqual(
      [],
    );
    await user.run('--init_db', '-a', 'auth.json', ...LOG);
    await insert('None', 1, null);
    expect(await plan('--table_config', 'orders:Ctid::2')).toBe('None');
    expect((await user.runs(...READ)).runs).toEqual([]);
  });
});
