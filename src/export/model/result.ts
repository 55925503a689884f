import type { ErrorData, ExitClass } from '../../errors.js';
import type { RowCheckResult } from './row-check.js';
import type { TableId } from '../../model/table.js';
import type { Consistency } from '../../sources/source.js';
import type { SkippedTable } from './skipped-tables.js';

/** How one table ended. */
export interface TableResult {
  readonly table: TableId;
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** Wall time from the table's first slice to its publication. */
  readonly seconds: number;
  /** Of the storage that the table goes to. */
  readonly storageId: string;
  /** For people: where the table's files are. */
  readonly path: string;
  /** For people: where the manifest of a published table is; undefined for none. */
  readonly manifest?: string | undefined;
  /** Values written as NULL because their Parquet type can't hold them, by column. */
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** Arrays that do not begin at 1, which what is written can't tell, by column. */
  readonly lostBounds?: Readonly<Record<string, number>> | undefined;
  readonly error: ErrorData | undefined;
  /** What the files hold, where it is another than the run's. */
  readonly consistency?: Consistency | undefined;
  /** Of a published table. */
  readonly rowCheck?: RowCheckResult | undefined;
  /** Attempts of the slice that took the most; absent for those of one. */
  readonly attempts?: number | undefined;
  /** An earlier attempt of the same run had published it; what is said of it comes from that attempt. */
  readonly publishedEarlier?: true | undefined;
}

/** How the run ended. */
export interface RunResult {
  readonly runId: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly consistency: Consistency;
  readonly tables: readonly TableResult[];
  /** Tables of which there was nothing to read: no failures. */
  readonly skipped: readonly SkippedTable[];
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** Undefined when every selected table was published. */
  readonly exit: ExitClass | undefined;
}
