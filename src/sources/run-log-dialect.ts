import type { ErrorCode, LakeportError } from '../errors.js';
import type { Dialect, Expression, RawBuilder } from 'kysely';

/** Types of the log's columns. */
export interface ColumnTypes {
  /** Ids of runs: short enough for a key. */
  readonly id: RawBuilder<unknown>;
  /** Names of schemas and tables. */
  readonly name: RawBuilder<unknown>;
  readonly text: RawBuilder<unknown>;
  /** UTC, in milliseconds. */
  readonly time: RawBuilder<unknown>;
  readonly integer: RawBuilder<unknown>;
  readonly bigint: RawBuilder<unknown>;
}

/** What differs between the databases that a run log may lie in. All else is written once, by the query builder. */
export interface LogDialect {
  readonly kysely: Dialect;
  /** For people and errors: a file, or `host:port/database`. Never with credentials. */
  readonly address: string;
  /** What in the entry gives the log a schema of its own, where something does. */
  readonly ownSchema?: string;
  readonly types: ColumnTypes;
  /** True for SELECT TOP, false for LIMIT. */
  readonly limitsByTop: boolean;
  /** The database's own clock: runs of several machines share the log. */
  readonly now: RawBuilder<Date>;
  /** The database's own clock, so many seconds ago. */
  secondsAgo(seconds: number): RawBuilder<Date>;
  /** A time in a view, of a type whose difference the database can build. */
  shownTime(column: Expression<unknown>): RawBuilder<Date>;
  /** Seconds between two times. */
  secondsBetween(from: Expression<unknown>, to: Expression<unknown>): RawBuilder<number>;
  /** A query for `name` of those of the tables and views that are there. */
  existing(names: readonly string[]): RawBuilder<{ readonly name: string }>;
  /** False where nothing is there yet, and looking would make it; absent where looking makes nothing. */
  exists?(): boolean;
  /** False where the connection no longer leads to the log, such as to a file that was moved away. */
  isCurrent(): boolean;
  /** For servers, which may just be starting: how long to wait for one, and what an error of connecting means. */
  readonly patience?: { readonly timeoutMs: number; readonly asSourceError: (thrown: unknown) => LakeportError };
  /** A driver's error: what it means, in this database's own codes. */
  explain(thrown: unknown): Trouble;
}

/** What is wrong with a log, as a sentence's second half. */
export interface Trouble {
  /** `RUN_LOG_…` */
  readonly code: ErrorCode;
  readonly reason: string;
  readonly hint?: string | undefined;
  /** The database's own code. */
  readonly detail?: string | undefined;
}
