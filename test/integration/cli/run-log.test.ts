import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, type RunningCli } from '../../harness/cli.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { parseDocument } from '../../harness/json-document.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** What the embedded run log has of real exports, and the commands that show it. */

const PASSWORD = 'sEcr3t-Marker/1';

let server: PostgresServer;
let user: LoggedUser;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE orders AS SELECT i AS id, 'note ' || i AS note FROM generate_series(1, 20000) i;
    CREATE TABLE customers AS SELECT 1 AS id;
    CREATE TABLE bad AS SELECT 'NaN'::numeric(5,2) AS price;
    CREATE VIEW endless AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 300000000) i;
    CREATE ROLE marked LOGIN PASSWORD '${PASSWORD}';
    GRANT SELECT ON orders, customers, bad, endless TO marked;
    ANALYZE;`);
});

afterAll(() => server.stop());

beforeEach(async () => {
  user = new LoggedUser(server);
  await user.authorize({ marked: postgresEntry(server, { username: 'marked', password: PASSWORD }) });
});

afterEach(() => user.remove());

const GOOD = ['-i', 'orders,customers'];

describe('an export', () => {
  it('is in the log: its tables, partitions, files and sums', async () => {
    const ended = await user.export(...GOOD, '--table_config', 'orders:Ctid::2', '--env_name', 'nightly');
    expect(ended.code).toBe(0);
    const { run, tables, slices, files } = await user.status();
    expect(run).toMatchObject({
      state: 'completed',
      attempt: 1,
      tables: 2,
      completed_tables: 2,
      failed_tables: 0,
      rows: 20_001,
      env_name: 'nightly',
    });
    expect(run.command_line).toContain(
      'lakeport -a auth.json --source_db_auth_id ds_pg --output_dir out -i orders,customers',
    );
    const orders = tables.find(({ table }) => table === 'orders')!;
    expect(orders).toMatchObject({ state: 'completed', method: 'Ctid', rows: 20_000 });
    expect(slices.filter(({ table }) => table === 'orders')).toHaveLength(orders.slices);
    expect(new Set(slices.map(({ state }) => state))).toEqual(new Set(['completed']));
    const ofOrders = files.filter(({ table }) => table === 'orders');
    expect(ofOrders.reduce((sum, { rows }) => sum + rows, 0)).toBe(20_000);
    for (const { sha256 } of files) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    const published = readdirSync(path.join(user.directory, 'out/public/orders')).filter((name) =>
      name.startsWith('part-'),
    );
    expect(ofOrders.map((file) => path.basename(file.path)).sort()).toEqual(published.sort());
  });

  it('shows in the list of runs, and by itself, as people read it', async () => {
    await user.export(...GOOD);
    const list = await user.run('runs');
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toMatch(
      /^RUN +STATE +STARTED \(UTC\) +TOOK +TABLES .*\n[0-9a-f]{8} {2}completed {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +[\d.]+ s +2\/2 .* 20,001 .*\/out\n$/,
    );
    const status = await user.run('status', list.stdout.split('\n')[1]!.slice(0, 8));
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(
      /^Run +[0-9a-f-]{36}\nState +completed\nStarted +.* UTC, took .*\nSource +postgres on /,
    );
    expect(status.stdout).toMatch(/\nTables +2 of 2 published\nPublished +20,001 rows, 2 files, /);
    expect(status.stdout).toMatch(/\npublic\.orders +completed +None +20,000 +1 /);
    expect(status.stdout).not.toContain('To finish it');
  });

  it('that failed shows its errors with hints, and how it is finished', async () => {
    const ended = await user.export('--json');
    expect(ended.code).toBe(5);
    const { run_id: runId, resume } = JSON.parse(ended.stdout) as { run_id: string; resume: string };
    expect(resume).toBe(`lakeport --resume ${runId} -a auth.json`);
    expect(ended.stderr).toContain(`To finish this run: ${resume}`);
    const status = await user.run('status', runId);
    expect(status.stdout).toMatch(/State +failed\n/);
    expect(status.stdout).toMatch(
      /1 table failed:\n {2}public\.bad: Column price .*\n {4}hint: --on-unrepresentable null/,
    );
    expect(status.stdout).toMatch(`\nTo finish it:  ${resume}\n`);
    expect((await user.status(runId)).tables.find(({ table }) => table === 'bad')?.error).toMatchObject({
      class: 'unrepresentable',
    });
    // On a terminal's summary it stands as well.
    expect((await user.export()).stdout).toMatch(/\nTo finish it: {2}lakeport --resume [0-9a-f-]{36} -a auth\.json\n$/);
  });

  it('whose source can not be reached is in the log as failed', async () => {
    await user.authorize({ away: postgresEntry(server, { port: 1, connect_timeout: '300ms' }) });
    const ended = await user.run('-a', 'auth.json', '--source_db_auth_id', 'away', '--output_dir', 'out');
    expect(ended.code).toBe(4);
    const { run } = await user.status();
    expect(run).toMatchObject({ state: 'failed', tables: null, error: { class: 'unreachable' } });
    const shown = await user.run('status', run.run_id);
    expect(shown.stdout).toMatch(/Tables +not planned\n/);
    // There is nothing to be finished.
    expect(ended.stderr + shown.stdout).not.toContain('--resume');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that %s ends is cancelled in the log', async (signal, code) => {
    const cli = await untilReading(user.startExport('--include_views', '-i', 'endless'));
    cli.kill(signal);
    const ended = await cli.result;
    expect(ended.code).toBe(code);
    expect((await user.status()).run).toMatchObject({ state: 'cancelled', tables: 1, completed_tables: 0 });
    expect(ended.stderr + ended.stdout).toMatch(/To finish (it|this run): +lakeport --resume/);
  });

  it('that was killed is shown as interrupted at once', async () => {
    const cli = await untilReading(user.startExport('--include_views', '-i', 'endless'));
    await untilLogged((run) => run.tables === 1);
    cli.kill('SIGKILL');
    await cli.result;
    const { runs } = await user.runs();
    expect(runs[0]).toMatchObject({ state: 'interrupted' });
    const status = await user.run('status', runs[0]!.run_id);
    expect(status.stdout).toMatch(/State +interrupted, last heard of/);
    expect(status.stdout).toMatch(/public\.endless +interrupted/);
    expect(status.stdout).toContain('To finish it:  lakeport --resume');
  });

  it('leaves no secret in the log, whatever was on the command line', async () => {
    const source = ['--source_db_auth_id', 'marked', '--output_dir', 'out'];
    const ended = await user.run(
      '-a',
      'auth.json',
      ...source,
      '-e',
      `endless,x${PASSWORD}`,
      '--license',
      'LICENCE-123',
    );
    expect(ended.code).toBe(5);
    const inLog = readdirSync(path.dirname(user.logFile)).map((name) =>
      readFileSync(path.join(path.dirname(user.logFile), name), 'latin1'),
    );
    expect(inLog.join('')).toContain('--source_db_auth_id marked');
    for (const text of inLog) {
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain('LICENCE-123');
    }
    const { run } = await user.status();
    expect(run.settings.hidden).toEqual(['excludePatterns']);
    // The settings are not all there, so that nothing promises a resume.
    expect(ended.stdout).not.toContain('--resume');
    const resumed = await user.run('--resume', run.run_id, '-a', 'auth.json');
    expect(resumed.code).toBe(2);
    expect(resumed.stderr).toMatch(/its settings \(excludePatterns\) contain a credential/);
  });

  it('keeps its log to this user', async () => {
    await user.export(...GOOD);
    expect(statSync(user.logFile).mode & 0o777).toBe(0o600);
  });
});

describe('what leaves no trace in the log', () => {
  it.each([
    ['a plan', ['plan']],
    ['a dry run', ['--dry_run']],
  ])('%s', async (_, words) => {
    expect((await user.export(...words, '-i', 'orders')).code).toBe(0);
    expect(existsSync(user.stateDirectory)).toBe(false);
  });

  it('a check', async () => {
    await user.run('check', '-a', 'auth.json');
    expect(existsSync(user.stateDirectory)).toBe(false);
  });

  it.each([
    ['of the command line', ['--n_jobs', '0']],
    ['of the auth file', ['--source_db_auth_id', 'nobody']],
    ['of a pattern that finds no table', ['-i', 'oders']],
    ['of a source that can not be used as one', ['--log_db_auth_id', 'nobody']],
  ])('a mistake %s', async (_, words) => {
    await user.export(...GOOD);
    const runId = randomUUID();
    expect((await user.export(...words, '--run_id', runId)).code).toBe(2);
    expect((await user.runs()).runs).toHaveLength(1);
    // The id can still be used.
    expect((await user.export(...GOOD, '--run_id', runId)).code).toBe(0);
  });
});

describe('--run_id', () => {
  it('names the run, and is refused the second time, before anything is written', async () => {
    const runId = randomUUID();
    expect((await user.export(...GOOD, '--run_id', runId.toUpperCase())).code).toBe(0);
    rmSync(path.join(user.directory, 'out'), { recursive: true });
    const second = await user.export(...GOOD, '--run_id', runId, '--json');
    expect(second.code).toBe(2);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: 'RUN_ID_EXISTS' } });
    expect(second.stderr).toMatch(/--resume/);
    expect(existsSync(path.join(user.directory, 'out'))).toBe(false);
    expect((await user.runs()).runs.map((run) => [run.run_id, run.state])).toEqual([[runId, 'completed']]);
  });
});

describe('a log that can not be used', () => {
  it('which is that of the user, is worth one warning, and the export goes on', async () => {
    const file = path.join(user.directory, 'file');
    writeFileSync(file, '');
    const cli = user.start(['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', 'out', ...GOOD], {
      env: { XDG_STATE_HOME: path.join(file, 'state') },
    });
    const ended = await cli.result;
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(/WARNING/g)).toHaveLength(1);
    expect(ended.stderr).toMatch(
      /The run log .*runs\.sqlite cannot be used: .* This run is not logged and cannot be resumed\./,
    );
    expect(existsSync(path.join(user.directory, 'out/public/orders/_SUCCESS'))).toBe(true);
  });

  it.each([
    ['runs', ['runs']],
    ['status', ['status', 'abcd']],
    ['--resume', ['--resume', 'abcd', '-a', 'auth.json']],
    ['--init_db', ['--init_db']],
    [
      '--log_db_mode',
      ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', 'out', '--log_db_mode', 'truncate'],
    ],
  ])('and that %s needs, is an error', async (_, words) => {
    const file = path.join(user.directory, 'file');
    writeFileSync(file, '');
    const ended = await user.start(words, { env: { XDG_STATE_HOME: file } }).result;
    expect(ended).toMatchObject({ code: 4, stdout: '' });
    expect(ended.stderr).toMatch(/cannot be used/);
    expect(existsSync(path.join(user.directory, 'out'))).toBe(false);
  });

  it('because it is damaged is worth a warning too', async () => {
    // By a process: its thread has closed the log for sure.
    expect((await user.startExport(...GOOD).result).code).toBe(0);
    writeFileSync(user.logFile, 'this is not SQLite, and long enough to be looked at as a page of it'.repeat(100));
    for (const side of ['-wal', '-shm']) rmSync(user.logFile + side, { force: true });
    const ended = await user.startExport(...GOOD).result;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/WARNING .*is not an SQLite database/);
  });
});

describe('--log_db_mode', () => {
  it('truncate and drop begin with an empty log, preserve keeps it', async () => {
    await user.export(...GOOD);
    await user.export(...GOOD, '--log_db_mode', 'preserve');
    expect((await user.runs()).runs).toHaveLength(2);
    await user.export(...GOOD, '--log_db_mode', 'truncate');
    expect((await user.runs()).runs).toHaveLength(1);
    await user.export(...GOOD, '--log_db_mode', 'DROP');
    expect((await user.runs()).runs).toHaveLength(1);
  });

  it('refuses to remove a run in progress', async () => {
    const cli = await untilReading(user.startExport('--include_views', '-i', 'endless'));
    const ended = await user.export(...GOOD, '--log_db_mode', 'drop');
    expect(ended.code).toBe(6);
    expect(ended.stderr).toMatch(/which is in progress/);
    cli.kill('SIGINT');
    await cli.result;
  });
});

describe('--init_db', () => {
  it('makes the log and says so, without a source and without an auth file', async () => {
    const first = await user.run('--init_db');
    expect(first).toMatchObject({ code: 0, stderr: '', stdout: `The run log ${user.logFile} has been created.\n` });
    const second = await user.run('--init_db', '--json');
    expect(parseDocument(second.stdout)).toMatchObject({
      command: 'init_db',
      run_log: user.logFile,
      schema: 'current',
    });
  });
});

describe('the list of runs', () => {
  it('of an empty log is a sentence', async () => {
    const ended = await user.run('runs');
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: `The run log ${user.logFile} has no runs yet.\n` });
    expect(await user.runs()).toMatchObject({ run_log: user.logFile, runs: [] });
  });

  it('is as long as --limit says, the latest first', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of ids) await user.export('-i', 'customers', '--run_id', id);
    expect((await user.runs('--limit', '2')).runs.map(({ run_id: id }) => id)).toEqual([ids[2], ids[1]]);
    expect((await user.run('runs', '--limit', '2')).stdout).toMatch(/The latest 2 runs; --limit shows more\.\n$/);
    expect((await user.run('runs', '--limit', '0')).code).toBe(2);
  });
});

describe('a run', () => {
  it('is found by the beginning of its id, where that is of one run alone', async () => {
    const ids = ['abcd0000-0000-4000-8000-000000000001', 'abcd1000-0000-4000-8000-000000000001'];
    for (const id of ids) await user.export('-i', 'customers', '--run_id', id);
    expect((await user.status('ABCD1')).run.run_id).toBe(ids[1]);
    const ambiguous = await user.run('status', 'abcd');
    expect(ambiguous.code).toBe(2);
    for (const id of ids) expect(ambiguous.stderr).toContain(id);
    const unknown = await user.run('status', 'abce');
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toMatch(/has no run abce\nhint: lakeport runs lists/);
    expect((await user.run('status', randomUUID())).code).toBe(2);
    expect((await user.run('status')).code).toBe(2);
    expect((await user.run('status', 'abcd0', 'abcd1')).code).toBe(2);
  });
});

describe('a second run to the same tables of the same target', () => {
  it('is refused while the first one lives, by its id, and leaves no trace', async () => {
    const runId = randomUUID();
    const cli = await untilReading(user.startExport('--include_views', '-i', 'endless', '--run_id', runId));
    await untilLogged((run) => run.tables === 1);
    const second = await user.export('--include_views', '-i', 'endless', '--json');
    expect(second.code).toBe(6);
    expect(JSON.parse(second.stdout)).toMatchObject({
      command: 'export',
      exit_code: 6,
      run_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      error: { code: 'TARGET_IN_USE', message: expect.stringContaining(runId) as string },
    });
    // Other tables are nobody's.
    expect((await user.export(...GOOD)).code).toBe(0);
    cli.kill('SIGKILL');
    await cli.result;
    // A dead run keeps nobody out.
    expect((await user.export('-i', 'customers')).code).toBe(0);
    expect((await user.runs()).runs).toHaveLength(3);
  });
});

/** Waits until the first batch of rows is on its way. */
async function untilReading(cli: RunningCli): Promise<RunningCli> {
  for (let waited = 0; !/ readers?, consistency /.test(cli.stderr()); waited += 20) {
    if (waited > 60_000) throw new Error(`it does not read: ${cli.stderr()}`);
    await sleep(20);
  }
  await sleep(300);
  return cli;
}

type ListedRun = Awaited<ReturnType<LoggedUser['runs']>>['runs'][number];

async function untilLogged(condition: (run: ListedRun) => boolean): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [run] = (await user.runs()).runs;
    if (run !== undefined && condition(run)) return;
  }
  throw new Error('it was not logged');
}
