import type { ColumnBuffer } from './column-buffer.js';

/**
 * Receives rows from a source's reader, which appends at most `room` rows to each of `columns`, then commits them.
 * Readers commit in batches, not row by row.
 */
export interface RowSink {
  /** One buffer per column, in the order of the read's columns. The same objects for the sink's whole life. */
  readonly columns: readonly ColumnBuffer[];
  /** How many rows may be appended before the next commit; at least 1. Changes with each commit. */
  readonly room: number;
  /**
   * Commits `rows` rows appended to every column. If it returns a promise, the reader pauses until that settles: the
   * back-pressure of disk and network.
   */
  commit(rows: number): Promise<void> | undefined;
  /** Counts bytes received from the source, for progress only; called at most a few times per commit. */
  received?(bytes: number): void;
}
