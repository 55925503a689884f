import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ENVIRONMENT } from '../environment.js';
import { LakeportError } from '../errors.js';
import { freePort } from './free-port.js';
import { preparePostgresBinaries } from './binaries.js';
import { guardHome, type Guard } from './guard.js';

const run = promisify(execFile);

/** `nobody`, which every /etc/passwd has: PostgreSQL requires a named user other than root. */
const UNPRIVILEGED = 65534;

const USER = 'postgres';

/** Log bytes kept for the error message if the server does not start. */
const LOG_BYTES = 16 * 1024;
const PORT_ATTEMPTS = 5;
const STOP_TIMEOUT_MS = 15_000;

export interface ClusterOptions {
  /** Server settings, e.g. `{ shared_buffers: '1GB' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Keeps the data here after the stop, and reuses existing data. Default: temporary. */
  readonly dataDirectory?: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Password of the superuser `postgres`; required for a kept data directory. Default: a random one. */
  readonly password?: string;
  /** Aborts the start; a running server is not affected. */
  readonly signal?: AbortSignal | undefined;
}

/** A running PostgreSQL that listens on the loopback address only. */
export interface Cluster {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly url: string;
  readonly pid: number;
  /** Removed with the server, however it ends; others may put temporary files there. */
  readonly directory: string;
  /** Stops the server and removes temporary files. Safe to call more than once. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL as a child process; if this process is root, under the user `nobody`. The server never outlives
 * this process, however it ends.
 * @throws LakeportError, or the signal's reason
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const home = mkdtempSync(path.join(tmpdir(), 'lakeport-pg-'));
  const guard = guardHome(home);
  try {
    chmodSync(home, 0o755);
    const { signal } = options;
    const data = options.dataDirectory ?? path.join(home, 'data');
    const bin = await preparePostgresBinaries(home, { copy: asRoot(), signal });
    const place: Place = { home, guard, data, bin };
    const password = options.password ?? randomBytes(12).toString('hex');
    if (!existsSync(path.join(data, 'PG_VERSION'))) await initialise(place, password, signal);
    const { child, port } = await startOnFreePort(place, options);
    const access = { host: '127.0.0.1', port, user: USER, password, database: 'postgres' };
    const url = `postgres://${USER}:${password}@${access.host}:${port}/${access.database}`;
    return { ...access, url, pid: child.pid ?? 0, directory: home, stop: stopper(child, place) };
  } catch (error) {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    guard.release();
    throw error;
  }
}

/** Locations of a server's programs and files. */
interface Place {
  /** Always temporary. */
  readonly home: string;
  readonly data: string;
  readonly bin: string;
  readonly guard: Guard;
}

function asRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Process options for the server's programs: user, working directory, and a clean environment. */
function serverProcess({ home, data }: Place) {
  const user = asRoot() ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  return { ...user, cwd: data, env: { PATH: ENVIRONMENT['PATH'], LC_ALL: 'C', TZ: 'UTC', HOME: home } };
}

async function initialise(place: Place, password: string, signal: AbortSignal | undefined): Promise<void> {
  const { home, data, bin } = place;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const passwordFile = path.join(home, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (asRoot()) for (const file of [data, passwordFile]) chownSync(file, UNPRIVILEGED, UNPRIVILEGED);
  const flags = ['-D', data, '-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  signal?.throwIfAborted();
  const initdb = run(
    path.join(bin, 'initdb'),
    [...flags, '--encoding=UTF8', '--locale=C', '--no-sync'],
    serverProcess(place),
  );
  // Its files can be removed only after it has exited.
  const end = () => initdb.child.kill();
  signal?.addEventListener('abort', end);
  try {
    await initdb;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
  rmSync(passwordFile);
}

function launch(place: Place, settings: Readonly<Record<string, string | number>>): ChildProcess {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(path.join(place.bin, 'postgres'), ['-D', place.data, ...flags], {
    ...serverProcess(place),
    stdio: ['ignore', 'ignore', 'pipe'],
    // Its own process group: Ctrl-C in the terminal reaches only this program, which stops the server cleanly.
    detached: process.platform !== 'win32',
  });
  place.guard.watch(child.pid);
  child.once('exit', () => place.guard.watch(undefined));
  return child;
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

async function startOnFreePort(place: Place, options: ClusterOptions): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port, fsync: 'off' };
    options.signal?.throwIfAborted();
    const child = launch(place, { ...fixed, ...options.settings });
    const failure = await ready(child, options.signal);
    options.signal?.throwIfAborted();
    if (failure === undefined) return { child, port };
    const taken = failure.includes('could not bind');
    if (taken && options.port === undefined && attempt < PORT_ATTEMPTS) continue;
    throw new LakeportError({
      code: 'DEMO_POSTGRES_FAILED',
      message: `PostgreSQL did not start: ${failure.trim().split('\n').slice(-3).join(' | ')}`,
    });
  }
}

/** Resolves to undefined once the server accepts connections, or to its log if it exits. The signal kills it. */
function ready(child: ChildProcess, signal: AbortSignal | undefined): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let log = '';
    const end = () => void child.kill('SIGQUIT');
    signal?.addEventListener('abort', end);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-LOG_BYTES);
      if (!log.includes('ready to accept connections')) return;
      // After an abort, wait for the exit instead.
      if (signal?.aborted !== true) resolve(undefined);
      signal?.removeEventListener('abort', end);
    });
    child.once('error', reject);
    child.once('exit', () => {
      signal?.removeEventListener('abort', end);
      resolve(log);
    });
  });
}

/** Stops the server and removes temporary files; repeated calls have no further effect. */
function stopper(child: ChildProcess, { home, guard }: Place): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        // "Fast": open transactions are rolled back and the sessions ended.
        child.kill('SIGINT');
        setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS).unref();
      });
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    guard.release();
  };
  return () => (stopped ??= end());
}
