import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { LakeportError } from '../../errors.js';
import { postgresError } from './errors.js';
import { displayAddress, type PostgresSettings } from './settings.js';

export type { PostgresSettings } from './settings.js';

export interface ConnectOptions {
  /** Makes the socket, not connected yet. Used only where the connection is not TLS, whose sockets are Node's. */
  readonly stream?: (() => Socket) | undefined;
  /** What is done with the connection first, within its time to connect: a pooler lets everybody in, and lets them wait then. */
  readonly first?: ((client: pg.Client) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** First byte of the server's answer to a request for TLS ("SSL Session Encryption" of the protocol's message flow). */
const TLS_REFUSED = 'N'.charCodeAt(0);

/**
 * A connected client, whose session is as the server made it. The loss of an idle connection shows in its next query.
 * @throws LakeportError of exit class `unreachable`, and what `first` throws
 */
export async function connectPostgres(settings: PostgresSettings, options: ConnectOptions = {}): Promise<pg.Client> {
  return (await negotiatePostgres(settings, options)).client;
}

/** As `connectPostgres`, with settings that hold the way that worked, so that no other session has to find it again. */
export async function negotiatePostgres(
  settings: PostgresSettings,
  options: ConnectOptions = {},
): Promise<{ readonly client: pg.Client; readonly settings: PostgresSettings }> {
  if (settings.ssl !== 'prefer') return { client: await attempt(settings, options), settings };
  const encrypted: PostgresSettings = { ...settings, ssl: 'require' };
  const plain: PostgresSettings = { ...settings, ssl: 'disable' };
  try {
    return { client: await attempt(encrypted, options), settings: encrypted };
  } catch (error) {
    // As libpq does: no TLS on the server or none in common, or pg_hba.conf lets this user in without TLS only.
    const worthAnother =
      error instanceof LakeportError &&
      ['SOURCE_TLS_REFUSED', 'SOURCE_TLS_FAILED', 'SOURCE_ACCESS_DENIED'].includes(error.code);
    if (!worthAnother) throw error;
    return { client: await attempt(plain, options), settings: plain };
  }
}

async function attempt(settings: PostgresSettings, { stream, first, signal }: ConnectOptions): Promise<pg.Client> {
  const tls = tlsOptions(settings);
  const socket = stream && !tls ? stream() : new Socket();
  const seen: { tlsRefused?: boolean; connected?: boolean; givenUp?: LakeportError } = {};
  if (tls) socket.once('data', (answer) => (seen.tlsRefused = answer[0] === TLS_REFUSED));

  const client = new pg.Client({
    host: settings.server,
    port: settings.port,
    database: settings.database,
    user: settings.username,
    password: () => requirePassword(settings),
    ssl: tls ?? false,
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    application_name: 'lakeport',
  });
  // Without a listener, a connection lost while idle would end the process.
  client.on('error', () => undefined);

  const giveUp = (error: LakeportError) => {
    seen.givenUp = error;
    socket.destroy(error);
  };
  const timer = setTimeout(
    () => giveUp(seen.connected ? keptWaiting(settings) : timedOut(settings)),
    settings.connectTimeoutMs,
  );
  const abort = () => giveUp(aborted(settings));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) throw aborted(settings);
    await client.connect();
    seen.connected = true;
    await first?.(client);
    return client;
  } catch (error) {
    socket.destroy();
    if (seen.givenUp) throw seen.givenUp;
    if (seen.tlsRefused) throw tlsRefused(settings, error);
    throw unreachable(error, settings);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** The driver's stream: a socket, or what TLS made of it. */
export function streamOf(client: pg.Client): Duplex {
  const { connection } = client as unknown as { connection: { stream: Duplex } }; // not in the driver's types
  return connection.stream;
}

/** Time for a connection to say goodbye. */
const FAREWELL_MS = 2_000;

/** Ends the connection, and its transaction before, so that a pooler can go on with its own. Never throws. */
export async function leave(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => discard(client), FAREWELL_MS);
  try {
    await client.query('ROLLBACK');
    await client.end();
  } catch {
    // It is gone already.
    discard(client);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends the connection without a word. */
export function discard(client: pg.Client): void {
  streamOf(client).destroy();
}

/** libpq's modes: `require` takes any certificate unless an authority is given, `verify-ca` any host name. */
function tlsOptions({ ssl, certificates }: PostgresSettings): ConnectionOptions | undefined {
  if (ssl === 'disable') return undefined;
  const verified = ssl === 'verify-ca' || ssl === 'verify-full' || certificates.ca !== undefined;
  const anyName = ssl !== 'verify-full' ? { checkServerIdentity: () => undefined } : {};
  return { ...certificates, rejectUnauthorized: verified, ...anyName };
}

function requirePassword({ password, username, entryId }: PostgresSettings): string {
  if (password !== undefined && password !== '') return password;
  throw new LakeportError({
    code: 'SOURCE_PASSWORD_MISSING',
    exit: 'unreachable',
    message: `the server asks for the password of ${username}, and the entry has none`,
    hint: 'add "password" to the entry, e.g. as "${PGPASSWORD}"',
    context: { entry: entryId, detail: 'password' },
  });
}

function unreachable(thrown: unknown, settings: PostgresSettings): LakeportError {
  const error = postgresError(thrown, { entry: settings.entryId });
  if (error.exit !== 'unreachable' || error.code === 'SOURCE_PASSWORD_MISSING') return error;
  return new LakeportError({
    ...error.toData(),
    message: `cannot connect to ${displayAddress(settings)}: ${error.message}`,
    cause: thrown,
  });
}

function timedOut(settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'SOURCE_TIMEOUT',
    exit: 'unreachable',
    message: `cannot connect to ${displayAddress(settings)}: no answer within ${settings.connectTimeoutMs / 1000} s`,
    hint: 'check "server", "port" and the firewalls between, or raise "connect_timeout" of the entry',
    context: { entry: settings.entryId },
    transient: true,
  });
}

function keptWaiting(settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'SOURCE_TIMEOUT',
    exit: 'unreachable',
    message: `${displayAddress(settings)} took the connection, and has not answered on it for ${settings.connectTimeoutMs / 1000} s`,
    hint: 'a pooler may have no connection left for it: make its pool larger than the readers and one more, or lower --n_jobs and --parallel',
    context: { entry: settings.entryId },
    transient: true,
  });
}

function aborted(settings: PostgresSettings): LakeportError {
  return new LakeportError({
    code: 'INTERRUPTED',
    exit: 'interrupted',
    message: `the connection to ${displayAddress(settings)} was given up`,
    context: { entry: settings.entryId },
  });
}

function tlsRefused(settings: PostgresSettings, cause: unknown): LakeportError {
  return new LakeportError({
    code: 'SOURCE_TLS_REFUSED',
    exit: 'unreachable',
    message: `cannot connect to ${displayAddress(settings)}: the server offers no TLS, and "ssl" is "${settings.ssl}"`,
    hint: 'switch TLS on in the server, or use "ssl": "prefer" if the network can be trusted',
    context: { entry: settings.entryId, detail: 'ssl' },
    cause,
  });
}
