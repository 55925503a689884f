import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, runCli, type RunningCli, startCli, stateDirectory, writeAuthFile } from '../../harness/cli.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { startS3Server, type S3Server } from '../../servers/s3-server/index.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';
import { saySkipped } from '../../harness/skipped.js';

/** How the program ends after a signal, whatever it waits for. Without a grace, some of these would never end. */

const BIN = fileURLToPath(new URL('../../../bin/lakeport.js', import.meta.url));

let server: PostgresServer;
let s3: S3Server;
let scratch: ScratchDirectory;
let source: TcpGate;
let store: TcpGate;
let log: TcpGate;
let auth: string;

beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), startS3Server({ bucket: 'lake' })]);
  await server.query(`
    CREATE TABLE orders (id bigint PRIMARY KEY, note text);
    INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 1000) i;
    CREATE VIEW endless AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 300000000) i;`);
});

afterAll(async () => {
  await Promise.all([server.stop(), s3.stop()]);
});

beforeEach(async () => {
  scratch = new ScratchDirectory();
  const endpoint = new URL(s3.endpoint);
  source = await startTcpGate(server);
  log = await startTcpGate(server);
  store = await startTcpGate({ host: endpoint.hostname, port: Number(endpoint.port) });
  auth = await writeAuthFile(scratch.path, {
    pg: postgresEntry({ ...server, host: source.host, port: source.port }),
    log: postgresEntry({ ...server, host: log.host, port: log.port }),
    s3: {
      storage_type: 's3',
      info: {
        bucket: 'lake',
        endpoint_url: `http://${store.host}:${store.port}`,
        allow_http: true,
        region: s3.region,
        access_key_id: s3.accessKeyId,
        secret_access_key: s3.secretAccessKey,
      },
    },
  });
});

afterEach(async () => {
  await Promise.all([source, store, log].map((gate) => gate.stop()));
  scratch.remove();
});

const exporting = (...more: string[]) => [
  ...['-a', auth, '--source_db_auth_id', 'pg', '--include_views', '-i', 'endless,orders', '--grace', '4s'],
  ...more,
];
const start = (...argv: string[]) => startCli(argv, { cwd: scratch.path });

async function until(running: RunningCli, seen: RegExp): Promise<void> {
  for (let waited = 0; waited < 60_000 && !seen.test(running.stderr()); waited += 50) await sleep(50);
  expect(running.stderr()).toMatch(seen);
}

async function stateOf(runId: string): Promise<unknown> {
  const { stdout } = await runCli(['status', runId, '--json'], { cwd: scratch.path });
  return (JSON.parse(stdout) as { run: { state: string } }).run.state;
}

describe('after SIGTERM a run ends by itself within its grace', () => {
  it('whose source has gone silent, and says what is published and cancelled', async () => {
    const runId = randomUUID();
    const running = start(...exporting('--output_dir', 'out', '--json', '--run_id', runId));
    await until(running, /orders completed/);
    source.stall();
    running.kill('SIGTERM');
    const ended = await running.result;
    expect(ended).toMatchObject({ code: 143, signal: null });
    expect(JSON.parse(ended.stdout)).toMatchObject({
      command: 'export',
      run_id: runId,
      exit_code: 143,
      totals: { completed: 1, cancelled: 1 },
    });
    expect(await stateOf(runId)).toBe('cancelled');
    expect((await scratch.files()).filter((name) => name.includes('endless'))).toEqual([]);
  });

  it('whose store has gone silent, and leaves what can not be withdrawn to a resume', async () => {
    const runId = randomUUID();
    const running = start(...exporting('--target_storage_id', 's3', '--json', '--run_id', runId));
    await until(running, /orders completed/);
    store.stall();
    running.kill('SIGTERM');
    const ended = await running.result;
    expect(ended).toMatchObject({ code: 143, signal: null });
    expect(JSON.parse(ended.stdout)).toMatchObject({ run_id: runId, exit_code: 143 });
    expect(ended.stderr).not.toMatch(/unsettled|UnhandledPromise/);
    expect(await stateOf(runId)).toBe('cancelled');
  });

  it('whose log database has gone silent, and keeps what that lacks for the next run', async () => {
    const running = start(...exporting('--output_dir', 'out', '--log_db_auth_id', 'log'));
    await until(running, /orders completed/);
    log.stall();
    running.kill('SIGTERM');
    const ended = await running.result;
    expect(ended).toMatchObject({ code: 143, signal: null });
    expect(ended.stderr).toMatch(/This run is saved in/);
  });

  it.each([
    ['a plan', () => ['plan', ...exporting('--output_dir', 'out')]],
    ['a check', () => ['check', '-a', auth, 'pg', '--grace', '4s']],
    ['a list of runs', () => ['runs', '-a', auth, '--log_db_auth_id', 'log', '--grace', '4s']],
    ['the making of a log', () => ['--init_db', '-a', auth, '--log_db_auth_id', 'log', '--grace', '4s']],
  ])('as does %s to which nobody answers', async (_, argv) => {
    source.stall();
    log.stall();
    const running = start(...argv(), '--json', '--log_level', 'DEBUG');
    await sleep(3000);
    running.kill('SIGTERM');
    const ended = await running.result;
    expect(ended).toMatchObject({ code: 143, signal: null });
    expect(JSON.parse(ended.stdout)).toMatchObject({ exit_code: 143, error: { code: 'SIGTERM' } });
  });
});

