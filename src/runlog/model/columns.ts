import { VERSION } from '../../version.js';
import { columnsOnRecord, type PreviousColumn } from '../../export/resume/previous-attempt.js';
import { columnSpecs, type TablePlan } from '../../export/model/plan.js';
import { type Columns, json, LogTable } from './log-table.js';
import type {
  FilePublished,
  RunBegin,
  RunPlanned,
  RunResulted,
  SlicePlanned,
  SliceStaged,
  TableResulted,
} from './run-events.js';
import { failureOf, laterThan, LOGGED_STATES } from './run-outcome.js';

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
