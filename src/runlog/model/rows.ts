import type { ColumnType } from 'kysely';

import type {
  FILES,
  JOBS,
  PARTITION_COLUMNS,
  PARTITIONS,
  RUNS,
  SYNC_LOCKS,
  SYNCS,
  WATERMARKS,
  WORKERS,
} from './columns.js';
import type { Row, StoredRow } from './log-table.js';
import type { ShownState } from './run-outcome.js';

/**
 * Rows of the run log as the program writes them: plain data that can be sent to a thread and saved in a file. Names and
 * `null` are the database's.
 */

export type RunRow = Row<typeof RUNS.columns>;
export type JobRow = Row<typeof JOBS.columns>;
export type PartitionRow = Row<typeof PARTITIONS.columns>;
export type FileRow = Row<typeof FILES.columns>;
export type WatermarkRow = Row<typeof WATERMARKS.columns>;
export type SyncRow = Row<typeof SYNCS.columns>;
export type StoredSyncRow = StoredRow<typeof SYNCS.columns>;
export type WorkerRow = Row<typeof WORKERS.columns>;
export type PartitionColumnsRow = Row<typeof PARTITION_COLUMNS.columns>;

/** Changes to the rows of one table: those of `stale` ids are deleted, then `rows` are inserted. */
export interface RowChanges<Changed> {
  readonly stale: readonly number[];
  readonly rows: readonly Changed[];
}

/** Everything to write in one transaction. Plain data; writing it twice does no harm. */
export interface LogBatch {
  readonly run: RunRow;
  /** True if the log has no rows of the run, or has lost them. */
  readonly isNew: boolean;
  readonly jobs: RowChanges<JobRow>;
  readonly partitions: RowChanges<PartitionRow>;
  readonly files: RowChanges<FileRow>;
  /** By the ids of their jobs. */
  readonly watermarks: RowChanges<WatermarkRow>;
}

/** The outcome of writing a batch. `missing`: the log has no such run; `taken`: another process has resumed it. */
export type WriteOutcome = 'written' | 'missing' | 'taken';

/** A run as the log gives it back. */
export type ShownRunRow = StoredRow<typeof RUNS.columns> & { readonly status: ShownState };

export type ShownJobRow = JobRow & { readonly status: ShownState };

/** All rows of a run, in the order of their ids. */
export interface StoredRun {
  readonly run: ShownRunRow;
  readonly jobs: readonly ShownJobRow[];
  readonly partitions: readonly PartitionRow[];
  readonly files: readonly FileRow[];
}

/** The run log's tables and views, as the query builder knows them. */
export interface LogSchema {
  export_runs: Queried<StoredRow<typeof RUNS.columns>>;
  export_jobs: Queried<JobRow>;
  export_partitions: Queried<PartitionRow>;
  export_files: Queried<FileRow>;
  export_watermarks: Queried<WatermarkRow>;
  export_syncs: Queried<StoredSyncRow>;
  export_sync_locks: Queried<StoredRow<typeof SYNC_LOCKS.columns>>;
  export_workers: Queried<StoredRow<typeof WORKERS.columns>>;
  partition_columns: Queried<PartitionColumnsRow>;
  // Of the views, what the program itself reads.
  runs: Queried<{ readonly run_id: string; readonly status: ShownState }>;
  jobs: Queried<{ readonly run_id: string; readonly job_id: number; readonly status: ShownState }>;
}

/** Some drivers give 64-bit numbers as text, and SQLite gives times so. */
type Queried<Columns> = {
  readonly [Name in keyof Columns]: [Columns[Name]] extends [Date | null] | [number | null]
    ? ColumnType<Columns[Name] | string, Columns[Name], Columns[Name]>
    : Columns[Name];
};
