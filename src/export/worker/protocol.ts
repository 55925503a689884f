import type { ErrorData } from '../../errors.js';
import type { Dataset } from '../../model/dataset.js';
import type { ReadColumn, ReaderSettings, Slice, Snapshot } from '../../sources/source.js';
import type { StorageTarget } from '../../storage/target.js';
import type { StagedPart } from '../../storage/storage.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { SliceOutcome } from '../model/slice-outcome.js';

/**
 * What passes between the main thread and its workers. Plain data only, so that a worker may as well sit in another
 * process, or on another machine.
 */

/** Given to a worker at its start. Holds secrets: it goes nowhere else. */
export interface WorkerSetup {
  readonly runId: string;
  readonly reader: ReaderSettings;
  readonly targets: readonly StorageTarget[];
  readonly files: FileOptions;
  readonly onUnrepresentable: 'error' | 'null';
}

/** One slice to read into staged parts: the unit of work, of failure, and of a later attempt. */
export interface SliceTask {
  readonly dataset: Dataset;
  readonly columns: readonly ReadColumn[];
  readonly slice: Slice;
  /** What the reader is to see. */
  readonly snapshot: Snapshot;
  readonly storageId: string;
  /** About how large the slice's file may get; undefined where nobody knows. */
  readonly expectedBytes?: number | undefined;
  /** The table's, relative to the storage's base. */
  readonly directory: string;
  /** `schema`: nothing is read, and one file without rows is staged. */
  readonly mode: 'rows' | 'schema';
  /** The table's only slice: it gives a file even if it has no rows, and its files keep their numbers. */
  readonly isOnlySlice: boolean;
}

export type ToWorker =
  | { readonly type: 'task'; readonly id: number; readonly task: SliceTask }
  /** The task's answer is `failed`, unless it is done already. */
  | { readonly type: 'cancel'; readonly id: number }
  /** The worker ends its connection and exits. */
  | { readonly type: 'close' };

export type FromWorker =
  /** Sums of the task so far. */
  | { readonly type: 'progress'; readonly id: number; readonly rows: number; readonly bytes: number }
  /** Told at once, so that the part can be withdrawn even if the worker dies. */
  | { readonly type: 'staged'; readonly id: number; readonly part: StagedPart }
  | { readonly type: 'done'; readonly id: number; readonly outcome: SliceOutcome }
  /** Parts that were told as `staged` are still there. */
  | { readonly type: 'failed'; readonly id: number; readonly failure: TaskFailure };

export interface TaskFailure {
  readonly error: ErrorData;
  /** True where the worker could not even connect to the source: nothing is known of the slice. */
  readonly unconnected: boolean;
}
