import type { DisplayPath } from '../../model/display-path.js';
import type { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import type { HeldSnapshot } from '../../sources/source.js';
import type { RunPlan } from './plan.js';
import type { RunResult, TableResult } from './result.js';
import type { SliceOutcome } from './slice-outcome.js';

/** A published file. */
export interface PublishedFile {
  /** Position of its slice among the table's. */
  readonly slice: number;
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly path: string;
  readonly displayPath: DisplayPath;
  readonly rows: number;
  readonly bytes: number;
  /** Lower case hex. */
  readonly sha256: string;
  readonly rowGroups: number;
}

/** Receives the events of a run, for the progress display, event log and run log. Calls are cheap and never throw. */
export interface RunObserver {
  /** A message for the event log. */
  message?(level: 'debug' | 'info' | 'warning', text: string, fields?: Readonly<Record<string, unknown>>): void;
  planned?(plan: RunPlan): void;
  /** The snapshot was lost and replaced: the tables that start or restart from the new one. */
  replanned?(plan: RunPlan): void;
  /** The session that held the snapshot was lost, and another one of this process holds the same now. */
  snapshotTakenOver?(held: HeldSnapshot): void;
  tableStarted?(table: TableId): void;
  /** The table's sums so far, at most a few times a second. `bytes` are bytes received from the source. */
  tableProgress?(table: TableId, progress: { readonly rows: number; readonly bytes: number }): void;
  /** A slice is being read, for the first time or again. */
  sliceStarted?(table: TableId, slice: number): void;
  /** All files of the slice are staged. */
  sliceStaged?(table: TableId, slice: number, outcome: SliceOutcome): void;
  /** Reading a slice failed; `final` if it is not retried. */
  sliceFailed?(
    table: TableId,
    slice: number,
    failure: { readonly error: LakeportError; readonly final: boolean },
  ): void;
  /** The table's files are visible, `_SUCCESS` included. */
  tablePublished?(table: TableId, files: readonly PublishedFile[]): void;
  /** Once for each selected table, however it ended, including tables never started. */
  tableEnded?(result: TableResult): void;
  /** Before `tableEnded` of a table that fails. */
  tableFailed?(table: TableId, error: LakeportError): void;
  ended?(result: RunResult): void;
}
