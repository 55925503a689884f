import type { ErrorCode, LakeportError } from '../errors.js';
import type { Dialect, Expression, RawBuilder } from 'kysely';

/** Column types of the log. */
export interface ColumnTypes {
  /** For run ids: short enough for a key. */
  readonly id: RawBuilder<unknown>;
  /** For names of schemas and tables. */
  readonly name: RawBuilder<unknown>;
  readonly text: RawBuilder<unknown>;
  /** UTC, in milliseconds. */
  readonly time: RawBuilder<unknown>;
  readonly integer: RawBuilder<unknown>;
  readonly bigint: RawBuilder<unknown>;
}

/** A connection for a job queue that lies beside the log, with tables of its own. */
export interface QueueDatabase {
  /**
   * The driver's own answer. Several statements in one text are allowed if there are no values.
   * @throws the driver's error
   */
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Never throws. */
  close(): Promise<void>;
}

/** How the databases that can hold a run log differ. Everything else is written once, with the query builder. */
export interface LogDialect {
  readonly kysely: Dialect;
  /** For messages: a file, or `host:port/database`. Never with credentials. */
  readonly address: string;
  /** What in the entry gives the log a schema of its own, where something does. */
  readonly ownSchema?: string;
  readonly types: ColumnTypes;
  /** True for SELECT TOP, false for LIMIT. */
  readonly limitsByTop: boolean;
  /** The database's own clock, since several machines share the log. */
  readonly now: RawBuilder<Date>;
  /** The database's own clock, so many seconds ago. */
  secondsAgo(seconds: number): RawBuilder<Date>;
  /** A time in a view, as a type that the database can subtract. */
  shownTime(column: Expression<unknown>): RawBuilder<Date>;
  /** Seconds between two times. */
  secondsBetween(from: Expression<unknown>, to: Expression<unknown>): RawBuilder<number>;
  /** A query for the `name`s of those tables and views that exist. */
  existing(names: readonly string[]): RawBuilder<{ readonly name: string }>;
  /** False if nothing exists yet and connecting would create it; absent if connecting creates nothing. */
  exists?(): boolean;
  /** False if the connection no longer leads to the log, e.g. to a file that was moved. */
  isCurrent(): boolean;
  /** For servers that may still be starting: how long to wait, and what a connection error means. */
  readonly patience?: { readonly timeoutMs: number; readonly asSourceError: (thrown: unknown) => LakeportError };
  /** Connects a job queue; absent where there can be none. */
  readonly openQueue?: () => QueueDatabase;
  /** Classifies a driver's error, with this database's own codes. */
  explain(thrown: unknown): Trouble;
}

/** A problem of the log, worded as the second half of a sentence. */
export interface Trouble {
  /** `RUN_LOG_…` */
  readonly code: ErrorCode;
  readonly reason: string;
  readonly hint?: string | undefined;
  /** The database's own code. */
  readonly detail?: string | undefined;
}
