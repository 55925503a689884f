import type { ColumnBuffer } from './column-buffer.js';

/**
 * Where a source's reader puts rows: it appends at most `room` rows to every one of `columns`, then commits them.
 * Never called for a single row where more are at hand.
 */
export interface RowSink {
  /** One buffer a column, in the order of the read's columns. Stays the same objects for the sink's whole life. */
  readonly columns: readonly ColumnBuffer[];
  /** How many rows may be appended before the next commit; at least 1. Changes with each commit. */
  readonly room: number;
  /**
   * Tells that `rows` more rows stand in every column. Where a promise comes back, the reader stops reading until it
   * settles: that is the back-pressure of disk and network.
   */
  commit(rows: number): Promise<void> | undefined;
  /** Tells that so many more bytes came over the wire: for progress only, a few times for each commit at most. */
  received?(bytes: number): void;
}
