import type { LakeportError } from '../errors.js';
import type { TableId } from '../sources/source.js';
import type { RunPlan } from './plan.js';
import type { RunResult, TableResult } from './result.js';

/** What the run tells to whoever watches: progress display, log, run log. Calls are cheap and never throw. */
export interface RunObserver {
  /** One line worth a log entry, below a table's level. */
  message?(level: 'debug' | 'info' | 'warning', text: string, fields?: Readonly<Record<string, unknown>>): void;
  planned?(plan: RunPlan): void;
  tableStarted?(table: TableId): void;
  /** Sums so far of the table, a few times a second at most. `bytes` came over the wire. */
  tableProgress?(table: TableId, progress: { readonly rows: number; readonly bytes: number }): void;
  /** Once for each selected table, however it ended: also for those that were never started. */
  tableEnded?(result: TableResult): void;
  /** Before `tableEnded` of a table that fails. */
  tableFailed?(table: TableId, error: LakeportError): void;
  ended?(result: RunResult): void;
}
