import { execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../src/embedded-postgres/free-port.js';
import { preparePostgresBinaries } from '../../src/embedded-postgres/binaries.js';
import { guardHome, type Guard } from '../../src/embedded-postgres/guard.js';

/**
 * Real PostgreSQL servers for tests, from the binaries of `embedded-postgres` or of Debian's package.
 * Works as root (the server then runs as an unprivileged user) and as a user, without install scripts, side by side with
 * other servers. A server never outlives the process that started it, however that process ends.
 */

/** 17 and 18 come from npm; 15 is Debian's package and may be missing. */
export type PostgresVersion = 15 | 17 | 18;

export interface PostgresOptions {
  /** Server settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly encoding?: 'UTF8' | 'SQL_ASCII';
  /** By default the number in `LAKEPORT_TEST_PG_VERSION`, or else 17. */
  readonly version?: PostgresVersion;
  /** Lines of pg_hba.conf that stand before the default, which asks for a password. */
  readonly hba?: readonly string[];
  /** PEM texts. With them the server offers TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Makes it a hot standby of this server, which must be of the same version. */
  readonly standbyOf?: PostgresServer;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly url: string;
  /** Of the postmaster; changes with `restart`. */
  readonly pid: number;
  /** Directory of the server's unix socket. */
  readonly socketDirectory: string;
  /** Runs one or more statements on a connection of its own; the rows of the last one. */
  query(sql: string, parameters?: readonly unknown[], database?: string): Promise<Record<string, unknown>[]>;
  /** A connected client. Losing its connection is not an error of the test. */
  connect(overrides?: pg.ClientConfig): Promise<pg.Client>;
  /** What the server has written to its log since its start. */
  log(): string;
  /**
   * Stops the server and starts it on the same port, as a hot standby if asked to.
   * @param options.isCrash cuts all connections at once, as `pg_ctl stop -m immediate` does
   * @param options.while runs while the server is away
   * @param options.epoch makes it the upper 32 bits of the next transaction's id; only where the server comes with `pg_resetwal`
   */
  restart(options?: RestartOptions): Promise<void>;
  /** Fast shutdown; removes everything. May be called twice. */
  stop(): Promise<void>;
  /** Ends the server as a crash would: all connections are cut at once. Removes everything. */
  kill(): Promise<void>;
}

interface RestartOptions {
  readonly standby?: boolean;
  readonly epoch?: number;
  readonly isCrash?: boolean;
  readonly while?: () => Promise<void>;
}

/** The user of the server when the tests run as root: "nobody" has this id everywhere. initdb refuses only root. */
const UNPRIVILEGED = 65534;
const asRoot = process.getuid?.() === 0;
const PASSWORD = 'secret';
/** Names the directory of a test run's templates. */
const TEMPLATES = 'LAKEPORT_TEST_TEMPLATES';
/** `.ci/run` repeats tests against other versions by this variable. */
const DEFAULT_VERSION = Number(process.env['LAKEPORT_TEST_PG_VERSION'] ?? 17) as PostgresVersion;
const DEBIAN_15 = '/usr/lib/postgresql/15/bin';

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const home = mkdtempSync(path.join(tmpdir(), 'lakeport-pg-'));
  const guard = guardHome(home);
  chmodSync(home, 0o755);
  try {
    const { version = DEFAULT_VERSION } = options;
    const name = version === 17 ? 'embedded-postgres' : `embedded-postgres-${version}`;
    const binaries = version === 15 ? DEBIAN_15 : await sharedBinaries(home, name);
    await initialise(home, binaries, options);
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      try {
        return await start({ home, binaries, guard }, port, options);
      } catch (error) {
        // Another server may have taken the port since it was found free.
        if (attempt === 5 || !String(error).includes('could not create any TCP/IP sockets')) throw error;
      }
    }
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    guard.release();
    throw error;
  }
}

/** The versions that this machine has, oldest first. */
export function postgresVersions(): PostgresVersion[] {
  return existsSync(path.join(DEBIAN_15, 'postgres')) ? [15, 17, 18] : [17, 18];
}

