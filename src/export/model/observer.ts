import type { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import type { RunPlan } from './plan.js';
import type { RunResult, TableResult } from './result.js';
import type { SliceOutcome } from './slice-outcome.js';

/** A file that readers can see. */
export interface PublishedFile {
  /** Position of its slice among the table's. */
  readonly slice: number;
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly path: string;
  /** For people. */
  readonly displayPath: string;
  readonly rows: number;
  readonly bytes: number;
  /** Lower case hex. */
  readonly sha256: string;
  readonly rowGroups: number;
}

/** What the run tells to whoever watches: progress display, log, run log. Calls are cheap and never throw. */
export interface RunObserver {
  /** One line worth a log entry, below a table's level. */
  message?(level: 'debug' | 'info' | 'warning', text: string, fields?: Readonly<Record<string, unknown>>): void;
  planned?(plan: RunPlan): void;
  /** The snapshot was lost, and there is another one: the tables that begin with it, or anew. */
  replanned?(plan: RunPlan): void;
  tableStarted?(table: TableId): void;
  /** Sums so far of the table, a few times a second at most. `bytes` came over the wire. */
  tableProgress?(table: TableId, progress: { readonly rows: number; readonly bytes: number }): void;
  /** A slice is being read, for the first time or once more. */
  sliceStarted?(table: TableId, slice: number): void;
  /** All files of the slice are staged: it need not be read again. */
  sliceStaged?(table: TableId, slice: number, outcome: SliceOutcome): void;
  /** Reading a slice failed; `final` where it is not tried again. */
  sliceFailed?(
    table: TableId,
    slice: number,
    failure: { readonly error: LakeportError; readonly final: boolean },
  ): void;
  /** The table's files are visible, `_SUCCESS` included. */
  tablePublished?(table: TableId, files: readonly PublishedFile[]): void;
  /** Once for each selected table, however it ended: also for those that were never started. */
  tableEnded?(result: TableResult): void;
  /** Before `tableEnded` of a table that fails. */
  tableFailed?(table: TableId, error: LakeportError): void;
  ended?(result: RunResult): void;
}
