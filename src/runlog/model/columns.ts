import { VERSION } from '../../version.js';
import { columnsOnRecord, type PreviousColumn } from '../../export/resume/previous-attempt.js';
import { columnSpecs, type TablePlan } from '../../export/model/plan.js';
import { type Columns, json, LogTable } from './log-table.js';
import type { TableSync } from '../../export/model/table-sync.js';
import type {
  FilePublished,
  RunBegin,
  RunPlanned,
  RunResulted,
  SlicePlanned,
  SliceStaged,
  TableResulted,
  TableSynced,
} from './run-events.js';
import { failureOf, laterThan, LOGGED_STATES } from './run-outcome.js';
import { type AnnouncedSnapshot, WORKER_ROLES, type WorkerSlice } from './worker.js';

/**
 * The columns of the run log, each described once: type, NULL, where its value comes from, and how it is read. Rows,
 * records and their types follow from here. A new column takes a line here and a migration that adds it; migrations that
 * have been released stay as they are, and a test compares what they make with this description.
 */

/** `state` is the run's own word; readers see `status`, where the work of a dead process is `interrupted`. */
const STATE = { type: 'id', values: LOGGED_STATES, ofAttempt: true } as const;

/** Describes one attempt, and is unknown before it. */
const PER_ATTEMPT = { nullable: true, ofAttempt: true } as const;

/** One run. */
export const RUNS = new LogTable({
  run_id: { type: 'id', field: 'runId', begin: ({ run }) => run.runId },
  state: { ...STATE, initial: 'running' },
  /** Grows with each process that works on the run: 1, and one more for every resume. */
  attempt: { type: 'integer', initial: 1, field: 'attempt' },
  /** Random id of the process that may write to the run; a resume puts its own here. */
  holder: { type: 'id', field: 'holder', begin: ({ owner }) => owner.holder },
  /** `ProcessIdentity` of that process. */
  process: { type: 'text', field: 'process', parse: json<unknown>(), begin: ({ owner }) => owner.process },
  tool_version: { type: 'id', field: 'toolVersion', begin: () => VERSION },
  env_name: { type: 'name', nullable: true, field: 'envName', begin: ({ run }) => run.envName ?? null },
  /** The stored sync that it is a run of; such a run holds the sync's lock. */
  sync_id: { type: 'id', nullable: true, field: 'syncId', begin: ({ run }) => run.syncId ?? null },
  /** Without secrets. */
  command_line: { type: 'text', field: 'commandLine', begin: ({ run, redact }) => redact(run.commandLine) },
  /** All that a resume needs besides the auth file; without secrets. */
  settings: {
    type: 'text',
    field: 'settings',
    parse: json<unknown>(),
    begin: ({ run, redact }) =>
      JSON.stringify(run.settings, (_name, value: unknown) => (typeof value === 'string' ? redact(value) : value)),
  },
  source_db_type: { type: 'id', nullable: true, field: 'sourceType', begin: ({ run }) => run.sourceType },
  /** `host:port` */
  source_server: { type: 'text', nullable: true, field: 'sourceServer', plan: ({ plan }) => plan.server.address },
  source_database: { type: 'name', nullable: true, field: 'sourceDatabase', plan: ({ plan }) => plan.server.database },
  /** Human-readable. */
  target: { type: 'text', field: 'target', begin: ({ run, redact }) => redact(run.target) },
  consistency: {
    type: 'id',
    nullable: true,
    field: 'consistency',
    plan: ({ plan }) => plan.snapshot.consistency,
    result: ({ result }) => result.consistency,
  },
  snapshot_id: { type: 'text', nullable: true, field: 'snapshotId', plan: ({ plan }) => plan.snapshot.id ?? null },
  snapshot_at: {
    type: 'time',
    nullable: true,
    field: 'snapshotAt',
    plan: ({ plan }) => new Date(plan.snapshot.takenAt),
  },
  started_at: { type: 'time', field: 'startedAt', begin: ({ run }) => run.startedAt },
  ended_at: {
    ...PER_ATTEMPT,
    type: 'time',
    field: 'endedAt',
    result: ({ result, startedAt }) => laterThan(startedAt, result.seconds),
  },
  /** Renewed with every write: a run whose heartbeat is old has no process any more. */
  heartbeat_at: { type: 'time', byDatabase: true, field: 'heartbeatAt' },
  /** NULL before the run is planned. */
  table_count: { type: 'integer', nullable: true, field: 'tables', plan: ({ tableCount }) => tableCount },
  completed_tables: { type: 'integer', initial: 0, field: 'completedTables' },
  failed_tables: { type: 'integer', initial: 0, field: 'failedTables' },
  row_count: { type: 'bigint', initial: 0, field: 'rows' },
  byte_count: { type: 'bigint', initial: 0, field: 'bytes' },
  file_count: { type: 'integer', initial: 0, field: 'files' },
  error_class: { ...PER_ATTEMPT, type: 'id', result: ({ result }) => result.exit ?? null },
  error_code: { type: 'id', nullable: true, ofAttempt: true },
  error_message: {
    ...PER_ATTEMPT,
    type: 'text',
    result: ({ result, redact }) => (result.exit === undefined ? null : redact(failureOf(result))),
  },
} as const satisfies Columns<{ begin: RunBegin; plan: RunPlanned; result: RunResulted }>);

