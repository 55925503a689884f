import path from 'node:path';
import { LakeportError } from '../../errors.js';
import type { Dataset } from '../../model/dataset.js';
import { type TableId, tableKey } from '../../model/table.js';
import type { TableMetadata } from '../../model/table-metadata.js';
import type {
  DescribedDataset,
  DescribeOptions,
  PinOptions,
  ReadColumn,
  ReaderSettings,
  RowCount,
  ServerInfo,
  Slice,
  SliceOptions,
  Snapshot,
  Source,
  SourceDataset,
  SourceTable,
  TableProblem,
} from '../source.js';
import type { SeenAt, SourceChange, TableTotals } from '../column-totals.js';
import type { Increment, IncrementRequest } from '../increment.js';
import { fromClause } from '../row-set.js';
import { type CatalogTable, listKnownColumns, listTables } from './catalog.js';
import { describeColumns } from './columns.js';
import { SqliteConnection } from './connection.js';
import { sqliteError } from './errors.js';
import { readIncrement } from './increment/increment.js';
import { defineMaskHash } from './mask-hash.js';
import { sqliteRows } from './rows.js';
import type { SqliteSettings } from './settings.js';
import { sliceTable } from './slices.js';
import { pinSnapshot } from './snapshot.js';
import { readTableMetadata } from './table-metadata.js';
import { readChange, readTotals } from './totals.js';
import { findUnrepresentable } from './unrepresentable-values.js';

/** Largest table to count: a count blocks the planner's thread. */
const MOST_COUNTED = 20_000_000;

/** @throws LakeportError */
export async function openSqliteSource(settings: SqliteSettings): Promise<Source<SqliteSettings>> {
  return new SqliteSource(await SqliteConnection.open(settings), settings);
}

/** The planning side: one connection. */
class SqliteSource implements Source<SqliteSettings> {
  readonly engine = 'sqlite';
  readonly server: ServerInfo;
  readonly #connection: SqliteConnection;
  readonly #settings: SqliteSettings;
  readonly #tables = new Map<string, CatalogTable>();
  readonly #closing = new AbortController();

  constructor(connection: SqliteConnection, settings: SqliteSettings) {
    this.#connection = connection;
    this.#settings = settings;
    const [[version] = []] = connection.query('SELECT sqlite_version()');
    if (settings.maskSalt !== undefined) {
      const [[encoding] = []] = connection.query('PRAGMA encoding');
      defineMaskHash(connection.database, settings.maskSalt, String(encoding));
    }
    const { file } = settings;
    this.server = { product: `SQLite ${String(version)}`, address: path.dirname(file), database: path.basename(file) };
  }

  listTables(): Promise<SourceTable[]> {
    return this.#asking(undefined, () => {
      const tables = listTables(this.#connection);
      for (const table of tables) this.#tables.set(tableKey(table.id), table);
      return tables;
    });
  }

  pin(
    _tables: readonly SourceDataset[],
    { consistency }: PinOptions,
  ): Promise<{ readonly snapshot: Snapshot; readonly problems: TableProblem[] }> {
    return this.#asking(undefined, () => ({
      snapshot: pinSnapshot(this.#connection, this.#settings.file, consistency),
      problems: [],
    }));
  }

  async describe(
    tables: readonly SourceDataset[],
    options: DescribeOptions & Pick<PinOptions, 'columnChoice'>,
  ): Promise<(DescribedDataset | TableProblem)[]> {
    // Once more than for the list: since then, the run's transaction has begun.
    const known = await this.#asking(undefined, () =>
      tables.length > 1 ? listKnownColumns(this.#connection) : undefined,
    );
    return Promise.all(
      tables.map(async (table) => {
        try {
          return await this.#asking(table.id, () => ({
            columns: describeColumns(this.#connection, this.#known(table), { ...options, known }),
          }));
        } catch (thrown) {
          return { id: table.id, error: LakeportError.from(thrown) };
        }
      }),
    );
  }

  readMetadata(tables: readonly SourceDataset[]): Promise<readonly (TableMetadata | undefined)[]> {
    const isTable = ({ kind }: SourceDataset) => kind === 'table';
    const names = tables.filter(isTable).map(({ id }) => id.name);
    return this.#asking(undefined, () => {
      const found = readTableMetadata(this.#connection, names);
      return tables.map((table) => (isTable(table) ? found.get(table.id.name) : undefined));
    });
  }

  findUnrepresentable({ id, dataset }: SourceDataset, columns: readonly ReadColumn[]): Promise<readonly string[]> {
    return this.#asking(id, () => findUnrepresentable(this.#connection, dataset, columns));
  }

  increment(table: SourceDataset, request: IncrementRequest): Promise<Increment> {
    return this.#asking(table.id, () =>
      readIncrement({ connection: this.#connection, table: this.#known(table), request }),
    );
  }

  slice(table: SourceDataset, columns: readonly ReadColumn[], options: SliceOptions): Promise<Slice[]> {
    return this.#asking(table.id, () => sliceTable(this.#connection, this.#known(table), columns, options));
  }

  countRows(dataset: Dataset): Promise<RowCount | undefined> {
    const { id } = dataset;
    const { estimatedRows } = this.#tables.get(tableKey(id)) ?? {};
    if (estimatedRows === undefined || estimatedRows > MOST_COUNTED) return Promise.resolve(undefined);
    return this.#asking(id, () => {
      const [[rows] = []] = this.#connection.query(`SELECT count(*) ${fromClause(sqliteRows(dataset))}`);
      return { rows: Number(rows), ofSnapshot: this.#connection.database.isTransaction };
    });
  }

  totals(table: SourceDataset, columns: readonly ReadColumn[]): Promise<TableTotals> {
    const { signal } = this.#closing;
    return this.#asking(table.id, () => readTotals(this.#connection, { table, columns, signal }));
  }

  changeSince(_table: SourceDataset, seen: SeenAt): Promise<SourceChange> {
    return this.#asking(undefined, () => readChange(this.#settings.file, seen));
  }

  freeConnections(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  readerSettings(): ReaderSettings<SqliteSettings> {
    return { engine: this.engine, connection: this.#settings };
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#connection.close();
    return Promise.resolve();
  }

  #known(table: SourceDataset): CatalogTable {
    return { rowid: undefined, ...this.#tables.get(tableKey(table.id)), ...table };
  }

  async #asking<T>(table: TableId | undefined, ask: () => T | Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (thrown) {
      throw sqliteError(thrown, { entry: this.#settings.entryId, table });
    }
  }
}
