import type { ColumnTotals, Inspection, ShownStatistics } from '../../parquet-reader/inspection.js';
import { shownStatistics } from '../../parquet-reader/inspection.js';
import type { ColumnChunkFacts, RowGroupFacts } from '../../parquet-reader/footer.js';
import { physicalTypeName, typeNameOf } from '../../parquet-reader/type-name.js';
import type { StoredFile } from '../../storage/stored-file.js';
import { VERSION } from '../../version.js';
import type { InspectDocument } from './inspect-schema.js';

/** The document of `inspect --json`. */
export function inspectDocument(
  { footer, sources, totals, rows }: Inspection,
  file: Pick<StoredFile, 'name' | 'bytes' | 'bytesRead'>,
  exitCode: number,
): InspectDocument {
  return {
    lakeport: VERSION,
    command: 'inspect',
    exit_code: exitCode,
    path: file.name,
    bytes: file.bytes,
    bytes_read: file.bytesRead,
    rows: footer.rows,
    format_version: footer.formatVersion,
    ...(footer.createdBy !== undefined && { created_by: footer.createdBy }),
    footer_bytes: footer.bytes,
    schema: footer.schema.children.map((node, index) => {
      const { sourceType, fidelity } = sources[index] ?? {};
      const { name, repetition_type: repetition, field_id: fieldId } = node.element;
      return {
        name,
        parquet_type: typeNameOf(node),
        nullable: repetition === 'OPTIONAL',
        ...(sourceType !== undefined && { source_type: sourceType }),
        ...(fidelity !== undefined && { fidelity }),
        ...(fieldId !== undefined && { field_id: fieldId }),
      };
    }),
    columns: totals.map(columnDocument),
    row_groups: footer.rowGroups.map(rowGroupDocument),
    metadata: footer.keyValues.map(({ key, value }) => ({ key, value })),
    ...(rows !== undefined && { first_rows: rows }),
  };
}

function columnDocument(totals: ColumnTotals): InspectDocument['columns'][number] {
  return {
    path: [...totals.column.path],
    type: physicalTypeName(totals.column.element),
    codecs: totals.codecs,
    encodings: totals.encodings,
    values: totals.values,
    compressed_bytes: totals.compressedBytes,
    uncompressed_bytes: totals.uncompressedBytes,
    ...statisticsDocument(totals),
    page_index: totals.hasPageIndex,
    bloom_filter: totals.hasBloomFilter,
  };
}

function rowGroupDocument(group: RowGroupFacts): InspectDocument['row_groups'][number] {
  const { sortedBy } = group;
  return {
    rows: group.rows,
    offset: group.offset,
    compressed_bytes: group.compressedBytes,
    uncompressed_bytes: group.uncompressedBytes,
    ...(sortedBy.length > 0 && {
      sorted_by: sortedBy.map(({ column, descending, nullsFirst }) => ({
        column,
        descending,
        nulls_first: nullsFirst,
      })),
    }),
    columns: group.chunks.map(chunkDocument),
  };
}

function chunkDocument(chunk: ColumnChunkFacts): InspectDocument['row_groups'][number]['columns'][number] {
  const statistics = shownStatistics(chunk);
  return {
    path: [...chunk.column.path],
    codec: chunk.codec,
    encodings: chunk.encodings,
    values: chunk.values,
    offset: chunk.offset,
    compressed_bytes: chunk.compressedBytes,
    uncompressed_bytes: chunk.uncompressedBytes,
    ...(statistics && statisticsDocument(statistics)),
    ...(statistics?.distinct !== undefined && { distinct: statistics.distinct }),
    page_index: chunk.hasPageIndex,
    bloom_filter: chunk.hasBloomFilter,
  };
}

function statisticsDocument({ nulls, min, max, isMinExact, isMaxExact }: Omit<ShownStatistics, 'distinct'>) {
  return {
    ...(nulls !== undefined && { nulls }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(min !== undefined && !isMinExact && { min_is_exact: false as const }),
    ...(max !== undefined && !isMaxExact && { max_is_exact: false as const }),
  };
}
