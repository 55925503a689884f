import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import type pg from 'pg';
import { type Dataset, datasetId, hasAllRows, type QueryDataset } from '../../model/dataset.js';
import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import type { TableMetadata } from '../../model/table-metadata.js';
import type {
  CountOptions,
  DescribedDataset,
  DescribeOptions,
  OtherRelation,
  OpenOptions,
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
  TableOverride,
  TableProblem,
} from '../source.js';
import type { Increment, IncrementRequest } from '../increment.js';
import type { SeenAt, SourceChange, TableTotals } from '../column-totals.js';
import { DB_PARTITION } from '../partitioning/methods.js';
import { slicesOf } from '../partitioning/predicate.js';
import { type PatienceOptions, withPatience } from '../patience.js';
import type { RowSet } from '../row-set.js';
import { type SliceOrder, sliceOrder, withSorting } from '../slice-order.js';
import { POSTGRES_ORDER } from './rows/order.js';
import { abandon } from './connection/cancel.js';
import { listTables } from './catalog/catalog.js';
import { nameNotReadable } from './catalog/catalog-text.js';
import { readIncrement } from './increment/increment.js';
import { ReadingLocks } from './locking/column-grants.js';
import { holdToo, joinSnapshot } from './locking/hold-too.js';
import { type ColumnOptions, describeColumns, describeFields } from './columns/columns.js';
import { type ConnectOptions, discard, leave, negotiatePostgres } from './connection/connection.js';
import { postgresError } from './errors.js';
import { setMaskSalt } from './columns/masks.js';
import { isLockTableFull, lockTableFull } from './locking/lock-table.js';
import { readMembers } from './catalog/leaf-relations.js';
import { listOthers } from './catalog/other-relations.js';
import { isByKey, shareByKey } from './partitioning/by-key.js';
import { sliceByPartition } from './partitioning/by-partition.js';
import { type KeyedTableOptions, POSTGRES_SQL } from './partitioning/dialect.js';
import { findRelations, type Relation } from './catalog/relations.js';
import { RowCounter } from './rows/row-counter.js';
import { checkQuery, checkRows, explainRows } from './rows/requested-rows.js';
import { postgresRows } from './rows/rows.js';
import { countFreeConnections, readServerFacts } from './connection/server.js';
import { type ServerFacts } from './connection/server-facts.js';
import type { PostgresHost } from './connection/address.js';
import { connectToServer, instanceOf, requireInstance } from './connection/server-identity.js';
import { displayAddress, type PostgresSettings } from './connection/settings.js';
import { isLarge, type Member, sliceMembers, wholeSlice } from './rows/slices.js';
import {
  noSnapshot,
  type Pinned,
  type Pinning,
  pinTables,
  takeOverTables,
  transactionStart,
} from './locking/snapshot.js';
import { inSavepoint } from './connection/savepoint.js';
import { applySettings, CATALOG, inTransaction } from './connection/transaction.js';
import { findUnrepresentable } from './columns/unrepresentable-values.js';
import { readTableMetadata } from './catalog/table-metadata.js';
import { readChange, readTotals } from './totals.js';
import { checkOverride, requirePages } from './table-override.js';

/** Connects the planner's session, waiting for a server that is still starting. @throws LakeportError */
export async function openPostgresSource(
  settings: PostgresSettings,
  options: SessionOptions & Pick<PatienceOptions, 'onWait'>,
): Promise<Source<PostgresSettings>> {
  const { signal, onWait } = options;
  const patience = { timeoutMs: settings.connectTimeoutMs, signal, onWait };
  const session = await withPatience(patience, () => openSession(settings, options));
  return new PostgresSource({ ...session, wanted: settings });
}

interface PlannerSession {
  readonly client: pg.Client;
  readonly settings: PostgresSettings;
  readonly facts: ServerFacts;
}

type SessionOptions = ConnectOptions & Pick<OpenOptions, 'instance'>;

