import { FILES, JOBS, PARTITIONS, RUNS, type SYNCS, type WATERMARKS } from './columns.js';
import type { RecordOf } from './log-table.js';
import type { ShownJobRow, ShownRunRow, StoredRun } from './rows.js';
import type { LoggedState, ShownState } from './run-outcome.js';

/** What the log knows of a run, as reports and a resume read it. Plain data. */
export interface RunHistory {
  readonly run: RunRecord;
  /** In the order of the plan. */
  readonly tables: readonly TableRecord[];
  readonly partitions: readonly PartitionRecord[];
  readonly files: readonly FileRecord[];
}

export interface RunRecord extends RecordOf<typeof RUNS.columns> {
  /** `interrupted`: its process is gone. */
  readonly state: ShownState;
  readonly error: LoggedError | undefined;
}

/** One line of `lakeport runs`. */
export type RunSummary = Omit<
  RunRecord,
  'toolVersion' | 'commandLine' | 'settings' | 'snapshotId' | 'snapshotAt' | 'heartbeatAt' | 'process' | 'holder'
>;

export interface TableRecord extends RecordOf<typeof JOBS.columns> {
  readonly state: ShownState;
  readonly error: LoggedError | undefined;
}

export interface PartitionRecord extends RecordOf<typeof PARTITIONS.columns> {
  readonly state: LoggedState;
  readonly error: LoggedError | undefined;
}

export type FileRecord = RecordOf<typeof FILES.columns>;

/** A stored sync. */
export type SyncRecord = RecordOf<typeof SYNCS.columns>;

/** A sync to store. */
export interface NewSync {
  readonly syncId: string;
  readonly envName: string | undefined;
  /** As typed; secrets are hidden here. */
  readonly commandLine: string;
  /** Plain data, without secrets. */
  readonly settings: unknown;
}

/** Where a sync of a table ended. */
export type WatermarkRecord = RecordOf<typeof WATERMARKS.columns>;

export interface LoggedError {
  /** Exit class, such as `unreachable`. */
  readonly class: string | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
}

export function runHistory({ run, jobs, partitions, files }: StoredRun): RunHistory {
  return {
    run: runRecord(run),
    tables: jobs.map(tableRecord),
    partitions: partitions.map((row) => ({ ...PARTITIONS.record(row), error: loggedError(row) })),
    files: files.map((row) => FILES.record(row)),
  };
}

export function runRecord(row: ShownRunRow): RunRecord {
  return { ...RUNS.record(row), state: row.status, error: loggedError(row) };
}

function tableRecord(row: ShownJobRow): TableRecord {
  return { ...JOBS.record(row), state: row.status, error: loggedError(row) };
}

function loggedError(row: {
  readonly error_class?: string | null;
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
