import { setTimeout } from 'node:timers/promises';
import { Kysely } from 'kysely';

import { withPatience } from '../../sources/patience.js';
import type { LogDialect } from '../dialects/dialect.js';
import { openDialect } from '../dialects/index.js';
import { listRuns, livingRuns, partitionColumns, readRun, runIdsLike } from './reads.js';
import { claimRun, insertRun, type LogConnection, refuseWhileInUse, removeRun, writeBatch } from './writes.js';
import { dropSchema, emptyTables, migrate } from './migrate.js';
import { PreparedInserts } from './prepared-inserts.js';
import type { LogSchema } from '../model/schema.js';
import type { LogMode, LogStore, OpenedLog } from './log-store.js';
import { settingsOf } from './table-overrides.js';
import type { RunLogTarget } from '../target.js';
import { logError, timedOut } from '../errors/log-error.js';

/** A call that takes longer is given up, with its connection. */
const CALL_TIMEOUT_MS = 60_000;

/** Time for a connection to say goodbye. */
const FAREWELL_MS = 2_000;

/** The run log in its database, one connection at a time. */
export class DatabaseLog implements LogStore {
  readonly #target: RunLogTarget;
  readonly #callTimeoutMs: number;
  #connected: LogConnection | undefined;
  #isFirst = true;
  /** Settles when the call before is done. */
  #previous: Promise<unknown> = Promise.resolve();

  constructor(target: RunLogTarget, options: { readonly callTimeoutMs?: number | undefined } = {}) {
    this.#target = target;
    this.#callTimeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
  }

  open({ mode }: { readonly mode: LogMode }): Promise<OpenedLog> {
    return this.#call(async (context) => {
      if (mode !== 'preserve') await refuseWhileInUse(context, mode);
      if (mode === 'truncate') await emptyTables(context);
      const { address } = context.dialect;
      if (mode !== 'drop') return { address, schema: context.schema };
      await dropSchema(context);
      return { address, schema: await migrate(context) };
    });
  }

  insertRun(...[run]: Parameters<LogStore['insertRun']>) {
    return this.#call((context) => insertRun(context, run));
  }

  claimRun(...[claim]: Parameters<LogStore['claimRun']>) {
    return this.#call((context) => claimRun(context, claim));
  }

  write(...[batch]: Parameters<LogStore['write']>) {
    return this.#call((context) => writeBatch(context, batch));
  }

  removeRun(...[hold]: Parameters<LogStore['removeRun']>) {
    return this.#call((context) => removeRun(context, hold));
  }

  tableSettings(...[of]: Parameters<LogStore['tableSettings']>) {
    return this.#call(async ({ db }) => settingsOf(await partitionColumns(db), of));
  }

  listRuns(...[options]: Parameters<LogStore['listRuns']>) {
    return this.#call((context) => listRuns(context, options));
  }

  runIdsLike(...[begin]: Parameters<LogStore['runIdsLike']>) {
    return this.#call((context) => runIdsLike(context, begin));
  }

  livingRuns(...[options]: Parameters<LogStore['livingRuns']>) {
    return this.#call((context) => livingRuns(context, options));
  }

  readRun(...[runId]: Parameters<LogStore['readRun']>) {
    return this.#call((context) => readRun(context, runId));
  }

  async close(): Promise<void> {
    await this.#previous.catch(() => undefined);
    await this.#disconnect();
  }

  /** After a failure nobody knows where in its conversation the connection stands: the next call has a new one. */
  async #call<Answer>(action: (context: LogConnection) => Promise<Answer>): Promise<Answer> {
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

  /** The first call may come before the server takes connections; those that come later are tried again by whoever made them. */
  async #awaitServer(dialect: LogDialect): Promise<void> {
    const { patience } = dialect;
    if (patience === undefined) return;
    await withPatience(patience, async () => {
      try {
        await this.#withinTime(dialect, () => this.#connect(dialect));
      } catch (thrown) {
        await this.#disconnect();
        // What is not of the connection is found again by the call itself, which knows what it means.
        const error = patience.asSourceError(thrown);
        if (error.exit === 'unreachable') throw error;
      }
    });
  }

  async #withinTime<Answer>(dialect: LogDialect, work: () => Promise<Answer>): Promise<Answer> {
    const abort = new AbortController();
    const timeout = setTimeout(this.#callTimeoutMs, undefined, { ref: false, signal: abort.signal }).then(
      () => Promise.reject(timedOut(dialect, this.#callTimeoutMs)),
      // Aborted: the work was done in time.
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
    // Known before the schema is looked at, so that it is closed where that fails.
    this.#connected = { dialect, db, inserts, schema: 'current' };
    const context: LogConnection = { dialect, db, inserts, schema: await migrate({ dialect, db }) };
    this.#connected = context;
    return context;
  }

  async #disconnect(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    // What does not close in peace, or at once, is of no more use.
    const closing = connected?.db.destroy().catch(() => undefined);
    await Promise.race([closing, setTimeout(FAREWELL_MS, undefined, { ref: false })]);
  }
}
