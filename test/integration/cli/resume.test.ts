import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { RunDocument } from '../../harness/export-run.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { queryDuckDb } from '../../harness/parquet-readers/duckdb.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** `--resume` as people and schedulers type it. */

let server: PostgresServer;
let user: LoggedUser;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE customers AS SELECT i AS id, 'c' || i AS name FROM generate_series(1, 10) i;
    CREATE TABLE big AS SELECT i AS id, (SELECT string_agg(md5(i::text || j::text), '') FROM generate_series(1, 8) j) AS noise
      FROM generate_series(1, 300000) i;
    ANALYZE;`);
});

afterAll(() => server.stop());

beforeEach(async () => {
  await server.query(`DROP TABLE IF EXISTS prices; CREATE TABLE prices AS SELECT 'NaN'::numeric(5,2) AS price`);
  user = new LoggedUser(server);
  await user.authorize();
});

afterEach(() => user.remove());

/** A run of two tables of which one has failed. */
async function failedRun(...more: string[]): Promise<string> {
  const runId = randomUUID();
  expect((await user.export('-i', 'customers,prices', '--run_id', runId, ...more)).code).toBe(5);
  return runId;
}

const resume = (runId: string, ...more: string[]) => user.run('--resume', runId, '-a', 'auth.json', ...more);

describe('a run of which a table has failed', () => {
  it('is finished from anywhere by the tables that are left, with its own settings', async () => {
    const runId = await failedRun('--compression_type', 'Snappy', '--sub_path', '{date}');
    await server.query('UPDATE prices SET price = 7.25');
    const published = await user.status(runId);
    // Its directory was given relative to another one.
    const auth = path.join(user.directory, 'auth.json');
    const ended = await user.start(['-r', runId, '-a', auth, '--json', '--n_jobs', '1'], { cwd: '/' }).result;
    expect(ended.code).toBe(0);
    const document = JSON.parse(ended.stdout) as RunDocument;
    expect(document.run_id).toBe(runId);
    expect(document).not.toHaveProperty('resume');
    expect(ended.stderr).toMatch(/Resuming run .*: 1 of 2 tables published before/);

    const { run, tables, files } = await user.status(runId);
    expect(run).toMatchObject({
      state: 'completed',
      attempt: 2,
      tables: 2,
      completed_tables: 2,
      failed_tables: 0,
      rows: 11,
    });
    expect(tables.map(({ table, state }) => [table, state]).sort()).toEqual([
      ['customers', 'completed'],
      ['prices', 'completed'],
    ]);
    // What was published stays as it was.
    const ofCustomers = (all: typeof files) => all.filter(({ table }) => table === 'customers');
    expect(ofCustomers(files)).toEqual(ofCustomers(published.files));
    const [part] = files.filter(({ table }) => table === 'prices');
    const [row] = await queryDuckDb(
      `SELECT price::VARCHAR AS price FROM '${path.resolve(user.directory, part!.path)}'`,
    );
    expect(row).toEqual({ price: '7.25' });
    expect(path.resolve(user.directory, part!.path)).toMatch(/out\/\d{4}-\d\d-\d\d\/public\/prices\/part-/);
  });

  it('may fail again, and be resumed again', async () => {
    const runId = await failedRun();
    const again = await resume(runId.slice(0, 8));
    expect(again.code).toBe(5);
    expect(again.stdout).toContain(`lakeport --resume ${runId} -a auth.json`);
    expect((await user.status(runId)).run).toMatchObject({ state: 'failed', attempt: 2, failed_tables: 1 });
    await server.query('UPDATE prices SET price = 1');
    expect((await resume(runId)).code).toBe(0);
    expect((await user.status(runId)).run).toMatchObject({ state: 'completed', attempt: 3 });
  });

  it('takes neither another place nor another meaning of its storages', async () => {
    await user.authorize({ st: { storage_type: 'local', info: { directory: './lake' } } });
    const source = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '-i', 'customers,prices'];
    expect((await user.run(...source, '--target_storage_id', 'st')).code).toBe(5);
    const runId = (await user.runs()).runs[0]!.run_id;
    await user.authorize({ st: { storage_type: 'local', info: { directory: './other' } } });
    const elsewhere = await resume(runId);
    expect(elsewhere.code).toBe(2);
    expect(elsewhere.stderr).toMatch(/The storage st leads to .*\/other, but the run started in .*\/lake\n/);
    await user.authorize();
    expect((await resume(runId)).stderr).toMatch(/has no entry "st"/);
    // It stays what it was.
    expect((await user.status(runId)).run).toMatchObject({ state: 'failed', attempt: 1 });
  });
});

const SALT = 'pepper-of-the-test';

/** Every way to choose what is exported; the table `big` keeps its rows but the first 100. */
const CHOICE = [
  ...['--query', 'reports.sums=SELECT count(*) AS n, sum(id) AS total FROM big', '--where', 'big:id > 100'],
  ...['--exclude_columns', 'customers:na%', '--mask', 'big:noise:hash', '--mask_salt', '$env{PEPPER}'],
  ...['--column_type', 'big.id:text', '--sample', 'customers:4', '--table_config', 'reports.sums:None::'],
  ...['--add_column', 'run=run_id', '--add_column', 'began=exported_at', '--add_column', `note=constant:it's; $$`],
];

