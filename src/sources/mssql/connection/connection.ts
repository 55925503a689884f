import type { Connection } from 'tedious';
import { LakeportError } from '../../../errors.js';
import { MssqlClient } from './client.js';
import { driverConnection } from './driver-connection.js';
import { mssqlError, ServerError } from '../errors.js';
import { problemOfServer } from './greeting.js';
import { type MssqlSettings } from './settings.js';
import { displayAddress } from './address.js';

export type { MssqlSettings } from './settings.js';

export interface ConnectOptions {
  readonly signal?: AbortSignal | undefined;
  /** Isolation level of the session's transactions; each statement is its own transaction. */
  readonly isolation: 'read committed' | 'snapshot';
}

/** Largest packets that a server accepts, unencrypted and encrypted: fewer headers, fewer split rows. */
const PACKET_BYTES = { plain: 32_767, encrypted: 16_383 };
/** How long to wait for the server to acknowledge a cancel. */
const CANCEL_TIMEOUT_MS = 5000;

/**
 * A connected client with a prepared session. The loss of an idle connection surfaces in the next query.
 * @throws LakeportError of exit class `unreachable`
 */
export async function connectMssql(settings: MssqlSettings, options: ConnectOptions): Promise<MssqlClient> {
  const { signal } = options;
  if (signal?.aborted) throw aborted(settings);
  const tedious = await import('tedious');
  const { SNAPSHOT, READ_COMMITTED } = tedious.ISOLATION_LEVEL;
  const isolation = options.isolation === 'snapshot' ? SNAPSHOT : READ_COMMITTED;
  const connection = driverConnection(tedious, settings, {
    readOnlyIntent: settings.readOnlyIntent,
    cancelTimeout: CANCEL_TIMEOUT_MS,
    // The driver's own timer stops at the first bytes of a response; reads have their own timer.
    requestTimeout: settings.statementTimeoutMs ?? 0,
    ...(isolation !== undefined && { connectionIsolationLevel: isolation, isolationLevel: isolation }),
    packetSize: settings.encrypt === false ? PACKET_BYTES.plain : PACKET_BYTES.encrypted,
  });
  try {
    await login(connection, signal);
    const client = new MssqlClient(connection, tedious);
    await client.query(sessionSettings(settings));
    return client;
  } catch (error) {
    connection.close();
    if (signal?.aborted) throw aborted(settings);
    throw unreachable(error, settings);
  }
}

/** The driver's error for a rejected login has no number; the server message that precedes it does. */
function login(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let reported: ServerError | undefined;
    const onMessage = (message: { readonly number: number; readonly message: string }) => {
      reported ??= new ServerError(message.number, message.message);
    };
    const abort = () => {
      connection.socket?.destroy();
      reject(new Error('The connection attempt was aborted'));
    };
    connection.on('errorMessage', onMessage);
    signal?.addEventListener('abort', abort, { once: true });
    connection.connect((error) => {
      connection.off('errorMessage', onMessage);
      signal?.removeEventListener('abort', abort);
      if (error === undefined) resolve();
      else reject(problemOfServer(connection) ?? reported ?? error);
    });
  });
}

/**
 * Row counts are needed to check reads. In a deadlock the export is the victim, so no other work is lost. The driver
 * sets everything else that values depend on, such as date formats.
 */
function sessionSettings({ lockTimeoutMs }: MssqlSettings): string {
  return `SET NOCOUNT OFF; SET ROWCOUNT 0; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT ${Math.round(lockTimeoutMs)}`;
}

function unreachable(thrown: unknown, settings: MssqlSettings): LakeportError {
  if (thrown instanceof LakeportError) return thrown;
  const error = mssqlError(thrown, { entry: settings.entryId });
  const { code, ...data } = error.toData();
  return new LakeportError({
    ...data,
    code: code === 'SOURCE_QUERY_FAILED' || code === 'UNEXPECTED' ? 'SOURCE_UNREACHABLE' : code,
    // Whatever the code means later, in a table: no table is thought of yet.
    exit: 'unreachable',
    message: `Cannot connect to ${displayAddress(settings)}: ${error.message}`,
    cause: thrown,
  });
}

function aborted(settings: MssqlSettings): LakeportError {
  return new LakeportError({
    code: 'INTERRUPTED',
    message: `The connection to ${displayAddress(settings)} was aborted`,
    context: { entry: settings.entryId },
  });
}
