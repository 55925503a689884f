import type { ErrorData } from '../../errors.js';
import type { Compat } from '../../columns/compat.js';
import type { Dataset } from '../../model/dataset.js';
import type { TableMetadata } from '../../model/table-metadata.js';
import type { ReadColumn, ReaderSettings, Slice, Snapshot } from '../../sources/source.js';
import type { StorageTarget } from '../../storage/target.js';
import type { StagedPart } from '../../storage/storage.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { ConstantColumn } from '../model/constant-column.js';
import type { SliceOutcome } from '../model/slice-outcome.js';

/**
 * Messages between the main thread and its workers. Plain data only, so a worker could also run in another process or
 * on another machine.
 */

/** Several workers may share a thread, which tells them apart by their numbers. */
export interface ToThread {
  readonly worker: number;
  /** The first one starts the worker. */
  readonly message: ToWorker;
}

export interface FromThread {
  readonly worker: number;
  /** `closed`: the worker's last. The thread ends with its last worker. */
  readonly message: FromWorker | { readonly type: 'closed' };
}

/** Passed to a thread of workers when it starts. Contains secrets: do not log or store it. */
export interface WorkerSetup {
  readonly runId: string;
  readonly reader: ReaderSettings;
  readonly targets: readonly StorageTarget[];
  readonly files: FileOptions;
  readonly compat?: Compat | undefined;
  readonly onUnrepresentable: 'error' | 'null';
}

/** One slice to read into staged files: the unit of work, failure and retry. */
export interface SliceTask {
  readonly dataset: Dataset;
  readonly columns: readonly ReadColumn[];
  /** Columns of the files that are not read. */
  readonly added?: readonly ConstantColumn[] | undefined;
  /** What the files' footers say of the table. */
  readonly metadata?: TableMetadata | undefined;
  readonly slice: Slice;
  /** The snapshot to read from. */
  readonly snapshot: Snapshot;
  readonly storageId: string;
  /** Approximate size of the slice's file; undefined if unknown. */
  readonly expectedBytes?: number | undefined;
  /** The table's directory, relative to the storage's base. */
  readonly directory: string;
  /** `schema`: reads nothing and stages one file without rows. */
  readonly mode: 'rows' | 'schema';
  /** The table's only slice: it produces a file even without rows, and its files keep their numbers. */
  readonly isOnlySlice: boolean;
  /** Number of the table's sync; undefined if it is exported whole. */
  readonly sync?: number | undefined;
  /** Whether the table needs no file if it has no rows. */
  readonly mayBeEmpty?: boolean | undefined;
}

export type ToWorker =
  /** The worker connects to the source ahead of its first task, and sends no answer. */
  | { readonly type: 'connect'; readonly snapshot: Snapshot }
  | { readonly type: 'task'; readonly id: number; readonly task: SliceTask }
  /** The task ends with `failed`, unless it is already done. */
  | { readonly type: 'cancel'; readonly id: number }
  /** The worker closes its connection and ends. */
  | { readonly type: 'close' };

export type FromWorker =
  /** The task's sums so far. */
  | { readonly type: 'progress'; readonly id: number; readonly rows: number; readonly bytes: number }
  /** Sent at once, so the file can be discarded even if the worker dies. */
  | { readonly type: 'staged'; readonly id: number; readonly part: StagedPart }
  | { readonly type: 'done'; readonly id: number; readonly outcome: SliceOutcome }
  /** Files reported as `staged` still exist. */
  | { readonly type: 'failed'; readonly id: number; readonly failure: TaskFailure };

export interface TaskFailure {
  readonly error: ErrorData;
  /** Whether the worker failed to connect to the source: the slice is not to blame. */
  readonly unconnected: boolean;
}
