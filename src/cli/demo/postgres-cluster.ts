import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { LakeportError } from '../../errors.js';
import { preparePostgresBinaries } from './postgres-binaries.js';

const run = promisify(execFile);

/** `nobody`: stands in every /etc/passwd. PostgreSQL insists on a user that is not root and has a name. */
const UNPRIVILEGED = 65534;

/** Log kept for the error message of a server that doesn't start. */
const LOG_BYTES = 16 * 1024;
const PORT_ATTEMPTS = 5;
const STOP_TIMEOUT_MS = 15_000;

export interface ClusterOptions {
  /** Server settings, e.g. `{ shared_buffers: '1GB' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Keeps the data there after the stop, and uses what is there already. Without it they are temporary. */
  readonly dataDirectory?: string;
  /** Default: a port that is free. */
  readonly port?: number;
  /** Password of the superuser `postgres`; must be given for a data directory that is kept. Default: a random one. */
  readonly password?: string;
  /** Directory of `initdb` and `postgres` of another installation. */
  readonly binDirectory?: string;
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
  /** Goes away with the server, however that ends; others may put their own temporary files there. */
  readonly directory: string;
  /** Ends it and removes what is temporary. Safe to call more than once. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL as a child process; as root it runs under the user `nobody`. It never outlives this
 * process, however that ends.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const home = mkdtempSync(path.join(tmpdir(), 'lakeport-pg-'));
  try {
    chmodSync(home, 0o755);
    const asRoot = process.getuid?.() === 0;
    const owner = asRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
    const bin = options.binDirectory ?? preparePostgresBinaries(home, { copy: asRoot });
    const data = options.dataDirectory ?? path.join(home, 'data');
    const password = options.password ?? randomBytes(12).toString('hex');
    const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', HOME: home };

    if (!existsSync(path.join(data, 'PG_VERSION'))) {
      mkdirSync(data, { recursive: true, mode: 0o700 });
      if (asRoot) chownSync(data, UNPRIVILEGED, UNPRIVILEGED);
      const passwordFile = path.join(home, 'password');
      writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
      if (asRoot) chownSync(passwordFile, UNPRIVILEGED, UNPRIVILEGED);
      const flags = ['-D', data, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
      await run(path.join(bin, 'initdb'), [...flags, '--encoding=UTF8', '--locale=C', '--no-sync'], {
        ...owner,
        cwd: data,
        env: environment,
      });
      rmSync(passwordFile);
    }

    const start = (port: number) => {
      const settings = {
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        port,
        fsync: 'off',
        ...options.settings,
      };
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      return spawn(path.join(bin, 'postgres'), ['-D', data, ...flags], {
        ...owner,
        cwd: data,
        env: environment,
        stdio: ['ignore', 'ignore', 'pipe'],
        // Its own process group: a Ctrl-C in the terminal reaches this program first, which ends the server in order.
        detached: process.platform !== 'win32',
      });
    };
    const { child, port } = await startOnFreePort(start, options.port);
    const stop = stopper(child, home);
    const user = 'postgres';
    const host = '127.0.0.1';
    const url = `postgres://${user}:${password}@${host}:${port}/postgres`;
    return { host, port, user, password, database: 'postgres', url, pid: child.pid ?? 0, directory: home, stop };
  } catch (error) {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

async function startOnFreePort(start: (port: number) => ChildProcess, fixed: number | undefined): Promise<Started> {
  for (let attempt = 1; ; attempt++) {
    const port = fixed ?? (await freePort());
    const child = start(port);
    const failure = await ready(child);
    if (failure === undefined) return { child, port };
    const taken = failure.includes('could not bind');
    if (taken && fixed === undefined && attempt < PORT_ATTEMPTS) continue;
    throw new LakeportError({
      code: 'DEMO_POSTGRES_FAILED',
      exit: 'unexpected',
      message: `PostgreSQL did not start: ${failure.trim().split('\n').slice(-3).join(' | ')}`,
    });
  }
}

/** Settles when the server accepts connections, with undefined, or when it has ended, with its log. */
function ready(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-LOG_BYTES);
      if (text.includes('ready to accept connections')) resolve(undefined);
    });
    child.once('error', reject);
    child.once('exit', () => resolve(log));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address === null || typeof address === 'string' ? 0 : address.port;
      server.close(() => resolve(port));
    });
  });
}

/** Ends server and guard in order, or, where this process exits without that, leaves it to the guard. */
function stopper(child: ChildProcess, home: string): () => Promise<void> {
  const guard = guardServer(child, home);
  let stopped: Promise<void> | undefined;
  const end = async () => {
    guard.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise<void>((resolve) => {
        child.once('exit', () => resolve());
        // "Fast": open transactions are rolled back and the sessions ended.
        child.kill('SIGINT');
        setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS).unref();
      });
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return () => (stopped ??= end());
}

/** A shell that waits for the end of this process, however it ends, and then removes the server and its files. */
function guardServer(server: ChildProcess, home: string): ChildProcess {
  const script =
    'cat >/dev/null; kill -QUIT "$0"; for i in 1 2 3 4 5 6 7 8 9; do kill -0 "$0" || break; sleep 0.2; done; rm -rf "$1"';
  const guard = spawn('/bin/sh', ['-c', script, String(server.pid), home], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  return guard;
}