/** One table of a run. */
export const JOBS = new LogTable({
  run_id: { type: 'id' },
  /** Position in the plan, from 0. */
  job_id: { type: 'integer', field: 'jobId' },
  source_schema: { type: 'name', field: 'schema' },
  source_table: { type: 'name', field: 'table' },
  table_kind: { type: 'id', nullable: true, field: 'kind', plan: (plan) => plan.kind },
  storage_id: { type: 'text', nullable: true, field: 'storageId', plan: (plan) => plan.storageId },
  /** Relative to the storage's base. */
  directory: { type: 'text', nullable: true, field: 'directory', plan: (plan) => plan.directory },
  /** Human-readable. */
  path: {
    type: 'text',
    nullable: true,
    field: 'path',
    plan: (plan) => plan.displayPath,
    result: ({ result }) => result.path,
  },
  method: { type: 'id', nullable: true, field: 'method', plan: (plan) => plan.method },
  degree: { type: 'integer', nullable: true, field: 'degree', plan: (plan) => plan.degree },
  partition_count: { type: 'integer', initial: 0, field: 'partitions', plan: (plan) => plan.slices.length },
  estimated_rows: {
    type: 'bigint',
    nullable: true,
    field: 'estimatedRows',
    plan: (plan) => plan.estimatedRows ?? null,
  },
  estimated_bytes: {
    type: 'bigint',
    nullable: true,
    field: 'estimatedBytes',
    plan: (plan) => plan.estimatedBytes ?? null,
  },
  /** By which a resume sees whether the table has changed. */
  columns: {
    type: 'text',
    nullable: true,
    field: 'columns',
    parse: json<readonly PreviousColumn[] | undefined>(),
    plan: (plan) => JSON.stringify(columnsOnRecord(columnSpecs(plan))),
    result: ({ result, before }) => withLostBounds(before.columns, result.lostBounds ?? {}),
  },
  /** Which rows of the table are read, if it is synced incrementally; once it is published, what was read. */
  sync: {
    type: 'text',
    nullable: true,
    field: 'sync',
    parse: json<TableSync | undefined>(),
    plan: ({ sync }) => (sync === undefined ? null : JSON.stringify(sync)),
    result: ({ result: { sync }, before }) => (sync === undefined ? before.sync : JSON.stringify(sync)),
  },
  /** Id of the snapshot that all its rows are of; NULL if there is no such snapshot, or no other session can share it. */
  moment: { type: 'id', nullable: true, field: 'moment', plan: ({ moment }) => moment ?? null },
  state: { ...STATE, initial: 'pending', result: ({ result }) => result.state },
  /** How often reading the table was started. */
  attempts: { type: 'integer', initial: 0, field: 'attempts' },
  row_count: { ...PER_ATTEMPT, type: 'bigint', field: 'rows', result: ({ published }) => published?.rows ?? null },
  byte_count: { ...PER_ATTEMPT, type: 'bigint', field: 'bytes', result: ({ published }) => published?.bytes ?? null },
  file_count: { ...PER_ATTEMPT, type: 'integer', field: 'files', result: ({ published }) => published?.files ?? null },
  /** NULL if it is the run's. */
  consistency: { type: 'id', nullable: true, field: 'consistency', plan: (plan) => plan.consistency ?? null },
  /** Values written as NULL, by column; NULL for none. */
  unrepresentable: {
    ...PER_ATTEMPT,
    type: 'text',
    field: 'unrepresentable',
    parse: json<Readonly<Record<string, number>>>({}),
    result: ({ result: { unrepresentable } }) =>
      Object.keys(unrepresentable).length === 0 ? null : JSON.stringify(unrepresentable),
  },
  started_at: { ...PER_ATTEMPT, type: 'time', field: 'startedAt' },
  ended_at: {
    ...PER_ATTEMPT,
    type: 'time',
    field: 'endedAt',
    // A cancelled table may not have been started.
    result: ({ result, before }) =>
      result.state === 'cancelled' && before.started_at === null ? null : laterThan(before.started_at, result.seconds),
  },
  error_class: { ...PER_ATTEMPT, type: 'id', result: ({ result }) => result.error?.exit ?? null },
  error_code: { ...PER_ATTEMPT, type: 'id', result: ({ result }) => result.error?.code ?? null },
  error_message: {
    ...PER_ATTEMPT,
    type: 'text',
    result: ({ result: { error }, redact }) => (error === undefined ? null : redact(error.message)),
  },
  error_hint: {
    ...PER_ATTEMPT,
    type: 'text',
    result: ({ result: { error }, redact }) => (error?.hint === undefined ? null : redact(error.hint)),
  },
} as const satisfies Columns<{ plan: TablePlan; result: TableResulted }>);

