import type { ColumnMetaData, RowGroup, Statistics } from 'hyparquet';
import type { ColumnSpec } from '../columns/column-spec.js';
import { leafElement } from './schema.js';
import { type Bound, boundBytes, type Bounds, uniteBounds } from './statistics.js';

/**
 * What a file's footer says of one column, over all row groups. Plain data: it crosses threads and lies in the run log.
 */
export interface ColumnSummary {
  readonly name: string;
  /** Of the column's pages, headers and dictionaries included. */
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** Values and NULLs; of a list column, its elements, and one for each list that is NULL or empty. */
  readonly values: number;
  /** Those of `values` that are NULL, empty lists included. */
  readonly nulls: number;
  /** Undefined without values, and where a row group with values has none. */
  readonly bounds?: ColumnBounds | undefined;
}

/** In the order of the column's type: signed or unsigned numbers by value, bytes from the left. */
interface ColumnBounds {
  /** The footer's bytes (PLAIN, without the length of byte arrays), in lower-case hex. */
  readonly min: string;
  readonly max: string;
  /** Whether the bound is a value; a long one may be shortened to one that still bounds the values. */
  readonly isMinExact: boolean;
  readonly isMaxExact: boolean;
}

/** One summary for each column, in their order, from the metadata of the file's row groups. */
export function columnSummaries(specs: readonly ColumnSpec[], rowGroups: readonly RowGroup[]): ColumnSummary[] {
  return specs.map((spec, index) => summary(spec, chunksOf(rowGroups, index)));
}

function chunksOf(rowGroups: readonly RowGroup[], column: number): ColumnMetaData[] {
  return rowGroups.flatMap(({ columns }) => columns[column]?.meta_data ?? []);
}

function summary(spec: ColumnSpec, chunks: readonly ColumnMetaData[]): ColumnSummary {
  const sum = (of: (chunk: ColumnMetaData) => bigint) => Number(chunks.reduce((total, chunk) => total + of(chunk), 0n));
  const bounds = fileBounds(chunks);
  return {
    name: spec.name,
    compressedBytes: sum((chunk) => chunk.total_compressed_size),
    uncompressedBytes: sum((chunk) => chunk.total_uncompressed_size),
    values: sum((chunk) => chunk.num_values),
    nulls: sum((chunk) => chunk.statistics?.null_count ?? 0n),
    ...(bounds && { bounds: boundsOf(spec, bounds) }),
  };
}

function boundsOf(spec: ColumnSpec, { min, max, minExact, maxExact }: Bounds): ColumnBounds {
  const element = leafElement(spec);
  const hex = (bound: Bound, side: 'min' | 'max') => Buffer.from(boundBytes(bound, element, side)).toString('hex');
  return { min: hex(min, 'min'), max: hex(max, 'max'), isMinExact: minExact, isMaxExact: maxExact };
}

function fileBounds(chunks: readonly ColumnMetaData[]): Bounds | undefined {
  let united: Bounds | undefined;
  for (const { statistics, num_values: values } of chunks) {
    const bounds = statistics && chunkBounds(statistics);
    if (bounds !== undefined) united = united === undefined ? bounds : uniteBounds(united, bounds);
    else if ((statistics?.null_count ?? 0n) < values) return undefined;
  }
  return united;
}

function chunkBounds(statistics: Statistics): Bounds | undefined {
  const { min_value: min, max_value: max } = statistics;
  if (min === undefined || max === undefined) return undefined;
  return {
    // Written by `chunkStatistics`, from bounds.
    min: min as Bound,
    max: max as Bound,
    minExact: statistics.is_min_value_exact ?? true,
    maxExact: statistics.is_max_value_exact ?? true,
  };
}
