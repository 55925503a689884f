import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import pg from 'pg';
import { LakeportError } from '../../../errors.js';
import { catchAnswers } from './answers.js';
import { watchAuthentication } from './authentication-demands.js';
import {
  aborted,
  answerUnknown,
  answerUnreadable,
  authenticationRefused,
  connectionError,
  greetingProblem,
  keptWaiting,
  otherKind,
  timedOut,
} from './connection-errors.js';
import { asUnconnected, completeHandshake, openDirectTls } from './direct-tls.js';
import { onGreeting } from './greeting.js';
import { isSocketDirectory, type PostgresSettings } from './settings.js';
import { type TargetSession } from './address.js';
import { isOtherServer } from './server-identity.js';
import { startsWithTls, tlsOptions } from './tls-options.js';

export type { PostgresSettings } from './settings.js';

/** Creates the sockets of a connection, except for TLS that the server is asked for: the driver creates those. */
export interface Sockets {
  /** Without TLS, not connected yet. */
  readonly plain: () => Socket;
  /** Starts connecting, with TLS from the first byte. */
  readonly tls: (options: ConnectionOptions) => TLSSocket;
}

export interface ConnectOptions {
  readonly sockets?: Sockets | undefined;
  /** Runs first, within the connect timeout: a pooler accepts every client and lets it wait afterwards. */
  readonly first?: ((client: pg.Client) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connected client in the session's initial state. The loss of an idle connection surfaces in the next query.
 * @throws LakeportError of exit class `unreachable`, and whatever `first` throws
 */
export async function connectPostgres(settings: PostgresSettings, options: ConnectOptions = {}): Promise<pg.Client> {
  return (await negotiatePostgres(settings, options)).client;
}

interface Negotiated {
  readonly client: pg.Client;
  readonly settings: PostgresSettings;
}

/**
 * Like `connectPostgres`, and also returns settings that pin what worked, so that later sessions need not search again:
 * the first host that answers and matches the requested kind, with or without TLS.
 */
export async function negotiatePostgres(settings: PostgresSettings, options: ConnectOptions = {}): Promise<Negotiated> {
  const { others = [], targetSession = 'any' } = settings;
  const { server, port, hostaddr, password } = settings;
  const hosts = [{ server, port, hostaddr, password }, ...others];
  // The preferred kind of server first, then any.
  const rounds: TargetSession[] = targetSession === 'prefer-standby' ? ['standby', 'any'] : [targetSession];
  let failure: unknown;
  for (const wanted of rounds) {
    for (const host of hosts) {
      try {
        return await negotiateTls({ ...settings, ...host, others: [], targetSession: wanted }, options);
      } catch (error) {
        // libpq tries the next host after any failure; the error reported at once is the last host's.
        if (error instanceof LakeportError && (error.exit !== 'unreachable' || options.signal?.aborted)) throw error;
        failure = moreTelling(failure, error);
      }
    }
  }
  throw failure;
}

/**
 * Of several hosts' failures, one from a host that answers tells more than one from a host that does not; and that it is
 * not the host of a snapshot tells less than why that host cannot be reached.
 */
function moreTelling(before: unknown, now: unknown): unknown {
  if (before !== undefined && isOtherServer(now)) return before;
  const isOfKind = (error: unknown) => error instanceof LakeportError && error.code === 'SOURCE_OTHER_KIND';
  return isOfKind(before) && !isOfKind(now) ? before : now;
}

async function negotiateTls(settings: PostgresSettings, options: ConnectOptions): Promise<Negotiated> {
  if (isSocketDirectory(settings.server)) settings = { ...settings, ssl: 'disable' };
  if (settings.ssl !== 'prefer') return { client: await attempt(settings, options), settings };
  const encrypted: PostgresSettings = { ...settings, ssl: 'require' };
  const plain: PostgresSettings = { ...settings, ssl: 'disable' };
  try {
    return { client: await attempt(encrypted, options), settings: encrypted };
  } catch (error) {
    // Like libpq: the server has no TLS or no version in common, or pg_hba.conf only accepts this user without TLS.
    const worthAnother =
      error instanceof LakeportError &&
      ['SOURCE_TLS_REFUSED', 'SOURCE_TLS_FAILED', 'SOURCE_ACCESS_DENIED'].includes(error.code);
    if (!worthAnother) throw error;
    return { client: await attempt(plain, options), settings: plain };
  }
}

async function attempt(settings: PostgresSettings, { sockets, first, signal }: ConnectOptions): Promise<pg.Client> {
  const tls = tlsOptions(settings);
  const direct = startsWithTls(settings) ? openDirectTls(settings, sockets?.tls) : undefined;
  const socket = direct ?? (sockets && !tls ? sockets.plain() : new Socket());
  const seen: { connected?: boolean; givenUp?: LakeportError; greeted?: boolean } = {};
  const giveUp = (error: LakeportError) => {
    seen.givenUp ??= error;
    socket.destroy(error);
  };
  if (direct) asUnconnected(direct);
  else redirect(socket, settings);
  // A reader's own socket delivers its bytes differently; by then the server is known.
  if (!direct && !(sockets && !tls)) {
    onGreeting(socket, tls !== undefined, (greeting) => {
      seen.greeted = true;
      const problem = greetingProblem(greeting, settings);
      if (problem !== undefined) giveUp(problem);
    });
  }

  const client = new pg.Client({
    host: settings.server,
    port: settings.port,
    database: settings.database,
    user: settings.username,
    password: () => requirePassword(settings),
    // What starts with TLS is no concern of the driver's.
    ssl: direct ? false : (tls ?? false),
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    application_name: 'lakeport',
    ...driverOptions(settings),
  });
  forgetEnvironment(client);
  // Without a listener, losing an idle connection would crash the process.
  client.on('error', () => undefined);
  catchAnswers(client, (thrown) => giveUp((seen.connected ? answerUnreadable : answerUnknown)(thrown, settings)));
  const { authentication } = settings;
  const refuse = (problem: string) => giveUp(authenticationRefused(settings, problem));
  const problemOfLogin = authentication && watchAuthentication(client, authentication, refuse);

  const timer = setTimeout(
    () => giveUp(seen.connected ? keptWaiting(settings) : timedOut(settings)),
    settings.connectTimeoutMs,
  );
  const abort = () => giveUp(aborted(settings));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) throw aborted(settings);
    if (direct) await completeHandshake(direct, settings);
    await client.connect();
    seen.connected = true;
    const problem = problemOfLogin?.();
    if (problem !== undefined) throw authenticationRefused(settings, problem);
    await requireKind(client, settings);
    await first?.(client);
    return client;
  } catch (error) {
    socket.destroy();
    if (seen.givenUp) throw seen.givenUp;
    throw connectionError(error, settings, {
      isConnected: seen.connected === true,
      hasAnswered: seen.greeted === true,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** If an address is given, the name is only used for the certificate. */
function redirect(socket: Socket, { hostaddr }: PostgresSettings): void {
  if (hostaddr === undefined) return;
  const connect = socket.connect.bind(socket) as (port: number, host: string) => Socket;
  // The driver only uses this overload.
  socket.connect = ((port: number) => connect(port, hostaddr)) as Socket['connect'];
}

/**
 * Only the entry determines the connection. Otherwise the driver would take what the entry lacks from `PGOPTIONS` and
 * `PGREPLICATION`: settings that no plan shows and that poolers reject.
 */
function forgetEnvironment(client: pg.Client): void {
  const { connectionParameters } = client as unknown as { readonly connectionParameters: object }; // not in the driver's types
  Object.assign(connectionParameters, { options: undefined, replication: undefined });
}

/** Driver options that are missing from its types. */
function driverOptions({ authentication }: PostgresSettings): object {
  return {
    // Not what the environment says.
    sslnegotiation: 'postgres',
    ...(authentication?.channelBinding === true && { enableChannelBinding: true }),
  };
}

/** @throws LakeportError if the server is not of the kind that `target_session_attrs` requires */
async function requireKind(client: pg.Client, settings: PostgresSettings): Promise<void> {
  const { targetSession = 'any' } = settings;
  if (targetSession === 'any' || targetSession === 'prefer-standby') return;
  const { rows } = await client.query<{ standby: boolean; readOnly: boolean }>(
    `SELECT pg_catalog.pg_is_in_recovery() AS standby,
            pg_catalog.current_setting('transaction_read_only') = 'on' AS "readOnly"`,
  );
  const { standby = false, readOnly = false } = rows[0] ?? {};
  const isRight = {
    'read-write': !standby && !readOnly,
    'read-only': standby || readOnly,
    primary: !standby,
    standby,
  }[targetSession];
  if (!isRight) throw otherKind(settings, standby ? 'a standby' : readOnly ? 'read-only' : 'a primary');
}

/** The driver's stream: a socket, or its TLS wrapper. */
export function streamOf(client: pg.Client): Duplex {
  const { connection } = client as unknown as { connection: { stream: Duplex } }; // not in the driver's types
  return connection.stream;
}

/** How long a connection may take to close cleanly. */
const FAREWELL_MS = 2_000;

/** Ends the transaction and then the connection, so that a pooler can reuse its server connection. Never throws. */
export async function leave(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => discard(client), FAREWELL_MS);
  try {
    await client.query('ROLLBACK');
    await client.end();
  } catch {
    // The connection is already gone.
    discard(client);
  } finally {
    clearTimeout(timer);
  }
}

/** Drops the connection without a farewell message. */
export function discard(client: pg.Client): void {
  streamOf(client).destroy();
}

function requirePassword({ password, username, entryId }: PostgresSettings): string {
  if (password !== undefined && password !== '') return password;
  throw new LakeportError({
    code: 'SOURCE_PASSWORD_MISSING',
    message: `The server requires a password for ${username}, but the entry has none`,
    hint: 'Add "password" to the entry, e.g. as "${PGPASSWORD}"',
    context: { entry: entryId, detail: 'password' },
  });
}
