import type { Slice } from '../../sources/source.js';
import type { TablePlan } from './plan.js';

/**
 * About how many bytes of the table lie in the slice, by the database's own estimates; a Parquet file takes less in
 * most cases. Undefined where the database has none.
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