async function start(place: Place, port: number, options: PostgresOptions): Promise<PostgresServer> {
  const { home } = place;
  const { standbyOf: primary } = options;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: home,
    port,
    fsync: 'off',
    max_connections: 50,
    ...(options.tls ? { ssl: 'on' } : {}),
    ...(primary && { primary_conninfo: conninfo(primary) }),
    ...options.settings,
  };
  const launch = () => launchServer(place, settings);
  let running = await launch();
  const access = { host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database: 'postgres' };

  const connect = async (overrides: pg.ClientConfig = {}) => {
    const client = new pg.Client({ ...access, ...overrides });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const end = async (signal: NodeJS.Signals) => {
    await running.end(signal);
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
    place.guard.release();
  };

  return {
    ...access,
    url: `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`,
    socketDirectory: home,
    get pid() {
      return running.pid;
    },
    connect,
    query: async (sql, parameters, database = access.database) => {
      const client = await connect({ database });
      try {
        const answer: unknown = await client.query(sql, parameters && [...parameters]);
        const results = (Array.isArray(answer) ? answer : [answer]) as pg.QueryResult<Record<string, unknown>>[];
        return results.at(-1)?.rows ?? [];
      } finally {
        await client.end();
      }
    },
    log: () => running.log(),
    restart: async ({ standby = false, epoch, isCrash = false, while: meanwhile } = {}) => {
      await running.end(isCrash ? 'SIGQUIT' : 'SIGINT');
      await meanwhile?.();
      if (epoch !== undefined) {
        const data = path.join(home, 'data');
        await promisify(execFile)(
          path.join(place.binaries, 'pg_resetwal'),
          ['-e', String(epoch), data],
          environment(data),
        );
      }
      const signalFile = path.join(home, 'data', 'standby.signal');
      if (standby) await writeFile(signalFile, '');
      else await rm(signalFile, { force: true });
      running = await launch();
    },
    stop: () => end('SIGINT'),
    kill: () => end('SIGQUIT'),
  };
}

/** Where a server lives. */
interface Place {
  readonly home: string;
  readonly binaries: string;
  readonly guard: Guard;
}

interface RunningServer {
  readonly pid: number;
  log(): string;
  end(signal: NodeJS.Signals): Promise<void>;
}

async function launchServer(
  { home, binaries, guard }: Place,
  settings: Readonly<Record<string, string | number>>,
): Promise<RunningServer> {
  const data = path.join(home, 'data');
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(path.join(binaries, 'postgres'), ['-D', data, ...flags], {
    ...environment(data),
    stdio: ['ignore', 'ignore', 'pipe'],
    // A Ctrl-C on the terminal is for the tests, which then stop the server themselves.
    detached: true,
  });
  guard.watch(server.pid);
  let log = '';
  const exited = new Promise<void>((resolve) => {
    server.once('exit', () => {
      guard.watch(undefined);
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`postgres ended with ${code ?? 'a signal'}: ${log}`)));
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (/ready to accept (read.only )?connections/.test(log)) resolve();
    });
  });
  return {
    pid: server.pid!,
    log: () => log,
    end: async (signal) => {
      server.kill(signal);
      await exited;
    },
  };
}

/** The programs that the server's user can run: one copy for all servers of a test run. */
async function sharedBinaries(home: string, name: string): Promise<string> {
  if (!asRoot) return preparePostgresBinaries(home, { copy: false, package: name });
  const shared = await fromTemplate(`${name}-programs`, (directory) =>
    preparePostgresBinaries(directory, { copy: true, package: name }),
  );
  return path.join(shared, 'native', 'bin');
}