function openSession(settings: PostgresSettings, options: SessionOptions): Promise<PlannerSession> {
  return connectToServer(settings, (chosen) => openSessionAt(chosen, options));
}

async function openSessionAt(
  settings: PostgresSettings,
  { instance, ...options }: SessionOptions,
): Promise<PlannerSession> {
  let facts: ServerFacts | undefined;
  const first = async (client: pg.Client) => {
    facts = await inTransaction(client, settings, CATALOG, () => readServerFacts(client, settings));
    if (instance !== undefined) requireInstance(facts.identity, instance, settings);
  };
  const negotiated = await negotiatePostgres(settings, { ...options, first });
  if (facts === undefined) throw new TypeError('The server facts are not loaded');
  return { ...negotiated, facts };
}

const DENIED = new Set(['TABLE_PERMISSION_DENIED', 'TABLE_ROW_SECURITY']);

/** A server that does not answer an idle connection within this time has lost it. */
const ANSWER_MS = 15_000;
/** Longest wait for locks while a run stands still, because others wait for stronger ones. */
const TAKE_OVER_MS = 30_000;
/** Allows for answers that arrived while this process was suspended. */
const WAKE_MS = 1_000;

/** The planning side: one connection, which holds the snapshot and the locks until it is closed. */
class PostgresSource implements Source<PostgresSettings> {
  readonly engine = 'postgres';
  #client: pg.Client;
  #settings: PostgresSettings;
  /** As configured, with all hosts. */
  readonly #wanted: PostgresSettings;
  #facts: ServerFacts;
  readonly #relations = new Map<string, Relation>();
  /** What the tables' slices were cut from. */
  readonly #members = new Map<string, readonly RowSet[]>();
  /** Tables described last, by oid, and the members of the large ones once a first one is sliced. */
  readonly #described = new Map<number, SourceDataset>();
  readonly #membersByOid = new Map<number, readonly Member[] | undefined>();
  readonly #counter = new RowCounter();
  #readingLocks: ReadingLocks | undefined;
  /** Listed tables that cannot be queried, since their names have invalid bytes. */
  readonly #unnamed = new Set<string>();
  /** Each query has its own savepoint, so they run one after the other. */
  readonly #oneByOne = pLimit(1);
  /** Start of the transaction that holds snapshot and locks; undefined if there is none. */
  #pinned: string | undefined;
  #loss: LakeportError | undefined;
  #onLost: () => void = () => undefined;
  #isClosed = false;

  constructor({ client, settings, facts, wanted }: PlannerSession & { readonly wanted: PostgresSettings }) {
    this.#client = client;
    this.#settings = settings;
    this.#wanted = wanted;
    this.#facts = facts;
    this.#watch(client);
  }

  /** Of the connection that there is now: another host may have taken over. */
  get server(): ServerInfo {
    const { versionText, database, identity, user, startedAt } = this.#facts;
    const instance = instanceOf(identity, user);
    const address = displayAddress(this.#settings);
    return { product: `PostgreSQL ${versionText}`, address, database, instance, startedAt };
  }

  listTables(): Promise<SourceTable[]> {
    return this.#asking(undefined, async () => {
      const listed = await listTables(this.#client, this.#facts);
      return listed.map(({ hasReadableName, ...table }) => {
        if (!hasReadableName) this.#unnamed.add(keyOf(table.id));
        return table;
      });
    });
  }

  listOthers(): Promise<OtherRelation[]> {
    return this.#asking(undefined, () => listOthers(this.#client, this.#facts));
  }

