import { damaged } from './damaged.js';
import { firstRows } from './first-rows.js';
import { type ChunkStatistics } from './footer-statistics.js';
import { type ColumnChunkFacts, type LeafColumn, type ParquetFooter, readFooter } from './footer.js';
import type { RandomAccess } from './random-access.js';
import { type ShownValue, shownValue } from './shown-value.js';
import { compareStored, plainValue, type StoredValue } from './stored-value.js';
import { sourceFacts, type SourceFacts } from './source-facts.js';

/** What is in a file. */
export interface Inspection {
  readonly footer: ParquetFooter;
  /** Of the columns (top level), in their order, as far as the file says. */
  readonly sources: readonly SourceFacts[];
  /** Of the columns of values, in their order. */
  readonly totals: readonly ColumnTotals[];
  /** The first rows, each with a value per column (top level); undefined if none were asked for. */
  readonly rows: readonly (readonly ShownValue[])[] | undefined;
}

/** Statistics for people and JSON. */
export interface ShownStatistics {
  readonly nulls: number | undefined;
  readonly distinct: number | undefined;
  readonly min: ShownValue | undefined;
  readonly max: ShownValue | undefined;
  /** Whether the bound is a value, and not only below or above all. */
  readonly isMinExact: boolean;
  readonly isMaxExact: boolean;
}

/** A column of values over all row groups. */
export interface ColumnTotals extends Omit<ShownStatistics, 'distinct'> {
  readonly column: LeafColumn;
  readonly codecs: readonly string[];
  readonly encodings: readonly string[];
  readonly values: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** Whether each of its chunks has one. */
  readonly hasPageIndex: boolean;
  readonly hasBloomFilter: boolean;
}

/**
 * Reads the footer of a Parquet file, and its first rows if asked for.
 * @throws LakeportError for a file that is no Parquet, cut, encrypted or damaged
 */
export async function inspectFile(
  file: RandomAccess,
  { rows: count }: { readonly rows: number | undefined },
): Promise<Inspection> {
  const footer = await readFooter(file);
  const rows = count === undefined ? undefined : await firstRows(file, footer, count);
  try {
    const totals = footer.columns.map((column) => totalsOf(column, footer));
    return { footer, sources: sourceFacts(footer), totals, rows };
  } catch (error) {
    throw damaged(file.name, 'Its statistics cannot be decoded', error);
  }
}

/** Statistics of one chunk; undefined if it has none. */
export function shownStatistics({ column, statistics }: ColumnChunkFacts): ShownStatistics | undefined {
  if (statistics === undefined) return undefined;
  const shown = (bytes: Uint8Array | undefined) => {
    const value = bytes === undefined ? undefined : plainValue(column.element, bytes);
    return value === undefined ? undefined : shownValue(column.element, value);
  };
  return { ...statistics, min: shown(statistics.min), max: shown(statistics.max) };
}

function totalsOf(column: LeafColumn, { rowGroups }: ParquetFooter): ColumnTotals {
  const chunks = rowGroups.flatMap((group) => group.chunks.filter((chunk) => chunk.column === column));
  const sum = (of: (chunk: ColumnChunkFacts) => number) => chunks.reduce((total, chunk) => total + of(chunk), 0);
  const nulls = chunks.map(({ statistics }) => statistics?.nulls);
  const min = bound(column, chunks, 'min');
  const max = bound(column, chunks, 'max');
  return {
    column,
    codecs: [...new Set(chunks.map(({ codec }) => codec))],
    encodings: [...new Set(chunks.flatMap(({ encodings }) => encodings))],
    values: sum(({ values }) => values),
    compressedBytes: sum(({ compressedBytes }) => compressedBytes),
    uncompressedBytes: sum(({ uncompressedBytes }) => uncompressedBytes),
    nulls: nulls.includes(undefined) ? undefined : nulls.reduce<number>((total, count) => total + (count ?? 0), 0),
    min: min && shownValue(column.element, min.value),
    max: max && shownValue(column.element, max.value),
    isMinExact: min?.isExact ?? true,
    isMaxExact: max?.isExact ?? true,
    hasPageIndex: chunks.length > 0 && chunks.every(({ hasPageIndex }) => hasPageIndex),
    hasBloomFilter: chunks.length > 0 && chunks.every(({ hasBloomFilter }) => hasBloomFilter),
  };
}

interface FoundBound {
  readonly value: StoredValue;
  readonly isExact: boolean;
}

/** Undefined without values, and where a chunk with values has no bound. */
function bound(column: LeafColumn, chunks: readonly ColumnChunkFacts[], side: 'min' | 'max'): FoundBound | undefined {
  let found: FoundBound | undefined;
  for (const { statistics, values } of chunks) {
    const next = statistics && boundOf(column, statistics, side);
    if (next === undefined) {
      if ((statistics?.nulls ?? 0) < values) return undefined;
      continue;
    }
    const order = found === undefined ? 0 : compareStored(column.element, next.value, found.value);
    if (found === undefined || (side === 'min' ? order < 0 : order > 0)) found = next;
  }
  return found;
}

function boundOf({ element }: LeafColumn, found: ChunkStatistics, side: 'min' | 'max'): FoundBound | undefined {
  const bytes = found[side];
  const value = bytes === undefined ? undefined : plainValue(element, bytes);
  return value === undefined ? undefined : { value, isExact: side === 'min' ? found.isMinExact : found.isMaxExact };
}