/** One slice of a table. */
export const PARTITIONS = new LogTable({
  run_id: { type: 'id', plan: ({ runId }) => runId },
  /** Counts over the whole run, from 0. */
  partition_id: { type: 'integer', field: 'partitionId', plan: ({ partitionId }) => partitionId },
  job_id: { type: 'integer', field: 'jobId', plan: ({ jobId }) => jobId },
  /** Position among the table's slices, from 0. */
  slice_index: { type: 'integer', field: 'sliceIndex', plan: ({ slice }) => slice.index },
  method: { type: 'id', field: 'method', plan: ({ slice }) => slice.method },
  bounds: { type: 'text', field: 'bounds', plan: ({ slice }) => slice.bounds },
  /** NULL if the table is read in one piece, for which a new plan does as well: slices belong to their moment. */
  slice: {
    type: 'text',
    nullable: true,
    field: 'slice',
    parse: json<unknown>(),
    plan: ({ slice, isOnly }) => (isOnly ? null : JSON.stringify(slice)),
  },
  /** `completed`: staged or published. */
  state: { ...STATE, initial: 'pending', field: 'state' },
  attempts: { type: 'integer', initial: 0, field: 'attempts' },
  row_count: { type: 'bigint', nullable: true, field: 'rows', staged: ({ outcome }) => outcome.rows },
  byte_count: {
    type: 'bigint',
    nullable: true,
    field: 'bytes',
    staged: ({ outcome }) => outcome.files.reduce((sum, file) => sum + file.part.bytes, 0),
  },
  /** `SliceOutcome` while its files are staged and not published. */
  staged: {
    type: 'text',
    nullable: true,
    field: 'staged',
    parse: json<unknown>(),
    staged: ({ outcome }) => JSON.stringify(outcome),
  },
  started_at: { type: 'time', nullable: true, field: 'startedAt' },
  ended_at: { type: 'time', nullable: true, field: 'endedAt', staged: ({ startedAt }) => laterThan(startedAt) },
  error_code: { type: 'id', nullable: true, staged: () => null },
  error_message: { type: 'text', nullable: true, staged: () => null },
} as const satisfies Columns<{ plan: SlicePlanned; staged: SliceStaged }>);

