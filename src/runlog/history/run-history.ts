import type { PreviousColumn } from '../../export/resume/previous-attempt.js';
import type { FileRecord, PartitionRecord, RunHistory, RunRecord, RunSummary, TableRecord } from './history.js';
import type { LoggedError } from './history.js';
import type { FileRow, PartitionRow, ShownJobRow, ShownRunRow, StoredRun } from '../model/row-types.js';

/** The log's rows as the rest of the program reads them. */
export function runHistory({ run, jobs, partitions, files }: StoredRun): RunHistory {
  return {
    run: runRecord(run),
    tables: jobs.map(tableRecord),
    partitions: partitions.map(partitionRecord),
    files: files.map(fileRecord),
  };
}

/** One line of the list of runs. */
export function runSummary(row: ShownRunRow): RunSummary {
  return {
    runId: row.run_id,
    state: row.status,
    envName: row.env_name ?? undefined,
    sourceType: row.source_db_type ?? undefined,
    sourceServer: row.source_server ?? undefined,
    sourceDatabase: row.source_database ?? undefined,
    target: row.target,
    consistency: row.consistency ?? undefined,
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
    tables: row.table_count ?? undefined,
    completedTables: row.completed_tables,
    failedTables: row.failed_tables,
    rows: row.row_count,
    bytes: row.byte_count,
    files: row.file_count,
    attempt: row.attempt,
    error: loggedError(row),
  };
}

function runRecord(row: ShownRunRow): RunRecord {
  return {
    ...runSummary(row),
    toolVersion: row.tool_version,
    commandLine: row.command_line,
    settings: JSON.parse(row.settings),
    snapshotId: row.snapshot_id ?? undefined,
    snapshotAt: row.snapshot_at ?? undefined,
    heartbeatAt: row.heartbeat_at,
    process: JSON.parse(row.process),
    holder: row.holder,
  };
}

function tableRecord(row: ShownJobRow): TableRecord {
  return {
    jobId: row.job_id,
    schema: row.source_schema,
    table: row.source_table,
    kind: row.table_kind ?? undefined,
    storageId: row.storage_id ?? undefined,
    directory: row.directory ?? undefined,
    path: row.path ?? undefined,
    method: row.method ?? undefined,
    degree: row.degree ?? undefined,
    partitions: row.partition_count,
    estimatedRows: row.estimated_rows ?? undefined,
    estimatedBytes: row.estimated_bytes ?? undefined,
    // Written by `plannedJob`, by nobody else.
    columns: optional(row.columns, (text) => JSON.parse(text) as PreviousColumn[]),
    state: row.status,
    attempts: row.attempts,
    rows: row.row_count ?? undefined,
    bytes: row.byte_count ?? undefined,
    files: row.file_count ?? undefined,
    consistency: row.consistency ?? undefined,
    // As above.
    unrepresentable: JSON.parse(row.unrepresentable ?? '{}') as Record<string, number>,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    error: loggedError(row),
  };
}

function partitionRecord(row: PartitionRow): PartitionRecord {
  return {
    partitionId: row.partition_id,
    jobId: row.job_id,
    sliceIndex: row.slice_index,
    method: row.method,
    bounds: row.bounds,
    slice: optional(row.slice, parse),
    state: row.state,
    attempts: row.attempts,
    rows: row.row_count ?? undefined,
    bytes: row.byte_count ?? undefined,
    staged: optional(row.staged, parse),
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    error: loggedError({ ...row, error_class: null }),
  };
}

function fileRecord(row: FileRow): FileRecord {
  return {
    fileId: row.file_id,
    jobId: row.job_id,
    sliceIndex: row.slice_index,
    storageId: row.storage_id,
    objectPath: row.object_path,
    path: row.path,
    rows: row.row_count,
    bytes: row.byte_count,
    sha256: row.sha256,
    rowGroups: row.row_groups,
    publishedAt: row.published_at,
  };
}

function loggedError(row: {
  readonly error_class: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly error_hint?: string | null;
}): LoggedError | undefined {
  if (row.error_message === null) return undefined;
  return {
    class: row.error_class ?? undefined,
    code: row.error_code ?? undefined,
    message: row.error_message,
    hint: row.error_hint ?? undefined,
  };
}

function parse(text: string): unknown {
  return JSON.parse(text);
}

function optional<Value, Answer>(value: Value | null, read: (value: Value) => Answer): Answer | undefined {
  return value === null ? undefined : read(value);
}
