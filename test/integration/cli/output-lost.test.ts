import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, runCli, stateDirectory, writeAuthFile } from '../../harness/cli.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { mountTmpfs, ScratchDirectory } from '../../harness/scratch.js';
import { saySkipped } from '../../harness/skipped.js';

/** What scripts read: events and documents of every kind of end, output that gets lost, times while the clock is set. */

const BIN = fileURLToPath(new URL('../../../bin/lakeport.js', import.meta.url));

let server: PostgresServer;
let scratch: ScratchDirectory;
let auth: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE orders (id bigint PRIMARY KEY, note text);
    INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 3000) i;
    CREATE TABLE bad (price numeric(5,2));
    INSERT INTO bad VALUES ('NaN');
    CREATE VIEW slow AS SELECT 1 AS id FROM pg_catalog.pg_sleep(2);`);
});

afterAll(() => server.stop());

beforeEach(async () => {
  scratch = new ScratchDirectory();
  auth = await writeAuthFile(scratch.path, {
    pg: postgresEntry(server),
    nobody: {
      ds_type: 'postgres',
      info: { server: '127.0.0.1', port: 1, username: 'u', password: 'p', connect_timeout: '300ms' },
    },
  });
});

afterEach(() => scratch.remove());

const exporting = (...more: string[]) => ['-a', auth, '--source_db_auth_id', 'pg', '--output_dir', 'out', ...more];

/** Something that Node.js warns of, and a library that prints, in every thread. */
const NOISE = `--import=data:text/javascript,${encodeURIComponent(
  `import { isMainThread } from 'node:worker_threads';
  const timer = setInterval(() => {
    // When the program has begun.
    if (isMainThread && process.listenerCount('SIGTERM') === 0) return;
    clearInterval(timer);
    process.emitWarning('beware');
    console.warn('printed');
  }, 10).unref();`,
)}`;

function lakeport(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runCli(argv, { cwd: scratch.path, env });
}

function events(text: string): Record<string, unknown>[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a log in JSON', () => {
  it('has the run, the kind of event, the table and counts in fields, whatever libraries print', async () => {
    const more = ['-i', 'orders,bad', '--log_format', 'json', '--log_level', 'DEBUG', '--log_dir', 'logs'];
    const ended = await lakeport(exporting(...more), { NODE_OPTIONS: NOISE });
    expect(ended.code).toBe(5);
    const all = events(ended.stderr);
    const told = all.slice(all.findIndex(({ event }) => event === 'started'));
    const runId = told[0]?.['run_id'];
    expect(runId).toMatch(/^[0-9a-f-]{36}$/);
    for (const event of told) expect(event).toMatchObject({ run_id: runId, event: expect.any(String) as string });
    const named = (name: string) => told.filter(({ event }) => event === name);
    expect(named('planned')).toMatchObject([{ tables: 2, problems: 0 }]);
    expect(named('table_completed')).toMatchObject([
      { table: 'public.orders', rows: 3000, files: 1, bytes: expect.any(Number) as number },
    ]);
    expect(named('table_failed')).toMatchObject([{ table: 'public.bad', column: 'price', level: 'ERROR' }]);
    expect(named('ended')).toMatchObject([{ tables: 2, completed: 1, failed: 1, rows: 3000, exit_code: 5 }]);
    // Some of it comes before the run has a log of its own, some from the readers' threads.
    expect(all).toContainEqual(
      expect.objectContaining({ event: 'process_warning', message: 'beware', level: 'WARNING' }),
    );
    expect(all).toContainEqual(expect.objectContaining({ event: 'library_message', message: 'printed' }));
    const [file = ''] = readdirSync(path.join(scratch.path, 'logs'));
    expect(events(readFileSync(path.join(scratch.path, 'logs', file), 'utf8'))).toHaveLength(told.length);
  });

  it.each([
    ['a flag that is none', () => ['--nonsense', '--log_format=json'], 'UNKNOWN_FLAG', 2],
    ['a value that is none', () => exporting('--grace', 'soon', '--log-format', 'json'), 'BAD_VALUE', 2],
    ['an auth file that is none', () => ['check', '-a', '/not/here', '--log_format', 'JSON'], 'AUTH_FILE_NOT_FOUND', 2],
    [
      'a server that does not answer',
      () => ['-a', auth, '--source_db_auth_id', 'nobody', '--output_dir', 'o', '--log_format', 'json'],
      undefined,
      4,
    ],
  ])('tells of %s in JSON too', async (_, argv, code, exit) => {
    const ended = await lakeport(argv());
    expect(ended.code).toBe(exit);
    const last = events(ended.stderr).at(-1);
    expect(last).toMatchObject({ level: 'CRITICAL', event: 'failed', exit_code: exit, ...(code && { code }) });
  });
});

describe('with --json', () => {
  it.each([
    ['plan', ['plan', '--nonsense'], 2],
    ['runs', ['runs', '--limit', '0'], 2],
    ['status', ['status', 'abcd', 'abce'], 2],
    ['check', ['check', '-a', '/not/here'], 2],
    ['init_db', ['--init_db', '--log_db_auth_id', 'x'], 2],
    ['demo', ['demo'], 2],
    ['export', ['-x'], 2],
  ])('a failing %s prints one document that names it', async (command, argv, exit) => {
    const ended = await lakeport([...argv, '--json']);
    expect(ended.code).toBe(exit);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      command,
      exit_code: exit,
      error: { code: expect.any(String) as string },
    });
  });
});

describe('a result that can not be written', () => {
  /** The program with stdout in a file that takes nothing, or little. */
  async function into(file: string, argv: readonly string[]): Promise<{ code: unknown; stderr: string }> {
    const stdout = openSync(file, 'w');
    const child = spawn(process.execPath, [BIN, ...argv], {
      cwd: scratch.path,
      env: { PATH: process.env['PATH'], XDG_STATE_HOME: stateDirectory() },
      stdio: ['ignore', stdout, 'pipe'],
    });
    closeSync(stdout);
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, stderr };
  }

  it.skipIf(process.platform !== 'linux').each([
    ['help', () => ['--help']],
    ['version', () => ['--version']],
    ['list of runs', () => ['runs', '--json']],
    ['plan', () => ['plan', ...exporting('-i', 'orders', '--quiet')]],
    ['export', () => exporting('-i', 'orders', '--no_banner', '--log_level', 'ERROR')],
  ])('is told, and no success: the %s', async (_, argv) => {
    const ended = await into('/dev/full', argv());
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^lakeport: The result can't be written to stdout: no space is left \(ENOSPC\)\n/);
  });

  const small = mountTmpfs('256k');
  afterAll(() => small?.unmount());
  if (small === undefined) saySkipped('disks that are full', 'the right to mount');

  it.skipIf(small === undefined)('as a whole is no success either, nor is a log file on a full disk', async () => {
    const full = small?.path ?? '';
    const logs = path.join(full, 'logs');
    const more = ['-i', 'orders', '--log_level', 'DEBUG', '--json'];
    const { code } = await into(path.join(full, 'result'), ['--help']);
    expect(code).toBe(0);
    // The disk is filled by one log until it takes no more.
    const warning = "setInterval(() => process.emitWarning('x'.repeat(400000)), 50).unref()";
    const chatty = `--import=data:text/javascript,${encodeURIComponent(warning)}`;
    const ended = await lakeport(exporting(...more, '--log_dir', logs), { NODE_OPTIONS: chatty });
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ exit_code: 1, totals: { completed: 1 } });
    expect(ended.stderr).toMatch(/The log file \S+\.log can't be written any more: no space is left \(ENOSPC\)/);
    expect((await into(path.join(full, 'another'), ['--help'])).code).toBe(1);
  });
});

describe('durations', () => {
  it.each([-7_200_000, 7_200_000])('do not follow a clock that is set by %i ms in mid-run', async (jump) => {
    const clock = `
      const { now } = Date;
      const set = now() + 1500;
      const wall = () => now() + (now() > set ? ${jump} : 0);
      globalThis.Date = class extends Date {
        constructor(...given) { if (given.length === 0) super(wall()); else super(...given); }
        static now() { return wall(); }
      };`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clock)}` };
    const ended = await lakeport(exporting('--include_views', '-i', 'slow,orders', '--json'), env);
    expect(ended.code).toBe(0);
    const { seconds, tables } = JSON.parse(ended.stdout) as { seconds: number; tables: { seconds: number }[] };
    for (const took of [seconds, ...tables.map((table) => table.seconds)]) {
      expect(took).toBeGreaterThanOrEqual(0);
      expect(took).toBeLessThan(600);
    }
    expect(seconds).toBeGreaterThan(1.5);
    if (jump > 0) return;
    const { runs } = JSON.parse((await lakeport(['runs', '--json', '--limit', '1'])).stdout) as {
      runs: { seconds: number }[];
    };
    expect(runs[0]?.seconds).toBeGreaterThan(1.5);
  });
});

describe('the way to finish a run', () => {
  it('names the auth file of the run itself', async () => {
    const running = await lakeport(exporting('-i', 'bad', '--json'));
    const { run_id: runId } = JSON.parse(running.stdout) as { run_id: string };
    const { stdout } = await lakeport(['status', runId]);
    expect(stdout).toContain(`lakeport --resume ${runId} -a ${auth}\n`);
  });
});