/** One published file. */
export const FILES = new LogTable({
  run_id: { type: 'id', published: ({ runId }) => runId },
  /** Counts over the whole run, from 0. */
  file_id: { type: 'integer', field: 'fileId', published: ({ fileId }) => fileId },
  job_id: { type: 'integer', field: 'jobId', published: ({ jobId }) => jobId },
  slice_index: { type: 'integer', field: 'sliceIndex', published: ({ file }) => file.slice },
  storage_id: { type: 'text', field: 'storageId', published: ({ file }) => file.storageId },
  /** Relative to the storage's base. */
  object_path: { type: 'text', field: 'objectPath', published: ({ file }) => file.path },
  /** Human-readable. */
  path: { type: 'text', field: 'path', published: ({ file }) => file.displayPath },
  row_count: { type: 'bigint', field: 'rows', published: ({ file }) => file.rows },
  byte_count: { type: 'bigint', field: 'bytes', published: ({ file }) => file.bytes },
  /** Lower-case hex. */
  sha256: { type: 'id', field: 'sha256', published: ({ file }) => file.sha256 },
  row_groups: { type: 'integer', field: 'rowGroups', published: ({ file }) => file.rowGroups },
  published_at: { type: 'time', field: 'publishedAt', published: ({ publishedAt }) => publishedAt },
} as const satisfies Columns<{ published: FilePublished }>);

/**
 * Where a sync of a table ended, one row for each sync that was published. It is a copy: the table's manifest decides where
 * the next sync goes on. Rows outlive their run.
 */
export const WATERMARKS = new LogTable({
  run_id: { type: 'id', field: 'runId', synced: ({ run }) => run.run_id },
  job_id: { type: 'integer', synced: ({ jobId }) => jobId },
  sync_id: { type: 'id', nullable: true, field: 'syncId', synced: ({ run }) => run.sync_id },
  source_db_type: { type: 'id', nullable: true, field: 'sourceType', synced: ({ run }) => run.source_db_type },
  source_server: { type: 'text', nullable: true, field: 'sourceServer', synced: ({ run }) => run.source_server },
  source_database: { type: 'name', nullable: true, field: 'sourceDatabase', synced: ({ run }) => run.source_database },
  source_schema: { type: 'name', field: 'schema', synced: ({ result }) => result.table.schema },
  source_table: { type: 'name', field: 'table', synced: ({ result }) => result.table.name },
  storage_id: { type: 'text', field: 'storageId', synced: ({ result }) => result.storageId },
  /** Human-readable. */
  path: { type: 'text', field: 'path', synced: ({ result }) => result.path },
  /** Where the table is, the same text for the same place whatever the storage's id and the working directory are. */
  place: { type: 'text', field: 'place', synced: ({ place }) => place },
  /** Counts all that was ever published of the table there. */
  sync_number: { type: 'integer', field: 'number', synced: ({ sync }) => sync.number },
  /** Whether it replaced all that was there. */
  kind: {
    type: 'id',
    values: ['full', 'increment'],
    field: 'kind',
    synced: ({ sync }) => (sync.isFull ? 'full' : 'increment'),
  },
  cursor_type: { type: 'id', field: 'cursorType', synced: ({ sync }) => sync.cursor.type },
  /** NULL for `xmin`. */
  cursor_column: {
    type: 'text',
    nullable: true,
    field: 'cursorColumn',
    synced: ({ sync }) => sync.cursor.column ?? null,
  },
  /** Where the next sync goes on, in the source's own notation. */
  watermark: {
    type: 'text',
    nullable: true,
    field: 'watermark',
    synced: ({ sync }) => sync.increment.watermark ?? null,
  },
  lower_bound: { type: 'text', nullable: true, field: 'lower', synced: ({ sync }) => sync.increment.lower ?? null },
  upper_bound: { type: 'text', nullable: true, field: 'upper', synced: ({ sync }) => sync.increment.upper ?? null },
  row_count: { type: 'bigint', field: 'rows', synced: ({ result }) => result.rows },
  /** From the upper bound to the source's clock at the snapshot; NULL if the cursor is no time. */
  behind_seconds: {
    type: 'bigint',
    nullable: true,
    field: 'behindSeconds',
    synced: ({ sync }) =>
      sync.increment.behindSeconds === undefined ? null : Math.round(sync.increment.behindSeconds),
  },
  snapshot_at: { type: 'time', nullable: true, field: 'snapshotAt', synced: ({ snapshotAt }) => snapshotAt },
  recorded_at: { type: 'time', field: 'recordedAt', synced: ({ recordedAt }) => recordedAt },
} as const satisfies Columns<{ synced: TableSynced }>);

