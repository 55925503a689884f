import type { FileRecord, LoggedWorker, PartitionRecord, RunHistory, TableRecord } from '../../runlog/index.js';
import { tableFormat } from '../../export/formats/formats.js';
import type { TableFormat } from '../../export/formats/table-format.js';
import { VERSION } from '../../version.js';
import { secondsBetween } from '../../text/times.js';
import { recordedManifestPlace } from '../run-history/recorded-options.js';
import type { StatusDocument } from './document-schemas.js';
import { loggedErrorDocument, runSummaryDocument } from './runs-report.js';
import { workersDocument } from './status-workers.js';

/** The document of `status --json`: all that the log has on a run, except what only a resume can use. */
export function statusDocument(
  history: RunHistory,
  address: string,
  { exitCode = 0, workers = [] }: { readonly exitCode?: number; readonly workers?: readonly LoggedWorker[] } = {},
): StatusDocument {
  const { run, tables, partitions, files } = history;
  const names = new Map(tables.map((table) => [table.jobId, { schema: table.schema, table: table.table }]));
  const format = tableFormat({ manifest: recordedManifestPlace(run.settings) });
  const nameOf = (jobId: number) => names.get(jobId) ?? {};
  return {
    lakeport: VERSION,
    command: 'status',
    run_id: run.runId,
    exit_code: exitCode,
    run_log: address,
    run: {
      ...runSummaryDocument(run),
      tool_version: run.toolVersion,
      command_line: run.commandLine,
      settings: run.settings,
      snapshot_id: run.snapshotId ?? null,
      snapshot_at: run.snapshotAt?.toISOString() ?? null,
      heartbeat_at: run.heartbeatAt.toISOString(),
    },
    tables: tables.map((table) => tableDocument(table, format)),
    slices: partitions.map((partition) => ({ ...nameOf(partition.jobId), ...sliceDocument(partition) })),
    ...workersDocument({ history, workers }),
    files: files.map((file) => ({ ...nameOf(file.jobId), ...fileDocument(file) })),
  };
}

function tableDocument(table: TableRecord, format: TableFormat): StatusDocument['tables'][number] {
  const isPublished = table.state === 'completed' && table.path !== undefined;
  return {
    schema: table.schema,
    table: table.table,
    kind: table.kind ?? null,
    state: table.state,
    attempts: table.attempts,
    method: table.method ?? null,
    readers: table.degree ?? null,
    slices: table.partitions,
    estimated_rows: table.estimatedRows ?? null,
    estimated_bytes: table.estimatedBytes ?? null,
    rows: table.rows ?? null,
    bytes: table.bytes ?? null,
    files: table.files ?? null,
    storage: table.storageId ?? null,
    path: table.path ?? null,
    manifest: isPublished ? (format.descriptionPath(table.path) ?? null) : null,
    consistency: table.consistency ?? null,
    unrepresentable: table.unrepresentable,
    started_at: table.startedAt?.toISOString() ?? null,
    ended_at: table.endedAt?.toISOString() ?? null,
    seconds: secondsBetween(table.startedAt, table.endedAt) ?? null,
    ...loggedErrorDocument(table.error),
  };
}

function sliceDocument(partition: PartitionRecord): StatusDocument['slices'][number] {
  return {
    slice: partition.sliceIndex,
    method: partition.method,
    bounds: partition.bounds,
    state: partition.state,
    attempts: partition.attempts,
    rows: partition.rows ?? null,
    bytes: partition.bytes ?? null,
    started_at: partition.startedAt?.toISOString() ?? null,
    ended_at: partition.endedAt?.toISOString() ?? null,
    ...loggedErrorDocument(partition.error),
  };
}

function fileDocument(file: FileRecord): StatusDocument['files'][number] {
  return {
    slice: file.sliceIndex,
    storage: file.storageId,
    path: file.path,
    rows: file.rows,
    bytes: file.bytes,
    sha256: file.sha256,
    row_groups: file.rowGroups,
    published_at: file.publishedAt.toISOString(),
  };
}
