import type { ColumnType } from 'kysely';

import type { FileRow, JobRow, PartitionRow, RunRow, ShownState } from './row-types.js';

/** The run log's tables and views, as the query builder knows them. */
export interface LogSchema {
  export_runs: Columns<RunRow & { readonly heartbeat_at: Date }>;
  export_jobs: Columns<JobRow>;
  export_partitions: Columns<PartitionRow>;
  export_files: Columns<FileRow>;
  partition_columns: Columns<PartitionColumnsRow>;
  runs: Columns<RunsView>;
  jobs: Columns<JobsView>;
}

/** Settings that users keep for their tables, by LakeXpress's names. */
export interface PartitionColumnsRow {
  readonly source_db_type: string | null;
  readonly source_database: string | null;
  readonly source_schema: string | null;
  readonly source_table: string | null;
  readonly fastbcp_method: string | null;
  readonly fastbcp_parallel_degree: number | null;
  readonly fastbcp_distribution_key: string | null;
  readonly env_name: string | null;
}

/** As far as the program itself reads it. */
interface RunsView {
  readonly run_id: string;
  readonly status: ShownState;
}

interface JobsView {
  readonly run_id: string;
  readonly job_id: number;
  readonly status: ShownState;
}

/** 64-bit numbers come from some drivers as text, and times from SQLite. */
type Columns<Row> = {
  readonly [Name in keyof Row]: Column<Row[Name]>;
};

type Column<Value> = [Value] extends [Date | null]
  ? ColumnType<Value | string, Value, Value>
  : [Value] extends [number | null]
    ? ColumnType<Value | string, Value, Value>
    : Value;