/** A stored sync: an export's flags under a name. */
export const SYNCS = new LogTable({
  sync_id: { type: 'id', field: 'syncId' },
  env_name: { type: 'name', nullable: true, field: 'envName' },
  /** As it was created; without secrets. */
  command_line: { type: 'text', field: 'commandLine' },
  /** The flags; without secrets. */
  settings: { type: 'text', field: 'settings', parse: json<unknown>() },
  created_at: { type: 'time', byDatabase: true, field: 'createdAt' },
  updated_at: { type: 'time', byDatabase: true, field: 'updatedAt' },
} as const satisfies Columns);

/** Which run works on a stored sync. */
export const SYNC_LOCKS = new LogTable({
  sync_id: { type: 'id', field: 'syncId' },
  run_id: { type: 'id', field: 'runId' },
  /** That of the run. */
  holder: { type: 'id', field: 'holder' },
  host: { type: 'name', field: 'host' },
  /** `ProcessIdentity` of the holder. */
  process: { type: 'text', field: 'process', parse: json<unknown>() },
  locked_at: { type: 'time', byDatabase: true, field: 'lockedAt' },
  /** Renewed with the run's: a lock whose heartbeat is old has no process any more. */
  heartbeat_at: { type: 'time', byDatabase: true, field: 'heartbeatAt' },
} as const satisfies Columns);

/** A process that works on a run whose slices are read by workers of their own: the coordinator, and each worker. */
export const WORKERS = new LogTable({
  run_id: { type: 'id', field: 'runId' },
  /** Random; names this process. */
  worker_id: { type: 'id', field: 'workerId' },
  role: { type: 'id', values: WORKER_ROLES, field: 'role' },
  /** The user's, or one that is made of host and process. */
  name: { type: 'name', field: 'name' },
  host: { type: 'name', field: 'host' },
  process_id: { type: 'integer', field: 'processId' },
  /** How many slices it reads at the same time. */
  slots: { type: 'integer', field: 'slots' },
  /** `WorkerSlice[]`: what it reads now. */
  slices: { type: 'text', field: 'slices', parse: json<readonly WorkerSlice[]>() },
  /** Slices that it has read to their end. */
  slices_read: { type: 'integer', initial: 0, field: 'slicesRead' },
  row_count: { type: 'bigint', initial: 0, field: 'rows' },
  /** `AnnouncedSnapshot`: what it holds in the source. */
  snapshot: { type: 'text', nullable: true, field: 'snapshot', parse: json<AnnouncedSnapshot | undefined>() },
  joined_at: { type: 'time', byDatabase: true, field: 'joinedAt' },
  /** Renewed every few seconds. */
  heartbeat_at: { type: 'time', byDatabase: true, field: 'heartbeatAt' },
  /** When it has left by itself; NULL for one that works, or has vanished. */
  left_at: { type: 'time', nullable: true, field: 'leftAt' },
} as const satisfies Columns);

/** Users' own settings for their tables, by LakeXpress's names. The program only reads them. */
export const PARTITION_COLUMNS = new LogTable({
  source_db_type: { type: 'id', nullable: true },
  source_database: { type: 'name', nullable: true },
  source_schema: { type: 'name', nullable: true },
  source_table: { type: 'name' },
  fastbcp_method: { type: 'id', nullable: true },
  fastbcp_parallel_degree: { type: 'integer', nullable: true },
  fastbcp_distribution_key: { type: 'text', nullable: true },
  env_name: { type: 'name', nullable: true },
} as const satisfies Columns);

/** @param columns as they were recorded when the table was planned */
function withLostBounds(columns: string | null, lostBounds: Readonly<Record<string, number>>): string | null {
  if (columns === null || Object.keys(lostBounds).length === 0) return columns;
  const known = json<readonly PreviousColumn[]>()(columns);
  return JSON.stringify(
    known.map(([name, type, nullable]) =>
      Object.hasOwn(lostBounds, name) ? [name, type, nullable, lostBounds[name]] : [name, type, nullable],
    ),
  );
}
