import type { ColumnSpec } from '../columns/column-spec.js';
import { MAX_DICTIONARY_BYTES } from '../columns/dictionary.js';
import { ROW_GROUP_BYTES } from './file-writer.js';
import { pageBytesFor } from './row-group.js';

/** Assumed bytes of a variable-length value if the table's average is unknown. */
const USUAL_TEXT_BYTES = 32;
/** Buffers grow by doubling, so values may take twice their size. */
const GROWTH = 2;
/** A dictionary's hash table, beside its values, relative to them at the usual width. */
const DICTIONARY_OVERHEAD = 3;
/** The connection's receive buffer, the offsets of a batch, the page under compression. */
const BATCH_BYTES = 4 << 20;

export interface MemoryQuestion {
  readonly rowGroupRows: number;
  /** Average row size in the source in bytes, if known. */
  readonly averageRowBytes?: number | undefined;
}

/**
 * Maximum memory of one reader of such a table in bytes, excluding the runtime: the row group being filled and the one
 * being written, pages and dictionaries of each column, and one batch. A single value of hundreds of megabytes adds
 * about three times its size.
 */
export function estimateReaderMemory(specs: readonly ColumnSpec[], question: MemoryQuestion): number {
  const fixedBytes = specs.reduce((total, spec) => total + (fixedWidth(spec) ?? 0), 0);
  const texts = specs.filter((spec) => fixedWidth(spec) === undefined).length;
  const rowBytes =
    question.averageRowBytes === undefined
      ? fixedBytes + texts * USUAL_TEXT_BYTES
      : Math.max(question.averageRowBytes, fixedBytes);
  const rowGroup = Math.min(ROW_GROUP_BYTES, question.rowGroupRows * rowBytes);
  const held = Math.min(rowGroup, specs.length * pageBytesFor(specs.length)) * GROWTH;
  const dictionaries = specs.length * Math.min(MAX_DICTIONARY_BYTES * DICTIONARY_OVERHEAD, question.rowGroupRows * 8);
  return Math.ceil(rowGroup * 2 + held + Math.min(dictionaries, ROW_GROUP_BYTES) + BATCH_BYTES);
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