describe('a run that was killed', () => {
  it('is finished by what it began with, and its files hold every row once, hashed by one salt', async () => {
    const runId = randomUUID();
    const env = { PEPPER: SALT };
    const begin = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', 'out', '-i', 'customers,big'];
    const cli = user.start([...begin, '-p', '2', '--run_id', runId, ...CHOICE], { env });
    const reading = async () =>
      (await user.status(runId)).slices.some(({ table, state }) => table === 'big' && state !== 'pending');
    for (let waited = 0; !/customers completed/.test(cli.stderr()) && waited < 60_000; waited += 20) await sleep(20);
    await sleep(700);
    cli.kill('SIGKILL');
    await cli.result;
    expect(await reading()).toBe(true);
    expect((await user.runs()).runs[0]).toMatchObject({ state: 'interrupted' });

    const resumed = (salt: string) =>
      user.start(['--resume', runId, '-a', 'auth.json', '--json'], { env: { PEPPER: salt } }).result;
    const refused = await resumed('another salt');
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'RESUME_OTHER_SALT' } });
    expect(refused.code).toBe(2);
    expect((await user.status(runId)).run).toMatchObject({ state: 'interrupted', attempt: 1 });
    expect(readFileSync(user.logFile).includes(SALT)).toBe(false);

    const ended = await resumed(SALT);
    expect(ended.code).toBe(0);
    const { run, tables } = await user.status(runId);
    expect(run).toMatchObject({ state: 'completed', attempt: 2, rows: 299_900 + 4 + 1 });
    expect(tables.every(({ state }) => state === 'completed')).toBe(true);
    const rowsOf = (table: string) => `'${path.join(user.directory, 'out', table, '*.parquet')}'`;
    const noise = `array_to_string(list_transform(range(1, 9), j -> md5(id || j)), '')`;
    const [sums] = await queryDuckDb(
      `SELECT count(*)::VARCHAR AS n, count(DISTINCT id)::VARCHAR AS ids, min(id::INT)::VARCHAR AS least,
              bool_and(noise = sha256('${SALT}' || ${noise})) AS hashed, count(DISTINCT began)::INT AS times,
              min(run) AS run, min(note) AS note FROM ${rowsOf('public/big')}`,
    );
    expect(sums).toEqual({
      ...{ n: '299900', ids: '299900', least: '101', hashed: true, times: 1, run: runId, note: `it's; $$` },
    });
    const [report] = await queryDuckDb(`SELECT n::INT AS n, total::DOUBLE AS total FROM ${rowsOf('reports/sums')}`);
    expect(report).toEqual({ n: 300_000, total: (300_000 * 300_001) / 2 });
    const [sample] = await queryDuckDb(`SELECT count(*)::INT AS n FROM ${rowsOf('public/customers')}`);
    expect(sample).toEqual({ n: 4 });
    const left = readdirSync(path.join(user.directory, 'out'), { recursive: true }).map(String);
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('what can not be resumed', () => {
  it('a run that is complete', async () => {
    await user.export('-i', 'customers');
    const { run_id: runId } = (await user.runs()).runs[0]!;
    const ended = await resume(runId, '--json');
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'RUN_FINISHED' } });
  });

  it('a run that the log does not know', async () => {
    for (const id of ['abcd', randomUUID()]) {
      const ended = await resume(id);
      expect(ended).toMatchObject({ code: 2, stdout: '' });
      expect(ended.stderr).toMatch(`has no run ${id}\n`);
    }
  });

  it('a run that a living process holds', async () => {
    await server.query('CREATE OR REPLACE VIEW endless AS SELECT i AS id FROM generate_series(1, 300000000) i');
    const runId = randomUUID();
    const cli = user.startExport('--include_views', '-i', 'endless', '--run_id', runId);
    for (let waited = 0; !/ readers?, consistency /.test(cli.stderr()) && waited < 60_000; waited += 20)
      await sleep(20);
    const ended = await resume(runId);
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(`Run ${runId} is in progress, in process ${cli.child.pid} on host`);
    cli.kill('SIGINT');
    expect((await cli.result).code).toBe(130);
    expect((await user.status(runId)).run).toMatchObject({ state: 'cancelled', attempt: 1 });
  });

  it('a run together with what decides what is exported', async () => {
    const ended = await user.run('-r', 'abcd', '-a', 'auth.json', '-i', 'x', '--output-dir', 'y');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/and not --include, --output-dir\n/);
    expect((await user.run('plan', '-r', 'abcd', '-a', 'auth.json')).stderr).toMatch(/plan takes no --resume/);
    expect((await user.run('-r', 'abcd')).stderr).toMatch(/--auth-file must be given/);
  });

  it('a run whose log has been moved away', async () => {
    const runId = await failedRun();
    renameSync(user.logFile, `${user.logFile}.away`);
    for (const side of ['-wal', '-shm']) rmSync(user.logFile + side, { force: true });
    expect((await resume(runId)).stderr).toMatch(`has no run ${runId}\n`);
  });
});
