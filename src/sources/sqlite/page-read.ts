import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { RowSink } from '../../columns/row-sink.js';
import type { ReadRequest } from '../source.js';
import { BatchDecoder, type BoundField, columnOf, type UnrepresentablePolicy } from '../wire/batch-decoder.js';
import { type CatalogColumn, listColumns, rootPage } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { bindPageField } from './pages/decoders.js';
import { PageFile } from './pages/page-file.js';
import { type PageRange, PageScanner } from './pages/page-scanner.js';

/**
 * Whether the file itself holds everything that the transaction sees: pages in a write-ahead log can only be found by
 * SQLite. While the transaction is open the file does not change: writing with a rollback journal waits for all readers,
 * and a checkpoint spares what a reader without a log reads (walRestartLog and walCheckpoint in wal.c).
 */
export function isAllInFile(connection: SqliteConnection, file: string): boolean {
  const [[mode] = []] = connection.query('PRAGMA journal_mode');
  if (mode !== 'wal') return true;
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  return log === undefined || log.size === 0;
}

export interface PageReadOptions {
  readonly connection: SqliteConnection;
  readonly file: string;
  readonly request: ReadRequest;
  readonly rowid: string | undefined;
  readonly range: PageRange;
  readonly sink: RowSink;
  readonly policy: UnrepresentablePolicy;
  readonly signal: AbortSignal;
}

export interface PageReadResult {
  readonly rows: number;
  readonly bytes: number;
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** The first row that was not read and must be read by SQLite itself; undefined if all were read. */
  readonly beyond: bigint | undefined;
}

/**
 * Reads a table's rows directly from their pages. Measured: the driver reads about 400,000 rows of 8 columns per second,
 * because it creates a value per field; reading pages is ten times as fast.
 * @returns undefined if the table cannot be read this way; nothing was read then
 */
export async function readPages(options: PageReadOptions): Promise<PageReadResult | undefined> {
  const { connection, file, request, rowid, range, sink, policy, signal } = options;
  const table = request.dataset.id;
  const columns = listColumns(connection, { id: table, rowid });
  const root = rootPage(connection, table.name);
  const positions = positionsIn(columns, request);
  if (root === undefined || root === 0 || positions === undefined) return undefined;
  const [[pageSize] = []] = connection.query('PRAGMA page_size');
  const pages = new PageFile(file, Number(pageSize));
  const scanner = new PageScanner({ file: pages, root, columns, range });
  const fields: BoundField[] = [];
  for (const [i, { decoder }] of request.columns.entries()) {
    const field = bindPageField(decoder, columnOf(sink, i), scanner);
    if (field === undefined) return undefined;
    fields.push(field);
  }
  const decoder = new BatchDecoder({ sink, fields, positions, policy, capacity: scanner.capacity });
  let rows = 0;
  let reported = 0;
  for (let turn = 1; ; turn++) {
    const end = scanner.scan();
    rows += scanner.rows;
    while (scanner.rows > 0) await decoder.decode(scanner, scanner, scanner.used);
    sink.received?.(scanner.bytesRead - reported);
    reported = scanner.bytesRead;
    if (end.kind !== 'full') {
      const beyond = end.kind === 'beyond' ? end.rowid : undefined;
      return { rows, bytes: scanner.bytesRead, unrepresentable: decoder.unrepresentable, beyond };
    }
    // Lets an abort be processed.
    if (turn % 16 === 0) await setImmediate();
    signal.throwIfAborted();
  }
}

/** Where the records hold the columns to read; undefined if they do not hold every column of the table. */
function positionsIn(columns: readonly CatalogColumn[], request: ReadRequest): number[] | undefined {
  if (columns.some(({ isVirtual }) => isVirtual)) return undefined;
  const positions = request.columns.map(({ spec }) => columns.findIndex(({ name }) => name === spec.name));
  return positions.includes(-1) ? undefined : positions;
}
