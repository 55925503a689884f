import type { RowSink } from '../../columns/row-sink.js';
import { LakeportError } from '../../errors.js';
import { datasetId, hasAllRows } from '../../model/dataset.js';
import { tableName } from '../../model/table.js';
import type { ReaderSettings, ReadRequest, ReadResult, SliceReader, Snapshot } from '../source.js';
import { UnrepresentableValue } from '../wire/wire.js';
import { SqliteConnection } from './connection.js';
import { sqliteError } from './errors.js';
import { defineMaskHash } from './mask-hash.js';
import { integerLiteral } from './literals.js';
import { isAllInFile, readPages } from './page-read.js';
import { readRows } from './row-read.js';
import type { SqliteSettings } from './settings.js';
import { rangeOf } from './slices.js';
import { beginAsPinned } from './snapshot.js';
import { KINDS } from './types.js';
import { listTables } from './catalog.js';

/** Opens a reader's connection, whose single transaction shows the file at one instant. @throws LakeportError */
export async function openSqliteReader(
  settings: ReaderSettings<SqliteSettings>,
  snapshot: Snapshot,
): Promise<SliceReader> {
  const own = settings.connection;
  const connection = await SqliteConnection.open(own);
  try {
    beginAsPinned(connection, own.file, snapshot);
    return new SqliteReader(connection, own);
  } catch (thrown) {
    connection.close();
    throw sqliteError(thrown, { entry: own.entryId });
  }
}

class SqliteReader implements SliceReader {
  readonly #connection: SqliteConnection;
  readonly #settings: SqliteSettings;
  readonly #encoding: string;
  readonly #isAllInFile: boolean;
  /** By table: the alias of its rowid. */
  readonly #rowids: ReadonlyMap<string, string | undefined>;

  constructor(connection: SqliteConnection, settings: SqliteSettings) {
    this.#connection = connection;
    this.#settings = settings;
    const [[encoding] = []] = connection.query('PRAGMA encoding');
    this.#encoding = String(encoding);
    if (settings.maskSalt !== undefined) defineMaskHash(connection.database, settings.maskSalt, this.#encoding);
    this.#isAllInFile = isAllInFile(connection, settings.file);
    this.#rowids = new Map(listTables(connection).map(({ id, rowid }) => [id.name, rowid]));
  }

  async read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    signal.throwIfAborted();
    try {
      return await this.#read(request, sink, signal);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      const { dataset, slice } = request;
      throw sqliteError(thrown, { entry: this.#settings.entryId, table: datasetId(dataset), slice: slice.index });
    }
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  async #read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    const { onUnrepresentable, slice } = request;
    const explain = (cause: UnrepresentableValue, column: number) => misfit(cause, column, request);
    const connection = this.#connection;
    const { file } = this.#settings;
    // Its pages hold all rows of a table, and only those, in the order of the rowids.
    const rowid = hasAllRows(request.dataset) ? this.#rowids.get(request.dataset.id.name) : undefined;
    const isByPage = this.#isAllInFile && rowid !== undefined && this.#encoding === 'UTF-8' && slice.isSorted !== true;
    const range = isByPage ? rangeOf(slice) : undefined;
    const policy = { onUnrepresentable, explain };
    const pages = range && (await readPages({ connection, file, request, rowid, range, sink, policy, signal }));
    if (pages !== undefined && pages.beyond === undefined) return pages;
    const counts = new Map(Object.entries(pages?.unrepresentable ?? {}));
    const refuse = (index: number): void => {
      const name = request.columns[index]?.spec.name ?? '';
      if (onUnrepresentable === 'error') throw explain(new UnrepresentableValue(MISFIT), index);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    };
    const rest =
      pages?.beyond === undefined
        ? ''
        : `${slice.method === 'None' ? ' WHERE' : ' AND'} ${rowid ?? ''} >= ${integerLiteral(String(pages.beyond))} ORDER BY ${rowid ?? ''}`;
    const { rows, bytes } = await readRows({
      connection,
      query: slice.query + rest,
      columns: request.columns.length,
      sink,
      signal,
      encoding: this.#encoding,
      refuse,
    });
    return {
      rows: rows + (pages?.rows ?? 0),
      bytes: bytes + (pages?.bytes ?? 0),
      unrepresentable: Object.fromEntries(counts),
    };
  }
}

const MISFIT = 'a value that does not fit the type of the column';

function misfit(cause: UnrepresentableValue, index: number, { columns, dataset, slice }: ReadRequest): Error {
  const column = columns[index];
  if (column === undefined) return cause;
  const { name, sourceType } = column.spec;
  const kind = Object.entries(KINDS).find(([known]) => known === column.decoder.kind)?.[1];
  return new LakeportError({
    code: 'UNREPRESENTABLE_VALUE',
    message: `Column ${name} (${sourceType === '' ? 'no type' : sourceType}) of ${tableName(datasetId(dataset))} holds a value that is not ${kind?.holds ?? 'of its type'}`,
    hint: '--sqlite-types text writes every value as text; --on-unrepresentable null writes such values as NULL and counts them',
    context: { table: tableName(datasetId(dataset)), column: name, slice: slice.index },
    cause,
  });
}
