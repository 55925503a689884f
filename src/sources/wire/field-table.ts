import { BATCH_ROWS } from '../../columns/page-size.js';

/** Fields of a batch: few enough for the processor's cache, enough rows to pay for the loops' start. */
const FIELDS = 1 << 16;

/**
 * Size of the table that a scanner fills: the offset of row `r` of column `c` is at `c * stride + r`.
 * @returns the most rows, and the distance of two columns, which is no power of two: the columns' places would fall into
 *   the same few lines of the processor's cache
 */
export function fieldTable(columns: number): { readonly capacity: number; readonly stride: number } {
  const capacity = Math.max(32, Math.min(BATCH_ROWS, Math.floor(FIELDS / Math.max(columns, 1))));
  return { capacity, stride: capacity + 16 };
}
