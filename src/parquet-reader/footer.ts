import {
  type ColumnMetaData,
  type CompressionCodec,
  type FileMetaData,
  parquetMetadata,
  parquetSchema,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';

import { LakeportError } from '../errors.js';
import { damaged } from './damaged.js';
import { chunkStatistics, type ChunkStatistics } from './footer-statistics.js';
import type { RandomAccess } from './random-access.js';

/** Read at once: most footers are no larger. */
const TAIL_BYTES = 64 << 10;
/** The footer's length and `PAR1` at the end of a file; also the least size of a file, with the `PAR1` at its start. */
const TRAILER_BYTES = 8;
const LEAST_BYTES = 4 + TRAILER_BYTES;
const MAGIC = 'PAR1';
/** Of a file whose footer is encrypted (Encryption.md). */
const ENCRYPTED_MAGIC = 'PARE';

/** A column of values: a leaf of the schema. */
export interface LeafColumn {
  readonly path: readonly string[];
  readonly element: SchemaElement;
}

/** A column within a row group. Sizes and offsets are in bytes. */
export interface ColumnChunkFacts {
  readonly column: LeafColumn;
  readonly codec: CompressionCodec;
  readonly encodings: readonly string[];
  /** NULLs included; of a list, its elements. */
  readonly values: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** Of its first page. */
  readonly offset: number;
  readonly statistics: ChunkStatistics | undefined;
  readonly hasPageIndex: boolean;
  readonly hasBloomFilter: boolean;
  /** Undefined for what the file does not have. */
  readonly columnIndex?: FileSpan | undefined;
  readonly offsetIndex?: FileSpan | undefined;
  /** Of its length, the footer may say nothing. */
  readonly bloomFilter?: { readonly offset: number; readonly length: number | undefined } | undefined;
}

/** A part of a file, in bytes. */
export interface FileSpan {
  readonly offset: number;
  readonly length: number;
}

export interface RowGroupFacts {
  readonly rows: number;
  /** Of the first page of its first column. */
  readonly offset: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly sortedBy: readonly { readonly column: string; readonly descending: boolean; readonly nullsFirst: boolean }[];
  /** In the order of the columns; without those that are encrypted. */
  readonly chunks: readonly ColumnChunkFacts[];
}

/** What a footer says, checked for what cannot be. */
export interface ParquetFooter {
  readonly formatVersion: number;
  readonly createdBy: string | undefined;
  readonly rows: number;
  /** Of the footer itself. */
  readonly bytes: number;
  /** The root, whose children are the columns. */
  readonly schema: SchemaTree;
  readonly columns: readonly LeafColumn[];
  readonly rowGroups: readonly RowGroupFacts[];
  readonly keyValues: readonly { readonly key: string; readonly value: string }[];
  /** For reading values. */
  readonly metadata: FileMetaData;
}

/**
 * Reads the footer of any Parquet file, by hyparquet: not by the code that writes files.
 * @throws LakeportError for a file that is no Parquet, cut, encrypted or damaged
 */
export async function readFooter(file: RandomAccess): Promise<ParquetFooter> {
  const bytes = await footerBytes(file);
  try {
    const metadata = parquetMetadata(bytes, { geoparquet: false, parsers: NO_TEXTS });
    const schema = parquetSchema(metadata);
    const columns = leavesOf(schema);
    const statistics = chunkStatistics(bytes.subarray(0, -TRAILER_BYTES));
    const rowGroups = metadata.row_groups.map((group, index) => rowGroupFacts(group, columns, statistics[index] ?? []));
    const footer: ParquetFooter = {
      formatVersion: metadata.version,
      createdBy: metadata.created_by,
      rows: Number(metadata.num_rows),
      bytes: bytes.length,
      schema,
      columns,
      rowGroups,
      keyValues: (metadata.key_value_metadata ?? []).map(({ key, value = '' }) => ({ key, value })),
      metadata,
    };
    const contradiction = contradictionIn(footer, file.bytes - bytes.length);
    if (contradiction !== undefined) throw damaged(file.name, contradiction);
    return footer;
  } catch (thrown) {
    if (thrown instanceof LakeportError) throw thrown;
    throw damaged(file.name, 'Its footer cannot be decoded', thrown);
  }
}

/** Statistics are taken from their bytes: this saves the decoding of texts. */
const NO_TEXTS = { stringFromBytes: () => undefined };

/** The footer with its trailer. */
async function footerBytes(file: RandomAccess): Promise<Uint8Array> {
  if (file.bytes < LEAST_BYTES) throw notParquet(file);
  const tail = await file.read(Math.max(0, file.bytes - TAIL_BYTES), file.bytes);
  const magic = latin1(tail.subarray(-4));
  if (magic === ENCRYPTED_MAGIC) throw encrypted(file.name);
  if (magic !== MAGIC) throw await withoutTrailer(file);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const length = view.getUint32(tail.length - TRAILER_BYTES, true) + TRAILER_BYTES;
  if (length > file.bytes - 4) throw damaged(file.name, 'Its footer would be longer than the file');
  if (length <= tail.length) return tail.subarray(tail.length - length);
  const rest = await file.read(file.bytes - length, file.bytes - tail.length);
  return Buffer.concat([rest, tail]);
}

/** Where a column chunk begins: some writers give 0 as the offset of a dictionary that they have not written. */
export function firstPageOffset(data: Pick<ColumnMetaData, 'data_page_offset' | 'dictionary_page_offset'>): number {
  const { dictionary_page_offset: dictionary = 0n, data_page_offset: page } = data;
  return Number(dictionary > 0n && dictionary < page ? dictionary : page);
}

function leavesOf(node: SchemaTree): LeafColumn[] {
  if (node.element.type !== undefined) return [{ path: node.path, element: node.element }];
  return node.children.flatMap(leavesOf);
}

function rowGroupFacts(
  group: FileMetaData['row_groups'][number],
  columns: readonly LeafColumn[],
  statistics: readonly (ChunkStatistics | undefined)[],
): RowGroupFacts {
  const chunks = group.columns.flatMap((chunk, index): ColumnChunkFacts[] => {
    const { meta_data: data } = chunk;
    const column = columns[index];
    if (data === undefined || column === undefined) return [];
    return [
      {
        column,
        codec: data.codec,
        encodings: data.encodings,
        values: Number(data.num_values),
        compressedBytes: Number(data.total_compressed_size),
        uncompressedBytes: Number(data.total_uncompressed_size),
        offset: firstPageOffset(data),
        statistics: statistics[index],
        hasPageIndex: chunk.column_index_offset !== undefined && chunk.offset_index_offset !== undefined,
        hasBloomFilter: data.bloom_filter_offset !== undefined,
        columnIndex: spanOf(chunk.column_index_offset, chunk.column_index_length),
        offsetIndex: spanOf(chunk.offset_index_offset, chunk.offset_index_length),
        ...(data.bloom_filter_offset !== undefined && {
          bloomFilter: { offset: Number(data.bloom_filter_offset), length: data.bloom_filter_length },
        }),
      },
    ];
  });
  const sum = (of: (chunk: ColumnChunkFacts) => number) => chunks.reduce((total, chunk) => total + of(chunk), 0);
  return {
    rows: Number(group.num_rows),
    offset: chunks[0]?.offset ?? 0,
    compressedBytes: sum((chunk) => chunk.compressedBytes),
    uncompressedBytes: sum((chunk) => chunk.uncompressedBytes),
    sortedBy: (group.sorting_columns ?? []).map(({ column_idx: index, descending, nulls_first: nullsFirst }) => ({
      column: columns[index]?.path.join('.') ?? `column ${index}`,
      descending,
      nullsFirst,
    })),
    chunks,
  };
}

function spanOf(offset: bigint | undefined, length: number | undefined): FileSpan | undefined {
  return offset === undefined || length === undefined ? undefined : { offset: Number(offset), length };
}

/** What cannot be in a file whose pages end at `end`, as a sentence without its full stop; undefined if all can be. */
function contradictionIn(footer: ParquetFooter, end: number): string | undefined {
  const { columns, rowGroups, rows, metadata } = footer;
  const inGroups = rowGroups.reduce((sum, group) => sum + group.rows, 0);
  if (inGroups !== rows) return `Its footer says ${rows} rows, and its row groups ${inGroups}`;
  for (const [index, { columns: chunks, num_rows: groupRows }] of metadata.row_groups.entries()) {
    if (groupRows < 0n) return `Row group ${index} has a negative number of rows`;
    if (chunks.length !== columns.length) {
      return `Row group ${index} has ${chunks.length} columns, and the schema ${columns.length}`;
    }
    for (const [at, { meta_data: data, file_path: elsewhere }] of chunks.entries()) {
      const name = columns[at]?.path.join('.') ?? '';
      if (data === undefined || elsewhere !== undefined) continue;
      if (data.path_in_schema.join('.') !== name)
        return `Row group ${index} has another column in the place of ${name}`;
      const start = firstPageOffset(data);
      const size = Number(data.total_compressed_size);
      // A chunk without pages may have any offset.
      const isInside = start >= MAGIC.length && size > 0 && start + size <= end;
      if ((size !== 0 && !isInside) || !(data.num_values >= 0n)) {
        return `Column ${name} of row group ${index} would lie outside of the file's pages`;
      }
    }
  }
  return undefined;
}

async function withoutTrailer(file: RandomAccess): Promise<LakeportError> {
  const head = latin1(await file.read(0, MAGIC.length));
  if (head !== MAGIC && head !== ENCRYPTED_MAGIC) return notParquet(file);
  return new LakeportError({
    code: 'PARQUET_TRUNCATED',
    message: `${file.name} begins as a Parquet file but does not end as one: it was cut, or is still being written`,
    hint: 'Export the table again, or copy the file again if this is a copy.',
    context: { path: file.name },
  });
}

function notParquet({ name, bytes }: RandomAccess): LakeportError {
  return new LakeportError({
    code: 'NOT_PARQUET',
    message: bytes === 0 ? `${name} is empty` : `${name} is not a Parquet file`,
    hint: 'Parquet files begin and end with the four letters PAR1.',
    context: { path: name },
  });
}

function encrypted(name: string): LakeportError {
  return new LakeportError({
    code: 'PARQUET_ENCRYPTED',
    message: `The footer of ${name} is encrypted`,
    hint: 'Read the file with the tool that has its keys; lakeport writes and reads no encrypted files.',
    context: { path: name },
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
