import type { PublishedFile } from '../../export/model/observer.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { RunResult, TableResult } from '../../export/model/result.js';
import type { TableSync } from '../../export/model/table-sync.js';
import type { SliceOutcome } from '../../export/model/slice-outcome.js';
import type { Slice } from '../../sources/source.js';
import type { RunOwner } from '../run-owner.js';

/** What is known at the moments of a run at which columns of the log get their values. */

/** Hides secrets in text that comes from elsewhere. */
export type Redact = (text: string) => string;

/** A run that begins. */
export interface NewRun {
  readonly runId: string;
  readonly startedAt: Date;
  /** As typed; secrets are hidden here. */
  readonly commandLine: string;
  /** All that a resume needs to know besides the auth file: plain data, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Human-readable. */
  readonly target: string;
  readonly envName: string | undefined;
  /** The stored sync that it is a run of. */
  readonly syncId?: string | undefined;
  /** The source's engine. */
  readonly sourceType: string;
}

export interface RunBegin {
  readonly run: NewRun;
  readonly owner: RunOwner;
  readonly redact: Redact;
}

export interface RunPlanned {
  readonly plan: RunPlan;
  /** Tables of all attempts. */
  readonly tableCount: number;
}

export interface RunResulted {
  readonly result: RunResult;
  readonly startedAt: Date;
  readonly redact: Redact;
}

export interface TableResulted {
  readonly result: TableResult;
  /** The result, if it is that of a published table. */
  readonly published: TableResult | undefined;
  /** The row before the result. */
  readonly before: {
    readonly started_at: Date | null;
    readonly columns: string | null;
    readonly sync: string | null;
  };
  readonly redact: Redact;
}

/** A sync of a table was published. */
export interface TableSynced {
  readonly result: TableResult;
  readonly sync: TableSync;
  readonly run: {
    readonly run_id: string;
    readonly sync_id: string | null;
    readonly source_db_type: string | null;
    readonly source_server: string | null;
    readonly source_database: string | null;
  };
  readonly jobId: number;
  /** See `PlaceOf`. */
  readonly place: string;
  /** Of the snapshot that it was read from. */
  readonly snapshotAt: Date | null;
  readonly recordedAt: Date;
}

/** A text that is the same for the same place of a table, whatever the storage's id and the working directory are. */
export type PlaceOf = (table: { readonly storageId: string; readonly path: string }) => string | undefined;

export interface SlicePlanned {
  readonly slice: Slice;
  /** The table is read in one piece. */
  readonly isOnly: boolean;
  readonly runId: string;
  readonly jobId: number;
  readonly partitionId: number;
}

export interface SliceStaged {
  readonly outcome: SliceOutcome;
  readonly startedAt: Date | null;
}

export interface FilePublished {
  readonly file: PublishedFile;
  readonly runId: string;
  readonly jobId: number;
  readonly fileId: number;
  readonly publishedAt: Date;
}
