import type { LogBatch, RunRow, ShownRunRow, StoredRun, WriteOutcome } from './rows.js';
import type { TableSettings } from './table-settings.js';

/** What happens to what the log holds before the run: nothing, or it is emptied, or made anew. */
export type LogMode = 'preserve' | 'truncate' | 'drop';

/** Which process works on a run. */
export interface Holder {
  /** Random: names this process's hold on the run. */
  readonly holder: string;
  /** `ProcessIdentity` as JSON. */
  readonly process: string;
}

/**
 * A log database, wherever the code that talks to it runs: arguments and answers are plain data. Calls are carried out
 * one after the other; each may fail with a `LakeportError`, after which the next one connects anew.
 */
export interface LogStore {
  /** Connects and brings the schema up to date. The log's address, for people. */
  open(options: { readonly mode: LogMode }): Promise<string>;
  /** Records a run's begin. @throws LakeportError where the log has a run of this id */
  insertRun(run: RunRow): Promise<void>;
  /** Takes over a run that no living process holds. @throws LakeportError where that can't be */
  claimRun(claim: { readonly runId: string } & Holder): Promise<StoredRun>;
  write(batch: LogBatch): Promise<WriteOutcome>;
  /** The user's settings for tables of this database and environment. */
  tableSettings(of: {
    readonly engine: string;
    readonly database: string;
    readonly envName: string | undefined;
  }): Promise<TableSettings[]>;
  /** The latest first. */
  listRuns(options: { readonly limit: number }): Promise<ShownRunRow[]>;
  /** @throws LakeportError where the log has no such run */
  readRun(runId: string): Promise<StoredRun>;
  /** Never throws. */
  close(): Promise<void>;
}