describe('SIGHUP', () => {
  it('ends a run as SIGTERM does, with a code of its own', async () => {
    const running = start(...exporting('--output_dir', 'out'));
    await until(running, /orders completed/);
    running.kill('SIGHUP');
    expect(await running.result).toMatchObject({ code: 129, signal: null });
    expect(await scratch.files()).toContain('out/public/orders/_SUCCESS');
  });

  it.skipIf(process.platform !== 'linux').each([
    ['nohup', 'nohup node "$@" & wait $!'],
    ['a shell that ignores it', 'trap "" HUP; node "$@"; exit $?'],
  ])('does nothing to a run below %s', async (_, script) => {
    // The statement ends by itself, some time after the signal.
    await server.query('CREATE OR REPLACE VIEW slow AS SELECT 1 AS id FROM pg_catalog.pg_sleep(4)');
    const argv = ['-a', auth, '--source_db_auth_id', 'pg', '--include_views', '-i', 'slow', '--output_dir', 'out'];
    const shell = spawn('bash', ['-c', script, 'bash', BIN, ...argv, '--log_level', 'DEBUG'], {
      cwd: scratch.path,
      env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, XDG_STATE_HOME: stateDirectory() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    let signalled = false;
    shell.stdout.resume();
    shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (signalled || !stderr.includes('slow started')) return;
      signalled = true;
      for (const pid of childrenOf(shell.pid)) process.kill(pid, 'SIGHUP');
    });
    const code = await new Promise((resolve) => shell.once('close', resolve));
    expect({ code, signalled }).toEqual({ code: 0, signalled: true });
    expect(await scratch.files()).toContain('out/public/slow/_SUCCESS');
  });
});

/** Undefined pids have none. */
function childrenOf(pid: number | undefined): number[] {
  const file = `/proc/${pid ?? 0}/task/${pid ?? 0}/children`;
  return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
}

const canUnshare = (() => {
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    saySkipped('signals to process 1', 'the right to make a PID namespace');
    return false;
  }
})();

describe.skipIf(!canUnshare)('as process 1 of a container', () => {
  it.each([
    ['the first signal ends a run', 1, 143],
    ['the second ends it at once', 2, 130],
  ])('%s', async (_, signals, expected) => {
    // A grace in which nothing ends by itself.
    const grace = signals === 1 ? '4s' : '10m';
    const argv = exporting('--output_dir', 'out', '--grace', grace);
    const outer = spawn('unshare', ['--pid', '--fork', '--mount-proc', process.execPath, BIN, ...argv], {
      cwd: scratch.path,
      env: { PATH: process.env['PATH'], XDG_STATE_HOME: stateDirectory() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    let step = 0;
    outer.stdout.resume();
    outer.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const [pid = 0] = childrenOf(outer.pid);
      if (step === 0 && stderr.includes('orders completed')) {
        step = 1;
        source.stall();
        process.kill(pid, 'SIGTERM');
      } else if (step === 1 && signals === 2 && stderr.includes('A second signal ends the program at once')) {
        step = 2;
        process.kill(pid, 'SIGINT');
      }
    });
    const code = await new Promise((resolve) => outer.once('close', resolve));
    expect({ code, step }).toEqual({ code: expected, step: signals });
  });
});

const hasScript = existsSync('/usr/bin/script');
if (!hasScript) saySkipped('terminals', '/usr/bin/script of util-linux');

describe.skipIf(!hasScript)('a run on a terminal', () => {
  const onTerminal = (setUp: string, argv: readonly string[]) => {
    const words = [process.execPath, BIN, ...argv].map((word) => `'${word}'`).join(' ');
    const command = `${setUp}; ${words}; echo $? > code`;
    return spawn('script', ['-qec', command, '/dev/null'], {
      cwd: scratch.path,
      env: { PATH: process.env['PATH'], TERM: 'xterm', XDG_STATE_HOME: stateDirectory() },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  };
  const codeFile = () => path.join(scratch.path, 'code');
  const code = async () => {
    for (let waited = 0; waited < 60_000 && !existsSync(codeFile()); waited += 50) await sleep(50);
    await sleep(50);
    return readFileSync(codeFile(), 'utf8').trim();
  };

  it.each(['stty cols 0 rows 0', 'stty cols 1 rows 1', 'stty cols 7'])('after %s comes to its end', async (size) => {
    const argv = ['-a', auth, '--source_db_auth_id', 'pg', '-i', 'orders', '--output_dir', 'out'];
    for (const words of [['--help'], ['check', '-a', auth, 'pg'], argv]) {
      const terminal = onTerminal(size, words);
      let bytes = 0;
      terminal.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
      await new Promise((resolve) => terminal.once('close', resolve));
      expect(await code()).toBe('0');
      expect(bytes).toBeLessThan(200_000);
    }
  });
});

/** Runs a program on a terminal of its own, which goes away when a file is there; prints how the program has ended. */
const LOSE_TERMINAL = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
while not os.path.exists(sys.argv[1]):
    os.read(terminal, 65536)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

const python = process.env['LAKEPORT_TEST_PYTHON'] ?? 'python3';
const hasPython = spawnSync(python, ['-c', 'import pty']).status === 0;
if (!hasPython) saySkipped('a terminal that is lost', 'python3');

describe.skipIf(!hasPython)('a run whose terminal is lost', () => {
  it('ends as after any SIGHUP', async () => {
    const published = path.join(scratch.path, 'out/public/orders/_SUCCESS');
    const argv = [published, process.execPath, BIN, ...exporting('--output_dir', 'out')];
    const outer = spawn(python, ['-c', LOSE_TERMINAL, ...argv], {
      cwd: scratch.path,
      env: { PATH: process.env['PATH'], TERM: 'xterm', XDG_STATE_HOME: stateDirectory() },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let ended = '';
    outer.stdout.setEncoding('utf8').on('data', (text: string) => (ended += text));
    await new Promise((resolve) => outer.once('close', resolve));
    expect(ended.trim()).toBe('129');
  });
});
