import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { LakeportError } from '../../errors.js';
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
import { onGreeting } from './greeting.js';
import { isSocketDirectory, type PostgresSettings } from './settings.js';
import { type TargetSession } from './address.js';

export type { PostgresSettings } from './settings.js';

export interface ConnectOptions {
  /** Makes the socket, not connected yet. Used only where the connection is not TLS, whose sockets are Node's. */
  readonly stream?: (() => Socket) | undefined;
  /** What is done with the connection first, within its time to connect: a pooler lets everybody in, and lets them wait then. */
  readonly first?: ((client: pg.Client) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connected client, whose session is as the server made it. The loss of an idle connection shows in its next query.
 * @throws LakeportError of exit class `unreachable`, and what `first` throws
 */
export async function connectPostgres(settings: PostgresSettings, options: ConnectOptions = {}): Promise<pg.Client> {
  return (await negotiatePostgres(settings, options)).client;
}

interface Negotiated {
  readonly client: pg.Client;
  readonly settings: PostgresSettings;
}

/**
 * As `connectPostgres`, with settings that hold the way that worked, so that no other session has to find it again: the
 * first of the hosts that answers and is of the kind that is wanted, with TLS or without.
 */
export async function negotiatePostgres(settings: PostgresSettings, options: ConnectOptions = {}): Promise<Negotiated> {
  const { others = [], targetSession = 'any' } = settings;
  const { server, port, hostaddr, password } = settings;
  const hosts = [{ server, port, hostaddr, password }, ...others];
  // What is preferred is looked for first; then anything is taken.
  const rounds: TargetSession[] = targetSession === 'prefer-standby' ? ['standby', 'any'] : [targetSession];
  let failure: unknown;
  for (const wanted of rounds) {
    for (const host of hosts) {
      try {
        return await negotiateTls({ ...settings, ...host, others: [], targetSession: wanted }, options);
      } catch (error) {
        // libpq goes on to the next host after any failure; one that is told at once is the last one's.
        if (error instanceof LakeportError && (error.exit !== 'unreachable' || options.signal?.aborted)) throw error;
        failure = moreTelling(failure, error);
      }
    }
  }
  throw failure;
}

/** Of several hosts' failures, that of one which answers says more than that of one which is not there. */
function moreTelling(before: unknown, now: unknown): unknown {
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
  redirect(socket, settings);
  const seen: { connected?: boolean; givenUp?: LakeportError; greeted?: boolean } = {};
  const giveUp = (error: LakeportError) => {
    seen.givenUp ??= error;
    socket.destroy(error);
  };
  // A reader's own socket hands its bytes out in another way; by then it is known who answers.
  if (settings.tlsNegotiation !== 'direct' && socket.listenerCount('data') === 0 && !(stream && !tls)) {
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
    ssl: tls ?? false,
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    application_name: 'lakeport',
    ...driverOptions(settings),
  });
  forgetEnvironment(client);
  // Without a listener, a connection lost while idle would end the process.
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

/** Where the address is given, the name is only for the certificate. */
function redirect(socket: Socket, { hostaddr }: PostgresSettings): void {
  if (hostaddr === undefined) return;
  const connect = socket.connect.bind(socket) as (port: number, host: string) => Socket;
  // The driver calls it in this form only.
  socket.connect = ((port: number) => connect(port, hostaddr)) as Socket['connect'];
}

/**
 * The entry alone says how to connect. What the entry lacks, the driver would take from `PGOPTIONS` and `PGREPLICATION`:
 * settings that no plan shows, and that poolers refuse.
 */
function forgetEnvironment(client: pg.Client): void {
  const { connectionParameters } = client as unknown as { readonly connectionParameters: object }; // not in the driver's types
  Object.assign(connectionParameters, { options: undefined, replication: undefined });
}

/** Options that the driver has and its types lack. */
function driverOptions({ tlsNegotiation, authentication }: PostgresSettings): object {
  return {
    sslnegotiation: tlsNegotiation ?? 'postgres',
    ...(authentication?.channelBinding === true && { enableChannelBinding: true }),
  };
}

/** @throws LakeportError where the server is not of the kind that `target_session_attrs` wants */
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
function tlsOptions({ ssl, certificates, tlsVersions }: PostgresSettings): ConnectionOptions | undefined {
  if (ssl === 'disable') return undefined;
  const { ca, ...others } = certificates;
  const verified = ssl === 'verify-ca' || ssl === 'verify-full' || ca !== undefined;
  const { least, most } = tlsVersions ?? {};
  return {
    ...others,
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    rejectUnauthorized: verified,
    ...(ssl !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...(least !== undefined && { minVersion: least }),
    ...(most !== undefined && { maxVersion: most }),
  };
}

function requirePassword({ password, username, entryId }: PostgresSettings): string {
  if (password !== undefined && password !== '') return password;
  throw new LakeportError({
    code: 'SOURCE_PASSWORD_MISSING',
    exit: 'unreachable',
    message: `the server asks for the password of ${username}, and the entry has none`,
    hint: 'Add "password" to the entry, e.g. as "${PGPASSWORD}"',
    context: { entry: entryId, detail: 'password' },
  });
}
