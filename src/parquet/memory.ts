import type { ColumnSpec } from '../columns/column-spec.js';
import { dictionaryBytesFor } from '../columns/dictionary.js';
import { pageBytesFor, pageEntriesFor } from '../columns/page-size.js';
import { bloomFilterMemory } from './bloom-filter.js';
import { ROW_GROUP_BYTES } from './file-writer.js';

/** Assumed bytes of a variable-length value if the table's average is unknown. */
const USUAL_TEXT_BYTES = 32;
/** Arrays grow by doubling, so one may have twice the size of its content. */
const GROWTH = 2;
/** Bytes of an index in memory. */
const INDEX_BYTES = 4;
/** Two slots of a dictionary's hash table for each entry. */
const SLOTS_BYTES = 8;
/** Hash and offset of an entry of varying length; one of fixed length has no offset. */
const HASH_BYTES = 4;
const OFFSET_BYTES = 4;
/** What a column's arrays take when they are still empty. */
const EMPTY_COLUMN_BYTES = 12 << 10;
/** The receive buffer, offsets of a batch, text under conversion, the page under compression. */
const BATCH_BYTES = 4 << 20;

/** Most memory of a reader in bytes, excluding the runtime. */
export interface ReaderMemory {
  /** Pages of the row group that is being filled, and of the one that is being written. */
  readonly rowGroupBytes: number;
  /** Values held for the next page of each column, and dictionaries; in the kernels' memory as far as that goes. */
  readonly columnBytes: number;
  /** What is being received, decoded and compressed. */
  readonly batchBytes: number;
  /** Parts of a file on their way to the store. */
  readonly uploadBytes: number;
}

export const NO_MEMORY: ReaderMemory = { rowGroupBytes: 0, columnBytes: 0, batchBytes: 0, uploadBytes: 0 };

export function memoryBytes({ rowGroupBytes, columnBytes, batchBytes, uploadBytes }: ReaderMemory): number {
  return rowGroupBytes + columnBytes + batchBytes + uploadBytes;
}

export interface MemoryQuestion {
  readonly rowGroupRows: number;
  /** Average row size in the source in bytes, if known. */
  readonly averageRowBytes?: number | undefined;
  /** What the store holds of a file. */
  readonly uploadBytes: number;
}

/** Memory of a reader of such a table. A single value of hundreds of megabytes adds about three times its size. */
export function estimateReaderMemory(specs: readonly ColumnSpec[], question: MemoryQuestion): ReaderMemory {
  const { rowGroupRows, averageRowBytes, uploadBytes } = question;
  const fixedBytes = specs.reduce((total, spec) => total + (fixedWidth(spec) ?? 0), 0);
  const texts = specs.filter((spec) => fixedWidth(spec) === undefined).length;
  const rowBytes =
    averageRowBytes === undefined ? fixedBytes + texts * USUAL_TEXT_BYTES : Math.max(averageRowBytes, fixedBytes);
  const rowGroup = Math.min(ROW_GROUP_BYTES, rowGroupRows * rowBytes);
  const textBytes = texts === 0 ? USUAL_TEXT_BYTES : Math.max((rowBytes - fixedBytes) / texts, 8);
  const filters = specs.map((spec) => filterBytes(spec, rowGroupRows));
  const columns = specs.map((spec) =>
    columnBytes(spec, { width: fixedWidth(spec) ?? textBytes, tableColumns: specs.length, rowGroupRows }),
  );
  return {
    rowGroupBytes: Math.ceil(rowGroup * 2),
    columnBytes: Math.ceil([...columns, ...filters].reduce((total, bytes) => total + bytes, 0)),
    batchBytes: BATCH_BYTES,
    uploadBytes,
  };
}

function filterBytes(spec: ColumnSpec, rowGroupRows: number): number {
  const { bloomFilter } = spec;
  return bloomFilter === undefined ? 0 : bloomFilterMemory(spec, rowGroupRows, bloomFilter);
}

/** The dictionary at its largest, with indices, or plain values for a page; the one may follow the other. */
function columnBytes(
  { nullable, list, type: { physical } }: ColumnSpec,
  sizes: { readonly width: number; readonly tableColumns: number; readonly rowGroupRows: number },
): number {
  const { width, tableColumns, rowGroupRows } = sizes;
  const entries = Math.min(pageEntriesFor(tableColumns), rowGroupRows);
  const levels = entries * (list ? 2 : nullable ? 1 : 0);
  const plain = Math.min(pageBytesFor(tableColumns), rowGroupRows * width);
  if (physical === 'BOOLEAN') return (plain + levels) * GROWTH;
  const distinct = Math.min(dictionaryBytesFor(tableColumns) / width, rowGroupRows);
  const isHashed = physical === 'BYTE_ARRAY' || physical === 'FIXED_LEN_BYTE_ARRAY';
  const hashes = isHashed ? HASH_BYTES + (physical === 'BYTE_ARRAY' ? OFFSET_BYTES : 0) : 0;
  const dictionary = distinct * (width + SLOTS_BYTES + hashes);
  return EMPTY_COLUMN_BYTES + (plain + levels + entries * INDEX_BYTES + dictionary) * GROWTH;
}

/** Bytes of a value in PLAIN encoding; undefined for variable lengths and lists. */
function fixedWidth(spec: ColumnSpec): number | undefined {
  if (spec.list) return undefined;
  switch (spec.type.physical) {
    case 'BOOLEAN':
      return 1;
    case 'INT32':
    case 'FLOAT':
      return 4;
    case 'INT64':
    case 'DOUBLE':
      return 8;
    case 'FIXED_LEN_BYTE_ARRAY':
      return spec.type.length ?? 16;
    case 'BYTE_ARRAY':
      return undefined;
    default:
      return spec.type.physical satisfies never;
  }
}
