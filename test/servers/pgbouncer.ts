import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { freePort } from '../../src/embedded-postgres/free-port.js';
import type { PostgresServer } from './postgres.js';
import { saySkipped } from '../harness/skipped.js';

/** Debian's. Skipped tests say so. */
const PROGRAM = '/usr/sbin/pgbouncer';
export const hasPgBouncer = existsSync(PROGRAM);
if (!hasPgBouncer) saySkipped('poolers', 'PgBouncer');

export interface PgBouncerOptions {
  readonly mode: 'session' | 'transaction' | 'statement';
  /** Server connections. */
  readonly poolSize?: number;
  /** Further lines of `[pgbouncer]`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Users with the server's password, besides its own. */
  readonly users?: readonly string[];
}

export interface PgBouncer extends AsyncDisposable {
  /** The server as it is reached through the pooler. */
  readonly server: PostgresServer;
  log(): string;
}

/** "nobody", as whom it runs where the tests run as root: it refuses to be root. */
const UNPRIVILEGED = 65534;

/** A real PgBouncer before a server. */
export async function startPgBouncer(server: PostgresServer, options: PgBouncerOptions): Promise<PgBouncer> {
  const { mode, poolSize = 5, settings = {}, users = [] } = options;
  const home = mkdtempSync(path.join(tmpdir(), 'lakeport-pgbouncer-'));
  const port = await freePort();
  const lines = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'plain',
    auth_file: path.join(home, 'users'),
    pool_mode: mode,
    default_pool_size: poolSize,
    max_client_conn: 100,
    ...settings,
  };
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}`);
  await writeFile(
    path.join(home, 'ini'),
    ['[databases]', `* = host=${server.host} port=${server.port}`, '[pgbouncer]', ...text, ''].join('\n'),
  );
  const known = [server.user, ...users].map((user) => `"${user}" "${server.password}"`);
  await writeFile(path.join(home, 'users'), [...known, ''].join('\n'));
  const asRoot = process.getuid?.() === 0;
  if (asRoot) for (const file of ['', 'ini', 'users']) chownSync(path.join(home, file), UNPRIVILEGED, UNPRIVILEGED);
  chmodSync(home, 0o755);
  const user = asRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  const child = spawn(PROGRAM, [path.join(home, 'ini')], { ...user, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (said: string) => (log += said));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(home, { recursive: true, force: true });
  };
  // It dies with the tests, however they end.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  for (let attempt = 0; !(await answers(port)); attempt++) {
    if (attempt > 200 || child.exitCode !== null) {
      await stop();
      throw new Error(`PgBouncer does not start: ${log}`);
    }
    await setTimeout(50);
  }
  return {
    server: {
      ...server,
      host: '127.0.0.1',
      port,
      connect: (overrides) => server.connect({ host: '127.0.0.1', port, ...overrides }),
    },
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      process.off('exit', kill);
      await stop();
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
