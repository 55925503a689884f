import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built program as a user runs it: a process of its own. */

/** `LAKEPORT_TEST_BIN` names another build, such as an installed package. */
export const BIN = process.env['LAKEPORT_TEST_BIN'] ?? fileURLToPath(new URL('../../bin/lakeport.js', import.meta.url));
const MEMORY_POLL_MS = 50;

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another build than the one under test. */
  readonly bin?: string;
  /** Another Node.js than that of the tests. */
  readonly node?: string;
  /** A program and its arguments that start it, such as `ip netns exec`. */
  readonly within?: readonly string[];
  /** Killed after this time. Default: 110 s, just below a test's own timeout. */
  readonly timeoutMs?: number;
}

export interface CliResult {
  readonly code: number | null;
  /** The signal that ended the process, if any. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** Peak resident memory of the process; 0 if unknown. */
  readonly peakBytes: number;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
  /** What stdout and stderr hold so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

/** Runs the program to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}

export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { within = [], node = process.execPath, bin = BIN } = options;
  return startProgram([...within, node, bin, ...args], options);
}

/** Starts any program, in the environment that tests of the command line have. */
export function startProgram(
  [program = '', ...args]: readonly string[],
  options: Pick<CliOptions, 'cwd' | 'env' | 'timeoutMs'>,
): RunningCli {
  const started = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd ?? tmpdir(),
    env: cliEnvironment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const peak = watchPeakMemory(child);
  const timeout = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 110_000);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timeout);
      const seconds = (performance.now() - started) / 1000;
      resolve({ code, signal, stdout, stderr, seconds, peakBytes: peak() });
    });
  });
  return { child, result, stdout: () => stdout, stderr: () => stderr, kill: (signal) => child.kill(signal) };
}

/** A directory removed by `await using` or `remove`. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  remove(): Promise<void>;
}

export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const directory = await mkdtemp(path.join(tmpdir(), 'lakeport-test-'));
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 5 });
  return { path: directory, remove, [Symbol.asyncDispose]: remove };
}

/** Writes an auth file readable only by this user; returns its path. */
export async function writeAuthFile(
  directory: string,
  entries: Readonly<Record<string, unknown>>,
  name = 'auth.json',
): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, JSON.stringify(entries, undefined, 2), { mode: 0o600 });
  return file;
}

/** The auth file's entry of a test server. */
export function postgresEntry(
  server: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  },
  overrides: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const { host, port, user, password, database } = server;
  const info = { server: host, port, database, username: user, password, ...overrides };
  return { ds_type: 'postgres', auth_mode: 'classic', info };
}

let ownStateDirectory: string | undefined;

/** Where the run log of this test file's processes is: nothing that tests do gets into that of the user. */
export function stateDirectory(): string {
  ownStateDirectory ??= mkdtempSync(path.join(tmpdir(), 'lakeport-state-'));
  return ownStateDirectory;
}

export function removeStateDirectory(): void {
  if (ownStateDirectory !== undefined) rmSync(ownStateDirectory, { recursive: true, force: true });
  ownStateDirectory = undefined;
}

// Of benchmarks. The test runner kills its processes: there it goes after each file.
process.once('exit', removeStateDirectory);

/** The program's environment. */
export function cliEnvironment(overrides?: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  // Settings of the terminal and the test runner must not affect the tests.
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, XDG_STATE_HOME: stateDirectory(), ...(TMPDIR === undefined ? {} : { TMPDIR }), ...overrides };
}

/** Linux keeps the peak itself ("high water mark"), so that only what grows after the last look is missed. */
function watchPeakMemory(child: ChildProcess): () => number {
  let peak = 0;
  const timer = setInterval(() => {
    readFile(`/proc/${child.pid ?? 0}/status`, 'utf8').then(
      (status) => {
        const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
        if (kibibytes !== undefined) peak = Math.max(peak, Number(kibibytes) * 1024);
      },
      () => undefined,
    );
  }, MEMORY_POLL_MS);
  child.once('close', () => clearInterval(timer));
  return () => peak;
}
