import { EXIT_CODES, type ErrorData, type LakeportError } from '../../errors.js';
import type { ExportOptions, Route } from '../../export/model/options.js';
import type { MetadataFiles } from '../../export/model/metadata-files.js';
import type { RunResult, TableResult } from '../../export/model/result.js';
import { compactionDocument } from '../../export/model/compaction-document.js';
import { syncDocument } from '../../export/model/sync-document.js';
import type { SourceDocument } from '../../export/model/source-schema.js';
import type { SkippedTable } from '../../export/model/skipped-tables.js';
import { VERSION } from '../../version.js';
import { rate } from '../../text/quantities.js';
import type { ExportDocument, FailureDocument, PlanDocument } from './document-schemas.js';
import type { Warning } from './warning.js';

/** The document of `--json` after an export. Names are in snake_case, times in seconds, sizes in bytes. */
export function runDocument(
  result: RunResult,
  options: {
    /** The result's own by default. */
    readonly exitCode?: number;
    readonly source: SourceDocument;
    /** Address of the run log; undefined if the run is not logged. */
    readonly runLog?: string | undefined;
    /** The stored sync that it is a run of. */
    readonly syncId?: string | undefined;
    /** The command that finishes the run, if it is unfinished. */
    readonly resume?: string | undefined;
    readonly warnings?: readonly Warning[] | undefined;
  } & Pick<ExportOptions, 'target' | 'routes' | 'compat'>,
): ExportDocument {
  const inState = (state: TableResult['state']) => result.tables.filter((table) => table.state === state).length;
  return {
    lakeport: VERSION,
    command: 'export',
    run_id: result.runId,
    exit_code: options.exitCode ?? (result.exit === undefined ? 0 : EXIT_CODES[result.exit]),
    source: options.source,
    target: 'directory' in options.target ? options.target.directory : options.target.storageId,
    routes: options.routes.map(routeDocument),
    ...(options.compat === undefined ? {} : { compat: options.compat }),
    ...(options.runLog === undefined ? {} : { run_log: options.runLog }),
    ...(options.syncId === undefined ? {} : { sync_id: options.syncId }),
    ...(options.resume === undefined ? {} : { resume: options.resume }),
    started_at: result.startedAt,
    ended_at: result.endedAt,
    seconds: result.seconds,
    consistency: result.consistency,
    totals: {
      tables: result.tables.length,
      completed: inState('completed'),
      failed: inState('failed'),
      cancelled: inState('cancelled'),
      rows: result.rows,
      files: result.files,
      bytes: result.bytes,
      rows_per_second: Math.round(rate(result.rows, result.seconds)),
    },
    tables: result.tables.map(tableDocument),
    skipped: result.skipped.map(skippedDocument),
    ...(result.metadata === undefined ? {} : { common_data_model: metadataResult(result.metadata) }),
    warnings: options.warnings ?? [],
  };
}

function tableDocument(result: TableResult): ExportDocument['tables'][number] {
  const {
    table,
    state,
    rows,
    files,
    bytes,
    seconds,
    storageId,
    path,
    unrepresentable,
    lostBounds = {},
    error,
  } = result;
  const { manifest, ddl, consistency, rowCheck, sync, compaction, deletedKeys, attempts, publishedEarlier } = result;
  return {
    schema: table.schema,
    table: table.name,
    state,
    rows,
    files,
    bytes,
    seconds,
    rows_per_second: Math.round(rate(rows, seconds)),
    storage: storageId,
    path,
    ...(manifest === undefined ? {} : { manifest }),
    ...(ddl === undefined ? {} : { ddl }),
    unrepresentable,
    ...(Object.keys(lostBounds).length === 0 ? {} : { lost_bounds: lostBounds }),
    ...(consistency === undefined ? {} : { consistency }),
    ...(rowCheck === undefined ? {} : { row_check: rowCheck }),
    ...(sync === undefined ? {} : { sync: syncDocument(sync) }),
    ...(compaction === undefined ? {} : { compaction: compactionDocument(compaction) }),
    ...(deletedKeys === undefined ? {} : { deleted_keys: deletedKeys }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(publishedEarlier === undefined ? {} : { published_earlier: true }),
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}

function metadataResult(metadata: NonNullable<RunResult['metadata']>): ExportDocument['common_data_model'] {
  return 'error' in metadata ? { error: errorDocument(metadata.error) } : metadataDocument(metadata);
}

/** Files of the Common Data Model. */
export function metadataDocument({
  manifests,
  entityFiles,
}: MetadataFiles): PlanDocument['common_data_model'] & object {
  return { manifests, entity_files: entityFiles };
}

/** A table with nothing to read. */
export function skippedDocument({ id, reason }: SkippedTable): ExportDocument['skipped'][number] {
  return { schema: id.schema, table: id.name, reason: errorDocument(reason) };
}

export function routeDocument({ patterns, storageId, subPath }: Route): ExportDocument['routes'][number] {
  return { patterns, storage: storageId, sub_path: subPath };
}

/** The document of `--json` for an error without a result. */
export function failureDocument(
  error: LakeportError,
  { command, runId }: { readonly command: string; readonly runId?: string | undefined },
): FailureDocument {
  return {
    lakeport: VERSION,
    command,
    ...(runId === undefined ? {} : { run_id: runId }),
    exit_code: EXIT_CODES[error.exit],
    error: errorDocument(error),
  };
}

/** An error without its stack. */
export function errorDocument({ code, message, hint, context }: ErrorData | LakeportError): FailureDocument['error'] {
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(context === undefined ? {} : { context: { ...context } }),
  };
}
