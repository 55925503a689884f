import type { ColumnSpec } from '../../columns/column-spec.js';
import type { ErrorData } from '../../errors.js';
import type { StagedPart } from '../../storage/storage.js';
import type { StorageTarget } from '../../storage/target.js';
import type { MergeableTable, StayingFile } from '../formats/table-format.js';
import type { StagedFile } from '../model/slice-outcome.js';
import type { StagedMerge } from './merge-parts.js';
import type { SourceKeysRead } from './source-keys.js';

/** Messages between the main thread and the thread that merges files. Plain data only. */

/** Contains secrets: do not log or store it. */
export interface CompactTask {
  readonly runId: string;
  readonly target: StorageTarget;
  readonly table: MergeableTable;
  /** Of the publication that it is for. */
  readonly number: number;
  /** If rows that the source has no more are looked for. */
  readonly keys?: SourceKeysRead | undefined;
  /**
   * `merge`: writes the last row of each key to new files. `deleted`: writes the keys that the source has no more to a
   * file of their own. `count`: writes nothing.
   */
  readonly result: 'merge' | 'deleted' | 'count';
  /** Keys held in memory at once; undefined for the usual. */
  readonly keysAtOnce?: number | undefined;
  /** Size from which on a file without superseded rows stays; undefined for the usual. */
  readonly stayingBytes?: number | undefined;
}

interface CompactCounts {
  readonly rowsBefore: number;
  readonly rows: number;
  /** Keys with rows that the source has no more. */
  readonly deletedKeys: number;
  /** Keys of the source that no row has. */
  readonly missingKeys: number;
}

export interface CompactOutcome extends CompactCounts {
  /** Of a merge. */
  readonly files: readonly StagedMerge[];
  /** Files without superseded rows, which need not be written anew. */
  readonly staying: readonly StayingFile[];
  readonly columns: readonly ColumnSpec[];
  /** With the keys that the source has no more; undefined if there are none. */
  readonly deleted?: StagedFile | undefined;
}

/** The task ends with `failed`, unless it is already done. */
export type ToCompactor = { readonly type: 'cancel' };

export type FromCompactor =
  | { readonly type: 'progress'; readonly rows: number }
  /** Sent at once, so that the file can be discarded even if the thread dies. */
  | { readonly type: 'staged'; readonly part: StagedPart }
  | { readonly type: 'done'; readonly outcome: CompactOutcome }
  | { readonly type: 'failed'; readonly error: ErrorData };
