import { setTimeout } from 'node:timers/promises';
import { Kysely } from 'kysely';

import { withPatience } from '../../sources/patience.js';
import type { LogDialect } from '../../sources/run-log-dialect.js';
import { openDialect } from '../open-dialect.js';
import { listRuns, livingRuns, partitionColumns, readRun, runIdsLike, runState } from './reads.js';
import { deleteRuns } from './delete-runs.js';
import { readLocks, removeLock } from './sync-locks.js';
import { deleteSync, listSyncs, saveSync } from './syncs.js';
import { watermarks } from './watermarks.js';
import { putWorker, runWorkers } from './workers.js';
import { claimRun, insertRun, type LogConnection, refuseWhileInUse, removeRun, writeBatch } from './writes.js';
import { dropSchema, emptyTables, migrate } from './migrate.js';
import { PreparedInserts } from './prepared-inserts.js';
import type { LogSchema } from '../model/rows.js';
import { type CallArgument, type LogStore, type OpenedLog, type StoreCall, storeOver } from './log-store.js';
import { settingsOf } from './table-overrides.js';
import type { RunLogTarget } from '../target.js';
import { logError, timedOut } from '../errors.js';

export interface DatabaseLogOptions {
  readonly callTimeoutMs?: number | undefined;
}

/** A call that takes longer fails, and its connection is dropped. */
const CALL_TIMEOUT_MS = 60_000;

/** How long to wait for a connection to close. */
const DISCONNECT_MS = 2_000;

/** What each call does on an open connection. */
const ACTIONS: {
  readonly [Call in ConnectedCall]: (
    connection: LogConnection,
    argument: CallArgument<Call>,
  ) => ReturnType<LogStore[Call]>;
} = {
  open: openLog,
  insertRun,
  claimRun,
  write: writeBatch,
  removeRun,
  tableSettings: async ({ db }, of) => settingsOf(await partitionColumns(db), of),
  listRuns,
  runIdsLike,
  livingRuns,
  watermarks,
  saveSync,
  listSyncs,
  deleteSync,
  syncLocks: readLocks,
  releaseLock: ({ db }, lock) => removeLock(db, lock),
  deleteRuns,
  empty: async (connection) => {
    await refuseWhileInUse(connection, 'truncate');
    await emptyTables(connection);
  },
  drop: async (connection) => {
    await refuseWhileInUse(connection, 'drop');
    await dropSchema(connection, { withUsersOwn: true });
  },
  putWorker,
  runWorkers,
  runState,
  readRun,
};

type ConnectedCall = Exclude<StoreCall, 'close'>;

/** The run log in its database. */
export function databaseLog(target: RunLogTarget, options: DatabaseLogOptions = {}): LogStore {
  const connections = new LogConnections(target, options);
  return storeOver((call, argument) => {
    if (call === 'close') return connections.close();
    // Call and argument come from one typed method of the store, so they fit each other.
    const action = ACTIONS[call] as (connection: LogConnection, argument: unknown) => Promise<unknown>;
    return connections.use((connection) => action(connection, argument));
  });
}

async function openLog(connection: LogConnection, { mode }: CallArgument<'open'>): Promise<OpenedLog> {
  if (mode !== 'preserve') await refuseWhileInUse(connection, mode);
  if (mode === 'truncate') await emptyTables(connection);
  const { address } = connection.dialect;
  if (mode !== 'drop') return { address, schema: connection.schema };
  await dropSchema(connection);
  return { address, schema: await migrate(connection) };
}

/** Runs actions one after the other, on one connection at a time. */
class LogConnections {
  readonly #target: RunLogTarget;
  readonly #callTimeoutMs: number;
  #connected: LogConnection | undefined;
  #isFirst = true;
  /** Settles when the previous call is done. */
  #previous: Promise<unknown> = Promise.resolve();

  constructor(target: RunLogTarget, options: DatabaseLogOptions) {
    this.#target = target;
    this.#callTimeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
  }

  async close(): Promise<void> {
    await this.#previous.catch(() => undefined);
    await this.#disconnect();
  }

  /** After a failure the state of the connection is unknown, so the next call opens a new one. */
  async use<Answer>(action: (context: LogConnection) => Promise<Answer>): Promise<Answer> {
    const before = this.#previous;
    const answer = (async () => {
      await before.catch(() => undefined);
      const dialect = this.#connected?.dialect ?? (await openDialect(this.#target));
      const isFirst = this.#isFirst;
      this.#isFirst = false;
      try {
        if (isFirst) await this.#awaitServer(dialect);
        return await this.#withinTime(dialect, async () => action(await this.#connect(dialect)));
      } catch (error) {
        await this.#disconnect();
        throw logError(error, dialect);
      }
    })();
    this.#previous = answer;
    return answer;
  }

  /** The first call may come before the server accepts connections; the callers of later ones retry by themselves. */
  async #awaitServer(dialect: LogDialect): Promise<void> {
    const { patience } = dialect;
    if (patience === undefined) return;
    await withPatience(patience, async () => {
      try {
        await this.#withinTime(dialect, () => this.#connect(dialect));
      } catch (thrown) {
        await this.#disconnect();
        // Any other error occurs again in the call itself, which explains it.
        const error = patience.asSourceError(thrown);
        if (error.exit === 'unreachable') throw error;
      }
    });
  }

  async #withinTime<Answer>(dialect: LogDialect, work: () => Promise<Answer>): Promise<Answer> {
    const abort = new AbortController();
    const timeout = setTimeout(this.#callTimeoutMs, undefined, { ref: false, signal: abort.signal }).then(
      () => Promise.reject(timedOut(dialect, this.#callTimeoutMs)),
      // Aborted: the work finished in time.
      () => new Promise<never>(() => undefined),
    );
    try {
      return await Promise.race([work(), timeout]);
    } finally {
      abort.abort();
    }
  }

  async #connect(dialect: LogDialect): Promise<LogConnection> {
    if (this.#connected?.dialect.isCurrent() === true) return this.#connected;
    await this.#disconnect();
    const db = new Kysely<LogSchema>({ dialect: dialect.kysely });
    const inserts = new PreparedInserts(db);
    // Set before the schema is checked, so that the connection is closed if that fails.
    this.#connected = { dialect, db, inserts, schema: 'current' };
    const context: LogConnection = { dialect, db, inserts, schema: await migrate({ dialect, db }) };
    this.#connected = context;
    return context;
  }

  async #disconnect(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    // A connection that does not close cleanly and promptly is abandoned.
    const closing = connected?.db.destroy().catch(() => undefined);
    await Promise.race([closing, setTimeout(DISCONNECT_MS, undefined, { ref: false })]);
  }
}
