import { avoidedEncodings, COMPATS } from '../../../columns/compat.js';
import { parquetTypeName, readParquetTypeName } from '../../../columns/type-name.js';
import { LakeportError } from '../../../errors.js';
import type { Codec } from '../../../parquet/codec.js';
import { COMPRESSION_LEVELS, type FileOptions } from '../../../parquet/file-options.js';
import { VERSION } from '../../../version.js';
import type { MergeableColumn, MergeableTable, MergedTable } from '../table-format.js';
import { columnTotals } from './manifest.js';
import { cursorOf, keptSyncs, type SyncedManifest } from './sync-manifest.js';

type Column = SyncedManifest['columns'][number];

/**
 * @param directory of the table, relative to the storage's base
 * @throws LakeportError if the manifest says something that files cannot be written by
 */
export function mergeableTable(manifest: SyncedManifest, directory: string): MergeableTable {
  const { incremental, files, deleted = [], columns, partition_columns: levels = [] } = manifest;
  return {
    schema: manifest.schema,
    name: manifest.table,
    directory,
    writtenAs: incremental.path,
    runId: manifest.run_id,
    lastNumber: incremental.last_number,
    lastWhole: incremental.syncs.findLast(({ kind }) => kind !== 'increment')?.number ?? 0,
    cursor: cursorOf(manifest),
    key: incremental.key ?? manifest.primary_key?.columns,
    columns: columns
      .filter(({ dropped_in: dropped }) => dropped === undefined)
      .map((each) => mergeableColumn(each, directory)),
    levels: levels.map(({ name }) => name),
    files: files.map(({ name, sync = 0, rows, bytes, partition = {} }) => {
      return { name, sync, rows, bytes, levels: partition };
    }),
    deleted: deleted.map(({ name, sync, rows, bytes }) => ({ name, sync, rows, bytes })),
    fileOptions: fileOptionsOf(manifest),
  };
}

function mergeableColumn(column: Column, directory: string): MergeableColumn {
  const { name, nullable, parquet_type: typeName, source_type: sourceType, fidelity, mask, added } = column;
  const type = readParquetTypeName(typeName);
  if (type === undefined) {
    throw new LakeportError({
      code: 'COMPACT_SCHEMA',
      message: `The manifest of ${directory} has column ${name} as ${typeName}, which this version cannot write`,
      hint: 'Compact it with the version of lakeport that wrote it.',
      context: { column: name },
    });
  }
  const { text_by_values: isTextByValues, bloom_filter: bloomFilter } = column;
  return {
    ...{ name, nullable, ...type, sourceType, fidelity },
    ...(mask !== undefined && { mask }),
    ...(added !== undefined && { added }),
    ...(isTextByValues !== undefined && { isTextByValues }),
    ...(bloomFilter !== undefined && { bloomFilter }),
  };
}

/** Rows of a row group, of a manifest that does not say. */
const USUAL_ROW_GROUP = 1_000_000;

function fileOptionsOf({ file_options: written, compat }: SyncedManifest): FileOptions {
  // The type says which keys there are.
  const codec = (Object.keys(COMPRESSION_LEVELS) as readonly Codec[]).find((one) => one === written?.compression);
  const reader = COMPATS.find((one) => one === compat);
  return {
    codec: codec ?? 'Zstd',
    compressionLevel: written?.compression_level ?? undefined,
    rowGroupRows: written?.row_group_rows ?? USUAL_ROW_GROUP,
    maxRowsPerFile: written?.max_rows_per_file ?? undefined,
    maxFileBytes: written?.max_file_bytes ?? undefined,
    encoding: written?.encoding,
    avoidedEncodings: avoidedEncodings(reader),
  };
}

/** The manifest of a table whose files have been merged: what it says of its source stays. */
export function compactedManifest(
  earlier: SyncedManifest,
  {
    merged,
    names,
    endedAt,
  }: { readonly merged: MergedTable; readonly names: readonly string[]; readonly endedAt: Date },
): SyncedManifest {
  const { runId, number, startedAt } = merged;
  const added = merged.files.map(({ staged, levels }, index) => ({
    name: names[index] ?? '',
    rows: staged.rows,
    bytes: staged.part.bytes,
    sha256: staged.part.sha256,
    sync: number,
    slice: { index, method: 'compaction', bounds: `syncs up to ${number - 1}` },
    ...(Object.keys(levels).length > 0 && { partition: levels }),
    row_groups: staged.rowGroups.map(({ rows: groupRows, bytes }) => ({ rows: groupRows, bytes })),
  }));
  const staying = new Set(merged.staying.map(({ name }) => name));
  const files = [...earlier.files.filter(({ name }) => staying.has(name)), ...added];
  const written = added.reduce((sum, file) => sum + file.rows, 0);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const entry: SyncedManifest['incremental']['syncs'][number] = {
    ...{ number, kind: 'compaction', run_id: runId, lower: null, upper: null, nulls: 0, row_count: written },
    snapshot: earlier.snapshot,
    consistency: earlier.consistency,
    started_at: startedAt.toISOString(),
    ended_at: endedAt.toISOString(),
  };
  return {
    ...earlier,
    tool: { name: 'lakeport', version: VERSION },
    run_id: runId,
    started_at: startedAt.toISOString(),
    ended_at: endedAt.toISOString(),
    row_count: rows,
    incremental: {
      ...earlier.incremental,
      last_number: number,
      syncs: keptSyncs([...earlier.incremental.syncs, entry], files),
    },
    files,
    deleted: undefined,
    columns: compactedColumns(earlier, merged),
  };
}

/** In all files, as they are now. */
function compactedColumns(earlier: SyncedManifest, { columns, files, staying }: MergedTable): Column[] {
  const known = new Map(earlier.columns.map((column) => [column.name, column]));
  return columns.flatMap((spec, index) => {
    const column = known.get(spec.name);
    if (column === undefined) return [];
    const summaries = [
      ...files.flatMap(({ staged }) => staged.columns?.[index] ?? []),
      ...staying.flatMap((file) => file.columns[index] ?? []),
    ];
    const totals = columnTotals(summaries);
    return [
      {
        ...column,
        added_in: undefined,
        null_count: undefined,
        parquet_type: parquetTypeName(spec),
        nullable: spec.nullable,
        ...totals,
      },
    ];
  });
}
