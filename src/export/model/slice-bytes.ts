import type { Slice } from '../../sources/source.js';
import type { TablePlan } from './plan.js';

/**
 * Approximate bytes of the table in the slice, from the database's own estimates; the Parquet file is usually smaller.
 * Undefined if the database has no estimates.
 */
export function expectedSliceBytes(
  table: Pick<TablePlan, 'estimatedBytes' | 'estimatedRows' | 'slices'>,
  slice: Slice,
): number | undefined {
  const { estimatedBytes, estimatedRows, slices } = table;
  if (estimatedBytes === undefined) return undefined;
  const byRows =
    slice.estimatedRows === undefined || estimatedRows === undefined || estimatedRows === 0
      ? undefined
      : slice.estimatedRows / estimatedRows;
  return Math.ceil(estimatedBytes * Math.min(1, byRows ?? 1 / slices.length));
}