async function initialise(home: string, binaries: string, options: PostgresOptions): Promise<void> {
  const data = path.join(home, 'data');
  if (asRoot) chownSync(home, UNPRIVILEGED, UNPRIVILEGED);
  const { encoding = 'UTF8', version = DEFAULT_VERSION, standbyOf: primary } = options;
  if (primary === undefined) {
    const cluster = await fromTemplate(`cluster-${version}-${encoding}`, (directory) =>
      createCluster(directory, binaries, encoding),
    );
    await copyFiles(path.join(cluster, 'data'), data);
  } else await copyRunning(primary, data);
  if (options.hba) {
    const file = path.join(data, 'pg_hba.conf');
    await writeFile(file, [...options.hba, readFileSync(file, 'utf8')].join('\n'));
  }
  if (options.tls) {
    for (const [name, text] of [
      ['server.crt', options.tls.cert],
      ['server.key', options.tls.key],
    ] as const) {
      const file = path.join(data, name);
      await writeFile(file, text, { mode: 0o600 });
      if (asRoot) chownSync(file, UNPRIVILEGED, UNPRIVILEGED);
    }
  }
}

/** With their owners and modes: the server accepts no others. */
async function copyFiles(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to], { env: { ...process.env, LC_ALL: 'C' } });
}

/** As `pg_basebackup` does, which is not among the programs of all versions. */
async function copyRunning(primary: PostgresServer, data: string): Promise<void> {
  const session = await primary.connect();
  try {
    // A checkpoint may remove what the copy has not streamed yet.
    await session.query("ALTER SYSTEM SET wal_keep_size = '1GB'");
    await session.query('SELECT pg_reload_conf()');
    await session.query("SELECT pg_backup_start('copy', true)");
    await copyFiles(path.join(primary.socketDirectory, 'data'), data).catch(allowVanished);
    const { rows } = await session.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    await rm(path.join(data, 'postmaster.pid'), { force: true });
    const label = path.join(data, 'backup_label');
    await writeFile(label, rows[0]?.labelfile ?? '');
    if (asRoot) chownSync(label, UNPRIVILEGED, UNPRIVILEGED);
    await writeFile(path.join(data, 'standby.signal'), '');
  } finally {
    await session.end();
  }
}

/** Files of a server that is running come and go: what has gone is in its WAL. @throws any other error of `cp` */
function allowVanished(error: Error & { readonly stderr?: string }): void {
  const lines = (error.stderr ?? '').trim().split('\n');
  if (!lines.every((line) => line.endsWith('No such file or directory'))) throw error;
}

function conninfo({ host, port, user, password }: PostgresServer): string {
  return `host=${host} port=${port} user=${user} password=${password}`;
}

async function createCluster(directory: string, binaries: string, encoding: string): Promise<void> {
  const data = path.join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  const passwordFile = path.join(directory, 'password');
  await writeFile(passwordFile, PASSWORD);
  if (asRoot) for (const file of [directory, data, passwordFile]) chownSync(file, UNPRIVILEGED, UNPRIVILEGED);
  await promisify(execFile)(
    path.join(binaries, 'initdb'),
    // prettier-ignore
    ['-D', data, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, `--encoding=${encoding}`,
      '--locale=C', '--no-sync'],
    environment(data),
  );
}

/**
 * A directory that is made once in a test run and then shared: `initdb` and copies of programs are what starting a server
 * costs. Of test files that make one at the same time the first wins.
 */
async function fromTemplate(name: string, make: (directory: string) => Promise<unknown>): Promise<string> {
  const place = process.env[TEMPLATES];
  const own = mkdtempSync(path.join(place ?? tmpdir(), 'making-'));
  if (place === undefined) {
    process.once('exit', () => rmSync(own, { recursive: true, force: true }));
    chmodSync(own, 0o755);
    await make(own);
    return own;
  }
  const shared = path.join(place, name);
  if (!existsSync(shared)) {
    chmodSync(own, 0o755);
    await make(own);
    try {
      await rename(own, shared);
    } catch (error) {
      if (!existsSync(shared)) throw error;
    }
  }
  await rm(own, { recursive: true, force: true });
  return shared;
}

function environment(data: string) {
  const user = asRoot ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  return { ...user, cwd: data, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', HOME: data } };
}
