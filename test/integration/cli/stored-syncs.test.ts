import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, type CliResult } from '../../harness/cli.js';
import { parseDocument } from '../../harness/json-document.js';
import { isStopped } from '../../harness/killed-runs.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Stored syncs as users run them, with the embedded log and one in PostgreSQL. */

const PASSWORD = 'sEcr3t-Marker/2';
const CRASH_POINTS = new URL('../../harness/crash-points.js', import.meta.url).href;

let server: PostgresServer;
let user: LoggedUser;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE big AS SELECT i AS id, 'note ' || i AS note FROM generate_series(1, 1000) i;
    CREATE TABLE customers AS SELECT 1 AS id;
    CREATE SCHEMA logs;
    ANALYZE;`);
});

afterAll(() => server.stop());

beforeEach(async () => {
  user = new LoggedUser(server);
  await user.authorize({
    log_pg: postgresEntry(server, { options: { search_path: 'logs' } }),
    marked: postgresEntry(server, { password: PASSWORD }),
  });
});

afterEach(() => user.remove());

const FLAGS = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', 'out', '-i', 'big'];

function create(syncId: string, ...more: string[]): Promise<CliResult> {
  return user.run('config', 'create', '--sync_id', syncId, ...FLAGS, ...more);
}

async function json(...argv: string[]): Promise<Record<string, unknown>> {
  return parseDocument((await user.run(...argv, '--json')).stdout) as Record<string, unknown>;
}

/** The code of the error that a command ends with. */
async function refusal(
  ...argv: string[]
): Promise<{ exit: number | null; code: string; message: string; hint?: string }> {
  const { code: exit, stdout } = await user.run(...argv, '--json');
  const { error } = parseDocument(stdout) as { error: { code: string; message: string; hint?: string } };
  return { exit, ...error };
}

function log(sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(user.logFile);
  try {
    return database.prepare(sql).all() as Record<string, unknown>[];
  } finally {
    database.close();
  }
}

/** A run of the sync in a process of its own, killed or suspended once its table is staged. */
async function stopped(signal: 'SIGKILL' | 'SIGSTOP', ...argv: string[]) {
  const run = user.start(argv, {
    env: {
      NODE_OPTIONS: `--import ${CRASH_POINTS}`,
      LAKEPORT_TEST_CRASH: 'between staging and publishing',
      LAKEPORT_TEST_CRASH_STORE: 'local',
      LAKEPORT_TEST_CRASH_SIGNAL: signal,
      LAKEPORT_TEST_CRASH_LOGGED: 'true',
    },
  });
  if (signal === 'SIGKILL') expect((await run.result).signal).toBe('SIGKILL');
  else await isStopped(run.child.pid ?? 0);
  return run;
}

function temporaries(): string[] {
  return readdirSync(path.join(user.directory, 'out'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.tmp'),
  );
}

describe('a stored sync', () => {
  it('is created, listed, shown as a job file, run from any directory, and deleted', async () => {
    const created = await create('hourly', '--sub-path', 'at/{run_id}', '--env_name', 'prod', '--json');
    expect(parseDocument(created.stdout)).toMatchObject({
      command: 'config_create',
      replaced: false,
      run: 'lakeport sync --sync-id hourly',
      sync: { sync_id: 'hourly', env_name: 'prod', flags: { include: ['big'], sub_path: ['at/{run_id}'] } },
    });
    expect((await refusal('config', 'create', '--sync_id', 'hourly', ...FLAGS)).code).toBe('SYNC_EXISTS');
    expect(await json('config', 'list')).toMatchObject({ syncs: [{ sync_id: 'hourly' }] });
    expect(await json('config', 'list', '--env_name', 'test')).toMatchObject({ syncs: [] });
    expect((await user.run('config', 'list')).stdout).toMatch(/^SYNC .*\nhourly +prod +ds_pg +\/.*\/work\/out /);
    const { stdout: shown } = await user.run('config', 'show');
    expect(shown).toContain(`output_dir: ${path.join(user.directory, 'out')}\n`);
    expect(shown).toContain('source_db_auth_id: ds_pg\n');

    // The only one need not be named.
    const elsewhere = path.join(user.directory, 'elsewhere');
    mkdirSync(elsewhere);
    const { code, stdout } = await user.start(['sync', '--json', '--run_id', RUN], { cwd: elsewhere }).result;
    expect(code).toBe(0);
    expect(parseDocument(stdout)).toMatchObject({ command: 'export', run_id: RUN, sync_id: 'hourly' });
    expect(existsSync(path.join(user.directory, 'out/at', RUN, 'public/big/_SUCCESS'))).toBe(true);
    expect((await json('runs'))['runs']).toMatchObject([{ run_id: RUN, sync_id: 'hourly', env_name: 'prod' }]);
    const published = await user.run('sync[publish]');
    expect(published.stdout).toContain('nothing left to publish');
    expect(published.stdout).toContain('is completed');

    const status = await json('status', '--sync-id', 'hourly');
    expect(status).toMatchObject({ command: 'sync_status', lock: null, tables: [], runs: [{ run_id: RUN }] });
    const replaced = await create('hourly', '--replace', '--json');
    expect(parseDocument(replaced.stdout)).toMatchObject({ replaced: true, sync: { env_name: null } });
    const again = await user.run('sync[export]', '--sync_id', 'hourly', '-p', '1', '--dry-run');
    expect(again.stdout).toContain('public.big');
    expect(await json('config', 'delete', '--sync-id', 'hourly')).toMatchObject({ sync_id: 'hourly' });
    expect(await refusal('sync')).toMatchObject({ exit: 2, code: 'SYNC_NOT_NAMED' });
  });

  it('gets an id where none is given, and is refused where an export would be', async () => {
    const created = await user.run('config', 'create', ...FLAGS);
    expect(created.stdout).toMatch(/^Sync [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12} is stored/);
    await create('second');
    const { message, hint } = await refusal('sync');
    expect(message).toMatch(/2 stored syncs: [0-9a-f-]{36}, second/);
    expect(hint).toContain('--sync-id');
    expect(await refusal('sync', '--sync_id', 'secnd')).toMatchObject({ code: 'SYNC_UNKNOWN', exit: 2 });
    const codes = async (...argv: string[][]) => {
      const found: string[] = [];
      for (const words of argv) found.push((await refusal(...words)).code);
      return found;
    };
    expect(
      await codes(
        ['config', 'create', '-a', 'auth.json'],
        ['config', 'create', ...FLAGS, '--target_storage_id', 'lake'],
        ['config', 'create', ...FLAGS, '--sync_id', 'two words'],
        ['config', 'create', ...FLAGS, '--reset-watermarks'],
        ['config', 'make'],
        ['config', 'list', '-i', 'big'],
        ['sync', '-i', 'big'],
        ['sync', '--sync_id', 'second', 'third'],
        ['lxdb', 'drop'],
        ['lxdb', 'truncate', '--sync_id', 'second'],
        ['cleanup', '--older-than', '7d'],
        ['status', '--sync_id', 'second', '2f73b4d0'],
      ),
    ).toEqual([
      ...['MISSING_FLAG', 'ONE_DESTINATION', 'BAD_VALUE', 'UNKNOWN_FLAG', 'UNKNOWN_COMMAND', 'UNKNOWN_FLAG'],
      ...['UNKNOWN_FLAG', 'BAD_USAGE', 'NOT_CONFIRMED', 'NOT_CONFIRMED', 'MISSING_FLAG', 'FLAG_CONFLICT'],
    ]);
  });

  it('has no secret in it, and takes references that a job file has with each run', async () => {
    const secret = ['--where', `big:note <> '${PASSWORD}'`];
    expect((await refusal('config', 'create', ...FLAGS, ...secret)).code).toBe('JOB_FILE_SECRET');
    const license = ['--license', 'L1cense-Key', '--license_file', 'x'];
    await create('hourly', '--where', 'big:id <= $1 or true', '--where', "big:note <> '$$x'", ...license);
    expect(JSON.stringify(log('select * from export_syncs'))).not.toMatch(/L1cense|sEcr3t/);
    // Dollar signs of the command line stay what they are.
    const { flags } = (await json('config', 'show'))['sync'] as { flags: { where: string[] } };
    expect(flags.where).toEqual(['big:id <= $1 or true', "big:note <> '$$$$x'"]);

    const job = path.join(user.directory, 'job.yaml');
    writeFileSync(job, `where: ['big:id <= \${MOST}']\nrun_id: ${RUN}\nlog_db_mode: truncate\n`);
    await user.runWith({ MOST: '5' }, 'config', 'create', '--sync_id', 'few', '--config', 'job.yaml', ...FLAGS);
    expect(JSON.stringify(log("select settings from export_syncs where sync_id = 'few'"))).toContain('${MOST}');
    expect(await refusal('sync', '--sync_id', 'few')).toMatchObject({ code: 'SYNC_NOT_READABLE' });
    const few = await user.runWith({ MOST: '7' }, 'sync', '--sync_id', 'few', '--json');
    expect(parseDocument(few.stdout)).toMatchObject({ totals: { rows: 7 } });
    expect((await json('config', 'list'))['syncs']).toHaveLength(2);
  });
});

const RUN = '123e4567-e89b-42d3-a456-426614174000';

describe('two runs of a stored sync', () => {
  it('never go on at once; what a killed one has left is finished by --resume, or a new run begins', async () => {
    await create('hourly');
    // Something that is waited for: the process is suspended, and so is its heartbeat.
    const suspended = await stopped('SIGSTOP', 'sync');
    const [{ run_id: first }] = (await json('runs'))['runs'] as [{ run_id: string }];
    for (const argv of [['sync'], ['sync', '--resume'], ['config', 'delete', '--sync_id', 'hourly']]) {
      const error = await refusal(...argv);
      expect(error).toMatchObject({ exit: 6, code: 'SYNC_RUNNING' });
      expect(error.message).toMatch(`process ${suspended.child.pid} on host`);
      expect(error.message).toContain(`(run ${first})`);
    }
    expect((await json('runs'))['runs']).toHaveLength(1);
    expect((await user.run('lxdb', 'locks')).stdout).toMatch(
      new RegExp(`hourly +${first} .* process ${suspended.child.pid}`),
    );
    expect(await refusal('lxdb', 'release-locks')).toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(await refusal('lxdb', 'drop', '--confirm')).toMatchObject({ code: 'RUN_LOG_IN_USE' });
    suspended.child.kill('SIGKILL');
    await suspended.result;

    expect(await json('lxdb', 'locks')).toMatchObject({ locks: [{ run_id: first, living: false }] });
    const resumed = await user.run('sync', '--resume', '--json');
    expect(resumed.stderr).toContain(`Resuming run ${first}`);
    expect(parseDocument(resumed.stdout)).toMatchObject({ run_id: first, sync_id: 'hourly', exit_code: 0 });
    const fresh = await user.run('sync', '-r', '--json');
    expect(fresh.stderr).toContain('Sync hourly has no unfinished run: starting a new one');
    expect((parseDocument(fresh.stdout) as { run_id: string }).run_id).not.toBe(first);
    expect(await json('lxdb', 'locks')).toMatchObject({ locks: [] });
  });

  it('that start together are one run, also with the log in PostgreSQL', async () => {
    const inPostgres = ['-a', 'auth.json', '--lxdb_auth_id', 'log_pg'];
    await user.run('lxdb', 'init', ...inPostgres);
    const created = await create('hourly', '--lxdb_auth_id', 'log_pg');
    expect(created.stdout).toContain('lakeport sync --sync-id hourly -a auth.json --log-db-auth-id log_pg\n');
    const runs = [1, 2].map(() =>
      user.start(['sync', ...inPostgres, '--json'], {
        env: {
          NODE_OPTIONS: `--import ${CRASH_POINTS}`,
          LAKEPORT_TEST_CRASH: 'between staging and publishing',
          LAKEPORT_TEST_CRASH_STORE: 'local',
          LAKEPORT_TEST_CRASH_SIGNAL: 'SIGSTOP',
        },
      }),
    );
    // The one that has the lock is suspended before it ends, so that the other one meets it.
    const stops = runs.map((run) => isStopped(run.child.pid ?? 0).then(() => run));
    const winner = await Promise.race(stops);
    const loser = runs.find((run) => run !== winner)!;
    const refused = await loser.result;
    expect(refused.code).toBe(6);
    expect(parseDocument(refused.stdout)).toMatchObject({ error: { code: 'SYNC_RUNNING' } });
    winner.child.kill('SIGCONT');
    expect((await winner.result).code).toBe(0);
    // A killed holder's lock is taken over by the next run.
    const killed = await stopped('SIGKILL', 'sync', ...inPostgres);
    expect(killed.child.exitCode).toBe(null);
    expect((await user.run('sync', ...inPostgres)).code).toBe(0);
    const { runs: listed } = (await json('runs', ...inPostgres)) as { runs: { state: string }[] };
    expect(listed.map(({ state }) => state)).toEqual(['completed', 'interrupted', 'completed']);
    expect((await user.run('lxdb', 'drop', '--confirm', ...inPostgres)).code).toBe(0);
    expect(await server.query("select from information_schema.tables where table_schema = 'logs'")).toEqual([]);
  });
});

describe('the status of a stored sync', () => {
  it('has the watermark of each table, how far it is behind, and the rows of each sync', async () => {
    await server.query(
      `CREATE TABLE events AS SELECT i AS id, now() - interval '1 hour' AS at FROM generate_series(1, 10) i`,
    );
    const tables = ['-i', 'events', '--incremental_table', 'events:at:timestamp'];
    await user.run('config', 'create', '--sync_id', 'hourly', ...FLAGS.slice(0, -2), ...tables);
    expect((await user.run('sync')).code).toBe(0);
    await server.query(
      `INSERT INTO events VALUES (11, now() - interval '30 minutes'), (12, now() - interval '40 minutes')`,
    );
    expect((await user.run('sync')).code).toBe(0);
    expect((await user.run('sync')).code).toBe(0);
    const status = (await json('status', '--sync_id', 'hourly')) as unknown as {
      tables: { behind_seconds: number; watermark: string; syncs: { number: number; kind: string; rows: number }[] }[];
      runs: unknown[];
    };
    const [events] = status.tables;
    expect(events).toMatchObject({ schema: 'public', table: 'events', cursor: { type: 'timestamp', column: 'at' } });
    expect(events!.syncs.map(({ number, kind, rows }) => [number, kind, rows])).toEqual([
      [3, 'increment', 0],
      [2, 'increment', 2],
      [1, 'full', 10],
    ]);
    expect(Math.abs(events!.behind_seconds - 1800)).toBeLessThan(500);
    expect(status.runs).toHaveLength(3);
    const { stdout } = await user.run('status', '--sync-id', 'hourly', '--limit', '2');
    expect(stdout).toMatch(/\npublic\.events +at \(timestamp\) +\S.* 3\dm \d\ds +3 /);
    expect(stdout).toMatch(/\npublic\.events +2 +increment +2 /);
    expect(stdout).not.toMatch(/\npublic\.events +1 +full/);
    await server.query('DROP TABLE events');
  });
});

describe('a cleanup', () => {
  const cleanup = (...more: string[]) => json('cleanup', '--sync_id', 'hourly', ...more);

  it('removes exactly what its dry run has told: staged files and rows of replaced runs', async () => {
    await create('hourly');
    await stopped('SIGKILL', 'sync');
    expect((await user.run('sync')).code).toBe(0);
    // As if the runs had been killed while nothing swept up after them.
    await stopped('SIGKILL', 'sync');
    const staged = temporaries().length;
    expect(staged).toBeGreaterThan(0);

    // The last run can be resumed: only what it has replaced goes.
    expect(await cleanup('--older-than', '7d')).toMatchObject({ runs: [], rows: { runs: 0 } });
    expect((await cleanup('--dry-run'))['runs']).toMatchObject([{ state: 'interrupted' }]);
    const counts = () =>
      ['runs', 'jobs', 'partitions', 'files'].map((name) => log(`select run_id from export_${name}`).length);
    const before = counts();
    const told = await cleanup('--status', 'interrupted', '--dry-run');
    expect(told).toMatchObject({ dry_run: true, runs: [{}, {}], staged: [{ files: staged }] });
    expect(temporaries()).toHaveLength(staged);
    expect(counts()).toEqual(before);
    const done = await cleanup('--status', 'interrupted');
    expect({ ...done, dry_run: true }).toEqual(told);
    expect(temporaries()).toEqual([]);
    const { runs, jobs, partitions, files } = done['rows'] as Record<string, number>;
    expect(counts()).toEqual(before.map((count, at) => count - [runs, jobs, partitions, files][at]!));
    expect(counts()[0]).toBe(1);
    // The last completed run stays, and its files do.
    expect(await cleanup('--status', 'completed,interrupted')).toMatchObject({ runs: [] });
    expect(existsSync(path.join(user.directory, 'out/public/big/part-00000.parquet'))).toBe(true);
    expect((await user.run('cleanup', '--sync_id', 'hourly')).stdout).toBe('Sync hourly has no old runs to remove.\n');

    expect((await user.run('lxdb', 'truncate', '--sync_id', 'hourly', '--confirm')).code).toBe(0);
    expect(counts()).toEqual([0, 0, 0, 0]);
    expect((await json('config', 'list'))['syncs']).toHaveLength(1);
  });
});

describe('help and completion', () => {
  it('have the commands of stored syncs', async () => {
    const { stdout } = await user.run('completion', 'bash');
    expect(stdout).toMatch(/ {4}lxdb\) words=".* --confirm .*release-locks"/);
    expect((await user.run('config', '--help')).stdout).toContain('--incremental-table');
    expect(readFileSync('docs/operations/incremental.md', 'utf8')).toContain('## Stored syncs');
  });
});