  async pin(
    tables: readonly SourceDataset[],
    options: PinOptions,
  ): Promise<{ readonly snapshot: Snapshot; readonly problems: TableProblem[] }> {
    const client = this.#client;
    const unnamed = tables
      .filter(({ id }) => this.#unnamed.has(keyOf(id)))
      .map(({ id }) => ({ id, error: nameNotReadable(tableName(id)) }));
    const pinned = await this.#oneByOne(async () => {
      const readingLocks = new ReadingLocks(this.#settings);
      this.#readingLocks = readingLocks;
      try {
        if (this.#pinned !== undefined) await client.query('ROLLBACK');
        this.#pinned = undefined;
        if (options.consistency === 'none') {
          const snapshot = await inTransaction(client, this.#settings, CATALOG, () => noSnapshot(client));
          return { snapshot, problems: unnamed };
        }
        const named = tables.filter(({ id }) => !this.#unnamed.has(keyOf(id)));
        const { byReading, problems } = await readingLocks.take(client, this.#facts, {
          tables: named,
          choice: options.columnChoice,
        });
        const failed = new Set(problems.map(({ id }) => id));
        const lockable = named.filter(({ id }) => !failed.has(id));
        const pinning = { tables: lockable, settings: this.#settings, byReading };
        const pinned =
          (await this.#takeOver(pinning, options.earlier)) ?? (await pinTables(client, this.#facts, pinning));
        this.#pinned = await transactionStart(client);
        this.#loss = undefined;
        return { ...pinned, problems: [...pinned.problems, ...problems, ...unnamed] };
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        const known = postgresError(error, { entry: this.#settings.entryId });
        if (!isLockTableFull(known)) throw known;
        throw await lockTableFull(client, known, tables.length).catch(() => known);
      } finally {
        await readingLocks.release();
      }
    });
    return { ...pinned, problems: await this.#explained(pinned.problems, tables) };
  }

  takeOver(sessions: readonly Snapshot[]): Promise<Snapshot | undefined> {
    return this.#oneByOne(async () => {
      const client = this.#client;
      const { lockTimeoutMs } = this.#settings;
      const waitsUntil = performance.now() + Math.min(lockTimeoutMs || Infinity, TAKE_OVER_MS);
      for (const session of sessions) {
        try {
          await joinSnapshot(client, this.#settings, session);
          const taken = await holdToo(client, session, { waitsUntil });
          await client.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
          this.#pinned = await transactionStart(client);
          this.#loss = undefined;
          return taken;
        } catch (thrown) {
          const error = postgresError(thrown, { entry: this.#settings.entryId });
          if (error.transient && error.exit === 'unreachable') throw error;
          await client.query('ROLLBACK');
        }
      }
      return undefined;
    });
  }

  /** The first of the snapshots that can be. Undefined for none; then there is no transaction either. */
  async #takeOver(pinning: Pinning, snapshots: readonly Snapshot[] = []): Promise<Pinned | undefined> {
    for (const earlier of snapshots) {
      const taken = await takeOverTables(this.#client, this.#facts, { ...pinning, earlier }).catch(() => undefined);
      if (taken !== undefined) return taken;
      await this.#client.query('ROLLBACK');
    }
    return undefined;
  }

  /** Explains views' problems by the role that lacks privileges: it may be the owner, whom the server does not name. */
  async #explained(problems: readonly TableProblem[], tables: readonly SourceDataset[]): Promise<TableProblem[]> {
    const views = new Set(tables.filter(({ kind }) => kind === 'view').map(({ id }) => keyOf(id)));
    const denied = problems.filter(({ id, error }) => views.has(keyOf(id)) && DENIED.has(error.code));
    const found = denied.length === 0 ? [] : await this.#find(denied.map(({ id }) => id));
    const errors = new Map(denied.map(({ id }, index) => [keyOf(id), found[index]]));
    return problems.map((problem) => {
      const error = errors.get(keyOf(problem.id));
      return error instanceof LakeportError ? { ...problem, error } : problem;
    });
  }

  async describe(
    tables: readonly SourceDataset[],
    options: DescribeOptions & Pick<PinOptions, 'columnChoice'>,
  ): Promise<(DescribedDataset | TableProblem)[]> {
    const whole = { ...options, sourceEncoding: this.#settings.sourceEncoding };
    const found = await this.#describeTables(
      tables.filter(({ kind }) => kind !== 'query'),
      whole,
    );
    const described: (DescribedDataset | TableProblem)[] = [];
    for (const table of tables) {
      const { dataset, id } = table;
      try {
        const known = dataset.kind === 'query' ? await this.#describeQuery(dataset, whole) : found.shift();
        if (known === undefined) throw new TypeError('A table was not described');
        if (!hasAllRows(dataset) && !('error' in known)) described.push(await this.#describeRows(table, known));
        else described.push(known);
      } catch (thrown) {
        const error = LakeportError.from(thrown).within({ table: tableName(id) });
        if (error.exit === 'unreachable') throw error;
        described.push({ id, error });
      }
    }
    return described;
  }

  async #describeQuery(dataset: QueryDataset, options: ColumnOptions): Promise<DescribedDataset> {
    const { id } = dataset;
    const fields = await this.#askingAsReader(id, () => checkQuery(this.#client, dataset));
    return this.#asking(id, () => describeFields(this.#client, this.#facts, { id, fields }, options));
  }

  /** Checks what is asked for of a dataset's rows, and estimates them. */
  #describeRows({ dataset, id, kind }: SourceDataset, described: DescribedDataset): Promise<DescribedDataset> {
    return this.#askingAsReader(id, async () => {
      await checkRows(this.#client, dataset, kind);
      return { ...described, ...(await explainRows(this.#client, dataset, described.columns)) };
    });
  }

  async #describeTables(
    tables: readonly SourceDataset[],
    options: ColumnOptions,
  ): Promise<(DescribedDataset | TableProblem)[]> {
    const ids = tables.map(({ id }) => id);
    const found = await this.#find(ids);
    this.#described.clear();
    this.#membersByOid.clear();
    tables.forEach((table, index) => {
      const relation = found[index];
      if (relation !== undefined && !(relation instanceof LakeportError)) this.#described.set(relation.oid, table);
    });
    const readable = ids.flatMap((id, index) => {
      const relation = found[index];
      return relation === undefined || relation instanceof LakeportError ? [] : [{ id, ...relation }];
    });
    const described = await this.#asking(undefined, () =>
      describeColumns(this.#client, this.#facts, readable, options),
    );
    const columns = new Map(readable.map(({ id }, index) => [keyOf(id), described[index]]));
    return ids.map((id, index) => {
      const relation = found[index];
      const answer = relation instanceof LakeportError ? relation : columns.get(keyOf(id));
      if (answer === undefined || answer instanceof LakeportError) {
        return { id, error: answer ?? LakeportError.from(new TypeError('A table was not described')) };
      }
      return answer;
    });
  }

  async readMetadata(tables: readonly SourceDataset[]): Promise<readonly (TableMetadata | undefined)[]> {
    const relations = tables.map(({ kind, id }) => (kind === 'query' ? undefined : this.#relations.get(keyOf(id))));
    const known = relations.flatMap((relation) => relation ?? []);
    if (known.length === 0) return relations.map(() => undefined);
    const found = await this.#asking(undefined, () => readTableMetadata(this.#client, this.#facts, known));
    return relations.map((relation) => relation && found.get(relation.oid));
  }

  findUnrepresentable({ id, dataset }: SourceDataset, columns: readonly ReadColumn[]): Promise<readonly string[]> {
    const find = () => findUnrepresentable(this.#client, dataset, columns);
    return hasAllRows(dataset) ? this.#asking(id, find) : this.#askingAsReader(id, find);
  }

  async increment(table: SourceDataset, request: IncrementRequest): Promise<Increment> {
    const { id, dataset } = table;
    const known =
      dataset.kind === 'query' ? undefined : (this.#relations.get(keyOf(id)) ?? (await this.#find([id]))[0]);
    if (known instanceof LakeportError) throw known;
    const context = { server: this.#facts, table, request, oid: known?.oid, isPinned: this.#pinned !== undefined };
    return this.#askingAsReader(id, () => readIncrement({ ...context, client: this.#client }));
  }

  async slice(table: SourceDataset, columns: readonly ReadColumn[], options: SliceOptions): Promise<Slice[]> {
    const order = sliceOrder(POSTGRES_ORDER, columns, options.sortBy);
    return withSorting(await this.#slice(table, columns, { ...options, order }), order);
  }

  async #slice(
    table: SourceDataset,
    columns: readonly ReadColumn[],
    options: SliceOptions & { readonly order: SliceOrder | undefined },
  ): Promise<Slice[]> {
    const { dataset, estimatedRows } = table;
    const { override } = options;
    checkOverride(override);
    if (dataset.kind === 'query') return this.#sliceQuery(table, columns, options);
    const { id } = dataset;
    const relation = this.#relations.get(keyOf(id)) ?? (await this.#find([id]))[0];
    if (relation === undefined || relation instanceof LakeportError) {
      throw relation ?? new TypeError('A table was not looked up');
    }
    const { oid, kind, hasMembers } = relation;
    // A table without children yet must not gain one with older rows during the run.
    const rows = postgresRows(dataset, { only: kind === 'r' && !hasMembers, order: options.order });
    if (isSampledWhole(dataset, override)) return [wholeSlice(rows, columns, estimatedRows)];
    if (override !== undefined && isByKey(override)) {
      return this.#sliceByKey(
        table,
        { oid, rows, columns },
        { ...override, degree: override.degree ?? options.degree },
      );
    }
    if (override?.method === DB_PARTITION.name) {
      const members = await this.#membersOf(dataset, relation, options);
      return sliceByPartition({ dataset, kind, columns, order: options.order }, members);
    }
    const whole = [wholeSlice(rows, columns, estimatedRows)];
    if (!isLarge(estimatedRows, options)) return whole;
    const members = await this.#membersOf(dataset, relation, options);
    requirePages(override, id, members);
    // No pages means no rows in the snapshot; without a snapshot there may be rows by the time of the read.
    const filled = members?.filter(({ byPage, pages }) => !(this.#pinned !== undefined && byPage && pages === 0)) ?? [];
    return filled.length === 0 ? whole : sliceMembers(dataset, filled, columns, options);
  }

  /** The relations that hold its rows; undefined if they can only be read through it. */
  async #membersOf(
    dataset: Dataset,
    { oid, kind, rowSecurity }: Relation,
    options: SliceOptions,
  ): Promise<readonly Member[] | undefined> {
    if (kind === 'v' || rowSecurity) return undefined;
    const id = datasetId(dataset);
    const members = await this.#readMembers(id, oid, options);
    const read = members?.map((member) => postgresRows(dataset, { only: true, member: member.id }));
    if (read !== undefined) this.#members.set(keyOf(id), read);
    return members;
  }

  /** Asks for those of all large tables at once. */
  async #readMembers(id: TableId, oid: number, options: SliceOptions): Promise<readonly Member[] | undefined> {
    if (this.#membersByOid.has(oid)) return this.#membersByOid.get(oid);
    const ask = (oids: readonly number[]) => this.#asking(id, () => readMembers(this.#client, this.#facts, oids));
    const automatic = { ...options, override: undefined };
    const large = [...this.#described].filter(([, { estimatedRows }]) => isLarge(estimatedRows, automatic));
    const unknown = large.map(([other]) => other).filter((other) => !this.#membersByOid.has(other));
    // Without the run's locks, the size of a table that is just being rewritten cannot be told: it fails alone.
    const found = await ask([...new Set([oid, ...unknown])]).catch(() => ask([oid]));
    for (const [root, members] of found) this.#membersByOid.set(root, members);
    return found.get(oid);
  }

  async #sliceQuery(
    table: SourceDataset,
    columns: readonly ReadColumn[],
    { override, degree, order }: SliceOptions & { readonly order: SliceOrder | undefined },
  ): Promise<Slice[]> {
    const { dataset, id, estimatedRows } = table;
    const rows = postgresRows(dataset, { order });
    if (override === undefined || isSampledWhole(dataset, override) || !isByKey(override)) {
      requirePages(override, id, undefined);
      return [wholeSlice(rows, columns, estimatedRows)];
    }
    return this.#sliceByKey(
      table,
      { oid: undefined, rows, columns },
      { ...override, degree: override.degree ?? degree },
    );
  }

  async #sliceByKey(
    table: SourceDataset,
    { oid, rows, columns }: Pick<KeyedTableOptions, 'oid' | 'rows' | 'columns'>,
    override: TableOverride & { readonly degree: number },
  ): Promise<Slice[]> {
    const { id } = table;
    const keyed = { id, oid, rows, columns, server: this.#facts };
    const shares = await this.#askingAsReader(id, () => shareByKey(this.#client, keyed, { ...override, size: table }));
    this.#members.set(keyOf(id), [rows]);
    return slicesOf({ rows, columns, dialect: POSTGRES_SQL }, shares);
  }

  async countRows(dataset: Dataset, options: CountOptions): Promise<RowCount | undefined> {
    const members = this.#members.get(keyOf(datasetId(dataset)));
    return members && this.#counter.count(this.#settings, { ...options, dataset, members });
  }

  totals(table: SourceDataset, columns: readonly ReadColumn[]): Promise<TableTotals> {
    const relation = this.#relations.get(keyOf(table.id));
    return this.#askingAsReader(table.id, async () => {
      await setMaskSalt(this.#client, this.#settings.maskSalt);
      return readTotals(this.#client, this.#facts, { table, columns, relation });
    });
  }

  changeSince(table: SourceDataset, seen: SeenAt): Promise<SourceChange> {
    return this.#asking(table.id, () => readChange(this.#client, { table, seen }));
  }

  get loss(): LakeportError | undefined {
    return this.#loss;
  }

  onLost(listener: () => void): void {
    this.#onLost = listener;
  }

  async isPinned(): Promise<boolean> {
    if (this.#loss !== undefined) return false;
    const pinned = this.#pinned;
    if (pinned === undefined) return true;
    const client = this.#client;
    // After a pooler has reconnected, another transaction may answer, which says nothing about ours.
    const answer = this.#oneByOne(() => transactionStart(client)).then(
      (start) => (start === pinned ? undefined : silent('Another session answers in its place')),
      (error: unknown) => postgresError(error, { entry: this.#settings.entryId }),
    );
    const patience = new AbortController();
    const tooLate = setTimeout(ANSWER_MS, undefined, { signal: patience.signal })
      .then(() => setTimeout(WAKE_MS, undefined, { signal: patience.signal }))
      .then(() => silent(`The server has not answered for ${ANSWER_MS / 1000} s`))
      .catch(() => undefined);
    const loss = await Promise.race([answer, tooLate]);
    patience.abort();
    if (loss !== undefined && client === this.#client) this.#lost(loss);
    return loss === undefined && client === this.#client;
  }

  async reopen(options: Pick<OpenOptions, 'signal' | 'instance'>): Promise<void> {
    this.#pinned = undefined;
    discard(this.#client);
    const { client, facts, settings } = await openSession(this.#wanted, options);
    if (this.#isClosed) {
      discard(client);
      throw silent('The source is closed');
    }
    this.#settings = settings;
    this.#client = client;
    this.#facts = facts;
    this.#relations.clear();
    this.#watch(client);
  }

  freeConnections(): Promise<number | undefined> {
    return this.#asking(undefined, () => countFreeConnections(this.#client, this.#facts)).catch(() => undefined);
  }

  /** Where else a reader finds the server that holds the snapshot, if that is taken anew on another host. */
  #otherHosts(): readonly PostgresHost[] {
    const { server, port, hostaddr, password, others = [] } = this.#wanted;
    const isChosen = (host: PostgresHost) =>
      host.server === this.#settings.server &&
      host.port === this.#settings.port &&
      (host.hostaddr === undefined || host.hostaddr === this.#settings.hostaddr);
    return [{ server, port, hostaddr, password }, ...others].filter((host) => !isChosen(host));
  }

  readerSettings(): ReaderSettings<PostgresSettings> {
    const { characters } = this.#facts;
    return { engine: this.engine, connection: { ...this.#settings, others: this.#otherHosts(), characters } };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#onLost = () => undefined;
    this.#counter.close();
    await this.#readingLocks?.close();
    // Also ends the transaction, with its snapshot and locks. The current query is not waited for, and is canceled on the
    // server, which would otherwise only notice when it has a result or a lock.
    if (this.#oneByOne.activeCount > 0) await abandon(this.#client, this.#settings);
    else await leave(this.#client);
  }

  /** Records why the connection ends: the server's last message, or the socket's error. */
  #watch(client: pg.Client): void {
    let said: unknown;
    client.on('error', (error) => (said ??= error));
    client.once('end', () => {
      if (client !== this.#client || this.#pinned === undefined) return;
      this.#lost(
        postgresError(said ?? new Error('Connection terminated unexpectedly'), { entry: this.#settings.entryId }),
      );
    });
  }

  #lost(why: LakeportError): void {
    if (this.#loss !== undefined) return;
    this.#loss = why;
    this.#onLost();
  }

  async #find(ids: readonly TableId[]): Promise<(Relation | LakeportError)[]> {
    const found = await this.#asking(undefined, () => findRelations(this.#client, this.#facts, ids));
    ids.forEach((id, index) => {
      const relation = found[index];
      if (relation !== undefined && !(relation instanceof LakeportError)) this.#relations.set(keyOf(id), relation);
    });
    return found;
  }

  /** As `#asking`, with the user's search_path: for what the user has written in SQL. */
  #askingAsReader<T>(table: TableId, ask: () => Promise<T>): Promise<T> {
    return this.#asking(table, () => asReader(this.#client, this.#settings, ask));
  }

  /** Queries the server; an error leaves the snapshot intact. */
  #asking<T>(table: TableId | undefined, ask: () => Promise<T>): Promise<T> {
    return this.#oneByOne(async () => {
      try {
        if (this.#pinned !== undefined) return await inSavepoint(this.#client, ask);
        return await inTransaction(this.#client, this.#settings, CATALOG, ask);
      } catch (error) {
        throw postgresError(error, { entry: this.#settings.entryId, table });
      }
    });
  }
}

/** In what the readers' sessions are set to, which is undone afterwards. */
async function asReader<T>(client: pg.Client, settings: PostgresSettings, ask: () => Promise<T>): Promise<T> {
  await client.query('SAVEPOINT reader');
  try {
    await applySettings(client, settings, {});
    return await ask();
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT reader; RELEASE SAVEPOINT reader').catch(() => undefined);
  }
}

/** Whether a table is read in one piece because only a sample of it is read: its pages are not those of the sample. */
function isSampledWhole({ sample }: Dataset, override: TableOverride | undefined): boolean {
  return sample !== undefined && ('rows' in sample || override === undefined || !isByKey(override));
}

/** A connection that seems open but no longer leads to the snapshot. */
function silent(message: string): LakeportError {
  return new LakeportError({
    code: 'SOURCE_CONNECTION_LOST',
    message,
    hint: 'A proxy, pooler or firewall in between may have cut the connection',
    transient: true,
  });
}

function keyOf({ schema, name }: TableId): string {
  return JSON.stringify([schema, name]);
}
