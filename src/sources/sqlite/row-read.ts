import { setImmediate } from 'node:timers/promises';
import type { RowSink } from '../../columns/row-sink.js';
import type { JsRow } from '../rows/js-row.js';
import { createRowAppender } from '../rows/row-appender.js';
import { columnOf } from '../wire/batch-decoder.js';
import type { SqliteConnection } from './connection.js';
import { utf8From } from './text-encoding.js';

const BATCH_ROWS = 1000;
/** Limits a batch's text and blobs: rows may be large. */
const BATCH_BYTES = 4 << 20;

export interface RowReadOptions {
  readonly connection: SqliteConnection;
  readonly query: string;
  readonly columns: number;
  readonly sink: RowSink;
  readonly signal: AbortSignal;
  /** The database's encoding, for text that arrives as bytes. */
  readonly encoding: string;
  /** Handles a value that does not fit its column; throws if the run is to stop. */
  readonly refuse: (column: number) => void;
}

/** Reads a query's rows through SQLite itself, which can read everything. @returns their number, and the bytes of their values */
export async function readRows(options: RowReadOptions): Promise<{ readonly rows: number; readonly bytes: number }> {
  const { connection, query, columns, sink, signal, encoding, refuse } = options;
  const textOf = utf8From(encoding);
  const appenders = Array.from({ length: columns }, (_, index) =>
    createRowAppender({ index, column: columnOf(sink, index), refuse: () => refuse(index), textOf }),
  );
  let batch: JsRow[] = [];
  let held = 0;
  const total = { rows: 0, bytes: 0 };
  const flush = async (): Promise<void> => {
    for (let from = 0; from < batch.length;) {
      const to = Math.min(batch.length, from + sink.room);
      let bytes = 0;
      for (const append of appenders) bytes += append(batch, from, to);
      total.rows += to - from;
      total.bytes += bytes;
      sink.received?.(bytes);
      await sink.commit(to - from);
      from = to;
    }
    batch = [];
    held = 0;
    // SQLite is synchronous: yield, so that an abort is processed.
    await setImmediate();
    signal.throwIfAborted();
  };
  for (const values of connection.rowsExactly(query)) {
    batch.push(values);
    for (const value of values) if (value instanceof Uint8Array) held += value.length;
    if (batch.length === BATCH_ROWS || held >= BATCH_BYTES) await flush();
  }
  await flush();
  return total;
}
