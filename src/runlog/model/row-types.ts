/**
 * The rows of the run log as they are written: plain data, so that they can go to a thread and into a file. Named as the
 * database names them, with its `null`.
 */

export type LoggedState = 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';

/** As people see it: what a dead process was at work on is `interrupted`. */
export type ShownState = LoggedState | 'interrupted';

/** One run; its heartbeat is the log's own business. */
export interface RunRow {
  readonly run_id: string;
  readonly state: LoggedState;
  /** Grows with each process that works on the run: 1, and one more for every resume. */
  readonly attempt: number;
  /** Names the process that may write to the run; whoever resumes the run puts another one here. */
  readonly holder: string;
  /** `ProcessIdentity` as JSON. */
  readonly process: string;
  readonly tool_version: string;
  readonly env_name: string | null;
  /** Without secrets. */
  readonly command_line: string;
  /** JSON; without secrets. */
  readonly settings: string;
  readonly source_db_type: string | null;
  readonly source_server: string | null;
  readonly source_database: string | null;
  /** For people. */
  readonly target: string;
  readonly consistency: string | null;
  readonly snapshot_id: string | null;
  readonly snapshot_at: Date | null;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly table_count: number | null;
  readonly completed_tables: number;
  readonly failed_tables: number;
  readonly row_count: number;
  readonly byte_count: number;
  readonly file_count: number;
  readonly error_class: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

/** One table of a run. */
export interface JobRow {
  readonly run_id: string;
  /** Position in the plan, from 0. */
  readonly job_id: number;
  readonly source_schema: string;
  readonly source_table: string;
  readonly table_kind: string | null;
  readonly storage_id: string | null;
  /** Of the table, relative to the storage's base. */
  readonly directory: string | null;
  /** For people. */
  readonly path: string | null;
  readonly method: string | null;
  readonly degree: number | null;
  readonly partition_count: number;
  readonly estimated_rows: number | null;
  readonly estimated_bytes: number | null;
  /**
   * JSON of `[name, source type, nullable]`, to see on a resume whether the table has changed. Of a published table, a
   * column whose arrays lost bounds has their number as a fourth.
   */
  readonly columns: string | null;
  readonly state: LoggedState;
  /** How often reading the table was begun. */
  readonly attempts: number;
  readonly row_count: number | null;
  readonly byte_count: number | null;
  readonly file_count: number | null;
  /** Where it is another than the run's. */
  readonly consistency: string | null;
  /** JSON by column; null for none. */
  readonly unrepresentable: string | null;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly error_class: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly error_hint: string | null;
}

/** One slice of a table. */
export interface PartitionRow {
  readonly run_id: string;
  /** Counts over the whole run, from 0. */
  readonly partition_id: number;
  readonly job_id: number;
  /** Position among the table's slices, from 0. */
  readonly slice_index: number;
  readonly method: string;
  readonly bounds: string;
  /** The slice as JSON; null where the table is read in one piece, for which a new plan serves as well. */
  readonly slice: string | null;
  /** `completed`: staged, or published already. */
  readonly state: LoggedState;
  readonly attempts: number;
  readonly row_count: number | null;
  readonly byte_count: number | null;
  /** `SliceOutcome` as JSON while its files are staged and not published. */
  readonly staged: string | null;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

/** One published file. */
export interface FileRow {
  readonly run_id: string;
  /** Counts over the whole run, from 0. */
  readonly file_id: number;
  readonly job_id: number;
  readonly slice_index: number;
  readonly storage_id: string;
  /** Relative to the storage's base. */
  readonly object_path: string;
  /** For people. */
  readonly path: string;
  readonly row_count: number;
  readonly byte_count: number;
  /** Lower case hex. */
  readonly sha256: string;
  readonly row_groups: number;
  readonly published_at: Date;
}

/** Changes of one table's rows: first those of `stale` ids go, then `rows` come. */
export interface RowChanges<Row> {
  readonly stale: readonly number[];
  readonly rows: readonly Row[];
}

/** What is to be written at once: all of it, or nothing. Plain data; may be written twice. */
export interface LogBatch {
  readonly run: RunRow;
  /** True where the log has nothing of the run, or nothing any more. */
  readonly isNew: boolean;
  readonly jobs: RowChanges<JobRow>;
  readonly partitions: RowChanges<PartitionRow>;
  readonly files: RowChanges<FileRow>;
}

/** How a batch fared. `missing`: the log knows no such run; `taken`: another process has resumed it meanwhile. */
export type WriteOutcome = 'written' | 'missing' | 'taken';

/** A run as the log gives it back. */
export interface ShownRunRow extends RunRow {
  readonly status: ShownState;
  /** By the database's clock. */
  readonly heartbeat_at: Date;
}

export interface ShownJobRow extends JobRow {
  readonly status: ShownState;
}

/** All rows of a run, in the order of their ids. */
export interface StoredRun {
  readonly run: ShownRunRow;
  readonly jobs: readonly ShownJobRow[];
  readonly partitions: readonly PartitionRow[];
  readonly files: readonly FileRow[];
}
