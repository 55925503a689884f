import pLimit from 'p-limit';
import type { Dataset } from '../../model/dataset.js';
import { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import type { TableMetadata } from '../../model/table-metadata.js';
import type {
  CountOptions,
  DescribedDataset,
  DescribeOptions,
  OtherRelation,
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
import { type CatalogTable, listOthers, listTables } from './catalog.js';
import type { MssqlClient } from './connection/client.js';
import { describeColumns } from './columns/columns.js';
import type { SeenAt, SourceChange, TableTotals } from '../column-totals.js';
import type { Increment, IncrementRequest } from '../increment.js';
import { type PatienceOptions, withPatience } from '../patience.js';
import { connectMssql } from './connection/connection.js';
import { mssqlError } from './errors.js';
import { readIncrement } from './increment/increment.js';
import { countRows } from './rows/row-count.js';
import { countFreeConnections, readServerFacts, type ServerFacts } from './connection/server.js';
import { type MssqlSettings } from './connection/settings.js';
import { displayAddress } from './connection/address.js';
import { sliceTable } from './rows/slices.js';
import { pinSnapshot } from './snapshot.js';
import { readTableMetadata } from './table-metadata.js';
import { readChange, readTotals } from './totals.js';
import { findUnrepresentable } from './columns/unrepresentable-values.js';

/** Connects the planner's session, waiting for a server that is still starting. @throws LakeportError */
export async function openMssqlSource(
  settings: MssqlSettings,
  options: Omit<PatienceOptions, 'timeoutMs'>,
): Promise<Source<MssqlSettings>> {
  const { signal } = options;
  const client = await withPatience({ ...options, timeoutMs: settings.connectTimeoutMs }, () =>
    connectMssql(settings, { signal, isolation: 'read committed' }),
  );
  try {
    return new MssqlSource(client, settings, await readServerFacts(client));
  } catch (error) {
    client.close();
    throw mssqlError(error, { entry: settings.entryId });
  }
}

/** The planning side, on one connection. Nothing is locked: a table whose columns change in the meantime fails when read. */
class MssqlSource implements Source<MssqlSettings> {
  readonly engine = 'mssql';
  readonly server: ServerInfo;
  #client: MssqlClient;
  readonly #settings: MssqlSettings;
  readonly #facts: ServerFacts;
  readonly #tables = new Map<string, CatalogTable>();
  /** The driver handles one request at a time. */
  readonly #oneByOne = pLimit(1);
  /** One connection for counts, besides those of the planner and the readers. */
  readonly #counting = pLimit(1);
  /** One query is to read the whole table, so that it sees one instant. */
  #isReadWhole = false;
  #pinned: Snapshot | undefined;
  readonly #closing = new AbortController();

  constructor(client: MssqlClient, settings: MssqlSettings, facts: ServerFacts) {
    this.#client = client;
    this.#settings = settings;
    this.#facts = facts;
    const { product, database } = facts;
    this.server = { product, address: displayAddress(settings), database };
  }

  async listTables(): Promise<SourceTable[]> {
    const tables = await this.#asking(undefined, () => listTables(this.#client));
    for (const table of tables) this.#tables.set(keyOf(table.id), table);
    return tables;
  }

  listOthers(): Promise<OtherRelation[]> {
    return this.#asking(undefined, () => listOthers(this.#client));
  }

  async pin(
    _tables: readonly SourceDataset[],
    { consistency }: PinOptions,
  ): Promise<{ readonly snapshot: Snapshot; readonly problems: TableProblem[] }> {
    const { database } = this.#facts;
    const snapshot = await this.#asking(undefined, () => pinSnapshot(this.#client, { consistency, database }));
    this.#isReadWhole = consistency === 'run';
    this.#pinned = snapshot;
    return { snapshot, problems: [] };
  }

  async describe(
    tables: readonly SourceDataset[],
    options: DescribeOptions & Pick<PinOptions, 'columnChoice'>,
  ): Promise<(DescribedDataset | TableProblem)[]> {
    const known = tables.map((table) => this.#known(table));
    const described = await this.#asking(undefined, () => describeColumns(this.#client, known, options));
    return tables.map(({ id }, index) => {
      const answer = described[index];
      if (answer !== undefined && !(answer instanceof LakeportError)) return answer;
      return { id, error: answer ?? LakeportError.from(new TypeError('A table was not described')) };
    });
  }

  readMetadata(tables: readonly SourceDataset[]): Promise<readonly (TableMetadata | undefined)[]> {
    const known = tables.map((table) => this.#known(table));
    return this.#asking(undefined, () => readTableMetadata(this.#client, known));
  }

  findUnrepresentable({ id, dataset }: SourceDataset, columns: readonly ReadColumn[]): Promise<readonly string[]> {
    return this.#asking(id, () => findUnrepresentable(this.#client, dataset, columns));
  }

  increment(table: SourceDataset, request: IncrementRequest): Promise<Increment> {
    return this.#asking(table.id, () => readIncrement(this.#client, this.#known(table), request));
  }

  async slice(table: SourceDataset, columns: readonly ReadColumn[], options: SliceOptions): Promise<Slice[]> {
    // A table's override takes precedence over the run's setting.
    const degree = this.#isReadWhole ? 1 : options.degree;
    return this.#asking(table.id, () => sliceTable(this.#client, this.#known(table), columns, { ...options, degree }));
  }

  /** In the readers' isolation level, which waits for no locks if the database keeps row versions. */
  async countRows(dataset: Dataset, { snapshot, signal }: CountOptions): Promise<RowCount | undefined> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const rows = await this.#counting(() => countRows(this.#settings, { dataset, snapshot, signal: stop }));
    return rows === undefined ? undefined : { rows, ofSnapshot: false };
  }

  totals(table: SourceDataset, columns: readonly ReadColumn[]): Promise<TableTotals> {
    const { product } = this.#facts;
    return readTotals(this.#settings, {
      table,
      columns,
      product,
      snapshot: this.#pinned,
      signal: this.#closing.signal,
    });
  }

  changeSince(table: SourceDataset, seen: SeenAt): Promise<SourceChange> {
    return this.#asking(table.id, () => readChange(this.#client, { table, seen }));
  }

  freeConnections(): Promise<number | undefined> {
    return this.#asking(undefined, () => countFreeConnections(this.#client)).catch(() => undefined);
  }

  readerSettings(): ReaderSettings<MssqlSettings> {
    return { engine: this.engine, connection: this.#settings };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#client.cancelAndClose();
  }

  #known(table: SourceDataset): CatalogTable {
    return { objectId: undefined, ...this.#tables.get(keyOf(table.id)), ...table };
  }

  /** The connection has no state: if it was lost, the query is retried on a new one. */
  #asking<T>(table: TableId | undefined, ask: () => Promise<T>): Promise<T> {
    const place = { entry: this.#settings.entryId, table };
    const { signal } = this.#closing;
    return this.#oneByOne(async () => {
      try {
        return await ask();
      } catch (thrown) {
        const error = mssqlError(thrown, place);
        if (signal.aborted || !(error.transient && error.exit === 'unreachable')) throw error;
      }
      this.#client.close();
      this.#client = await connectMssql(this.#settings, { isolation: 'read committed', signal });
      try {
        return await ask();
      } catch (thrown) {
        throw mssqlError(thrown, place);
      }
    });
  }
}

function keyOf({ schema, name }: TableId): string {
  return JSON.stringify([schema, name]);
}
