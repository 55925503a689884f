import type { RecordedOverride } from '../../export/model/recorded-override.js';
import type { LogBatch, RunRow, ShownRunRow, StoredRun, WriteOutcome } from '../model/rows.js';
import type { LoggedState } from '../model/run-outcome.js';
import type { RunOwner } from '../run-owner.js';

/** What happens to what the log holds before the run: nothing, or it is emptied, or made anew. */
export type LogMode = 'preserve' | 'truncate' | 'drop';

/** What opening a log did to its schema: created it, migrated it from an older version, or nothing. */
export type SchemaStatus = 'created' | 'migrated' | 'current';

/** A log that is ready for use. */
export interface OpenedLog {
  /** For people: a file, or `host:port/database`. */
  readonly address: string;
  readonly schema: SchemaStatus;
}

/** A run that somebody is at work on. */
export interface LivingRun {
  readonly runId: string;
  readonly startedAt: Date;
  /** For people: `process 4711 on host db1`. */
  readonly holder: string | undefined;
  /** As they were given to `begin`. */
  readonly settings: unknown;
  readonly tables: readonly {
    readonly storageId: string | undefined;
    /** For people. */
    readonly path: string | undefined;
    readonly state: LoggedState;
  }[];
}

/**
 * A log database, wherever the code that talks to it runs: arguments and answers are plain data. Calls are carried out
 * one after the other; each may fail with a `LakeportError`, after which the next one connects anew.
 */
export interface LogStore {
  /** Connects and brings the schema up to date. */
  open(options: { readonly mode: LogMode }): Promise<OpenedLog>;
  /** Records a run's begin. @throws LakeportError where the log has a run of this id */
  insertRun(run: RunRow): Promise<void>;
  /** Takes over a run that no living process holds. @throws LakeportError where that can't be */
  claimRun(claim: { readonly runId: string } & RunOwner): Promise<StoredRun>;
  write(batch: LogBatch): Promise<WriteOutcome>;
  /** Removes a run, if this holder still holds it. */
  removeRun(hold: { readonly runId: string; readonly holder: string }): Promise<void>;
  /** The user's settings for tables of this database and environment. */
  tableSettings(of: {
    readonly engine: string;
    readonly database: string;
    readonly envName: string | undefined;
  }): Promise<RecordedOverride[]>;
  /** The latest first. */
  listRuns(options: { readonly limit: number }): Promise<ShownRunRow[]>;
  /** Ids of runs that begin so, in lower case; no more than `limit`. */
  runIdsLike(begin: { readonly prefix: string; readonly limit: number }): Promise<string[]>;
  /** Runs that living processes are at work on, all but one. */
  livingRuns(options: { readonly except: string }): Promise<LivingRun[]>;
  /** @throws LakeportError where the log has no such run */
  readRun(runId: string): Promise<StoredRun>;
  /** Never throws. */
  close(): Promise<void>;
}

export type StoreCall = keyof LogStore;

export type CallArgument<Call extends StoreCall> = Parameters<LogStore[Call]>[0];

/** Every call, as a record so that none can be missing. */
const CALLS: Readonly<Record<StoreCall, true>> = {
  open: true,
  insertRun: true,
  claimRun: true,
  write: true,
  removeRun: true,
  tableSettings: true,
  listRuns: true,
  runIdsLike: true,
  livingRuns: true,
  readRun: true,
  close: true,
};

/** A store whose calls all go through one function, which answers each as the method of that name would. */
export function storeOver(ask: (call: StoreCall, argument: unknown) => Promise<unknown>): LogStore {
  // The keys of `CALLS` are those of a store.
  const calls = Object.keys(CALLS) as StoreCall[];
  const methods = calls.map((call) => [call, (argument: unknown) => ask(call, argument)]);
  // All methods are there; `ask` promises their answers.
  return Object.fromEntries(methods) as LogStore;
}
