import type { Memory } from '../kernels/kernels.js';
import type { ColumnSpec } from '../columns/column-spec.js';
import type { Compat } from '../columns/compat.js';
import type { LakeportError } from '../errors.js';
import type { RowSink } from '../columns/row-sink.js';
import type { Dataset } from '../model/dataset.js';
import type { Increment, IncrementRequest } from './increment.js';
import type { TableId, TableKind } from '../model/table.js';
import type { TableMetadata } from '../model/table-metadata.js';
import type { SortColumn } from '../model/sort-column.js';
import type { SeenAt, SourceChange, TableTotals } from './column-totals.js';
import type { ColumnTreatments } from './column-treatment.js';
import type { ColumnChoice } from './column-choice.js';
import type { EngineOptions } from './engine-option.js';
import type { DirectoryLevel } from './partitioning/hive-path.js';
import type { PartitionMethodInfo } from './partitioning/methods.js';
import type { OptIn } from './opt-ins.js';

/**
 * The interface between `export/` and every database engine. A `Source` plans on the main thread; a `SliceReader` reads in
 * a worker. Only plain data passes between them, so a worker may run in another process.
 */

/** A dataset to export, with facts from the catalog. */
export interface SourceDataset {
  readonly dataset: Dataset;
  /** The dataset's name. */
  readonly id: TableId;
  readonly kind: TableKind;
  /** From the catalog's statistics; undefined if there are none. */
  readonly estimatedRows: number | undefined;
  /** Size in the database in bytes, indexes excluded. */
  readonly estimatedBytes: number | undefined;
  /** Some of its rows come from foreign tables: they are fetched while it is read, outside of any snapshot. */
  readonly isForeign?: boolean | undefined;
}

/** A table as the catalog lists it. */
export interface SourceTable extends SourceDataset {
  /** What the user must opt in to before the table is exported; absent for an ordinary table. */
  readonly optIns?: readonly OptIn[] | undefined;
  /** Other listed tables whose rows it includes, such as its children. */
  readonly contains?: readonly TableId[] | undefined;
  /** Other listed tables that inherit from it, and whose rows it does not include. */
  readonly heirs?: readonly TableId[] | undefined;
}

/** An object that is not exported under its own name, to explain why. */
export interface OtherRelation {
  readonly id: TableId;
  /** E.g. `a partition of public.orders, which is exported with its rows`. */
  readonly what: string;
  /** The table that includes its rows. */
  readonly partOf?: TableId | undefined;
}

/** How a column is read: `expression` goes into the SELECT list; `decoder` is the engine's own plain data. */
export interface ReadColumn {
  readonly spec: ColumnSpec;
  readonly expression: string;
  readonly decoder: ColumnDecoder;
}

/** Names the kernel that decodes the column, with its parameters. Opaque to all but the engine that created it. */
export interface ColumnDecoder {
  readonly kind: string;
  readonly [parameter: string]: string | number | boolean | undefined;
}

/** Name of one of the engine's methods; see `sources/partitioning/methods.ts`. */
export type PartitionMethod = string;

/** A share of a table: plain data, usable by any worker that has the auth file and the snapshot. */
export interface Slice {
  /** Index among the table's slices, from 0; determines the order of the files. */
  readonly index: number;
  readonly method: PartitionMethod;
  /** Human-readable, also in the manifest, e.g. `ctid in [(0,0), (1024,0))`. */
  readonly bounds: string;
  /** The complete SELECT, without secrets. */
  readonly query: string;
  readonly estimatedRows: number | undefined;
  /** Position of a slice among contiguous ranges; undefined for other slices. */
  readonly range?: SliceRange | undefined;
  /** Hive-style directories below the table's, e.g. `year=2025/month=01`. */
  readonly directory?: string | undefined;
  /** What the names of the directories say, without escapes. */
  readonly levels?: readonly DirectoryLevel[] | undefined;
  /** Columns that files do not have because the directories say their values; the same for all slices of a table. */
  readonly replaces?: readonly string[] | undefined;
  /** Columns that files have besides, because some of their values cannot be names of directories. */
  readonly keeps?: readonly string[] | undefined;
  /** The order of the rows that its query asks for, as far as Parquet defines the same; absent for none. */
  readonly sorting?: readonly Sorting[] | undefined;
  /** Whether its query asks for an order at all. */
  readonly isSorted?: boolean | undefined;
  /** Total rows of all the table's slices, if they were counted while slicing. */
  readonly tableRows?: number | undefined;
}

/** A column that rows are sorted by, in an order that Parquet defines in the same way. */
export interface Sorting extends SortColumn {
  readonly nullsFirst: boolean;
}

/** A range that ends where the next begins; the first of its relation has no lower bound, the last no upper bound. */
export interface SliceRange {
  /** The relation that the range belongs to, if the table has several; otherwise empty. */
  readonly member: string;
  /** Inclusive start; undefined if unbounded. */
  readonly from: string | undefined;
  /** Exclusive end; undefined if unbounded. */
  readonly to: string | undefined;
}

export type Consistency = 'run' | 'table' | 'none';

/** Shared by all readers. `token` is the engine's own (PostgreSQL: the id of the exported snapshot). */
export interface Snapshot {
  readonly consistency: Consistency;
  readonly token: string | undefined;
  /** The server that holds it, in the engine's own words: a reader must meet no other. Absent if any will do. */
  readonly server?: string | undefined;
  /** For the manifest, e.g. PostgreSQL's `pg_current_snapshot()`. */
  readonly id: string | undefined;
  /** The source's clock at the snapshot, ISO 8601 in UTC. */
  readonly takenAt: string;
  /**
   * Random; names what the snapshot sees, and stays the same when another session takes it over. Absent if none can.
   */
  readonly moment?: string | undefined;
}

/** A snapshot that a session holds with the locks of its run, and the server on which others can take it over. */
export interface HeldSnapshot {
  readonly server: ServerInfo;
  readonly snapshot: Snapshot;
}

/** A session that holds a snapshot and all locks of another one, so that they outlive that one. */
export interface SnapshotKeeper {
  /** With a token of its own. */
  readonly snapshot: Snapshot;
  /** Whether the server still answers for it. Never rejects. */
  isHeld(): Promise<boolean>;
  /** Calls the listener when the connection ends, but for `close`. */
  onLost(listener: (why: LakeportError) => void): void;
  /** Never throws. */
  close(): Promise<void>;
}

/** A table that could not be described, locked or planned: it fails alone, and the others continue. */
export interface TableProblem {
  readonly id: TableId;
  readonly error: LakeportError;
}

export interface DescribeOptions {
  readonly unboundedNumeric: UnboundedNumeric;
  /** `list` by default. */
  readonly arrays?: ArrayForm | undefined;
  /**
   * With `null`, columns whose values may be unrepresentable become nullable. With `text`, those that have such values are
   * described again, as text.
   */
  readonly onUnrepresentable: OnUnrepresentable;
  /** `ns` writes times with digits below a microsecond in nanoseconds; `us` by default. */
  readonly timestampUnit?: 'us' | 'ns' | undefined;
  /** Options that only some engines offer. */
  readonly engineOptions?: EngineOptions | undefined;
  /** Replaces types that this Parquet reader does not support. */
  readonly compat?: Compat | undefined;
  /** Masks and types of single columns. */
  readonly treatments?: ColumnTreatments | undefined;
}

/** What happens to a value that its column's Parquet type cannot hold. */
type OnUnrepresentable = 'error' | 'null' | 'text';

/** How a decimal without a precision that Parquet can hold is written. */
export type UnboundedNumeric =
  | { readonly as: 'text' }
  | { readonly as: 'double' }
  | { readonly as: 'decimal'; readonly precision: number; readonly scale: number };

/**
 * How arrays are written: one-dimensional ones as lists, any as JSON, or as the server's own text, which alone keeps the
 * bounds.
 */
export type ArrayForm = 'list' | 'json' | 'text';

export interface SliceOptions {
  /** Number of readers for the table; 1 means a single slice with method `None`. */
  readonly degree: number;
  /** Whether the user asked for that many: each reader of a large table then gets a slice, however small. */
  readonly isDegreeAsked?: boolean | undefined;
  /** Tables with fewer estimated rows get one reader. */
  readonly largeTableThreshold: number;
  /** Columns of the table by which the rows of each slice are sorted. */
  readonly sortBy?: readonly SortColumn[] | undefined;
  /** The user's configuration for this table; replaces the automatic choice. */
  readonly override?: TableOverride | undefined;
}

/** The user's configuration for a table; what it omits is chosen automatically. */
export interface TableOverride {
  readonly method?: PartitionMethod | undefined;
  /** What to split rows by: a column, a user's expression, or `(column,year,month)`. */
  readonly key?: string | undefined;
  /** Number of readers, whatever the table's size: at least 1. Replaces `SliceOptions.degree`. */
  readonly degree?: number | undefined;
}

export interface PinOptions {
  /** `auto`: `run` if the source supports it, else the best it can. `run` fails if it is not supported. */
  readonly consistency: 'auto' | 'run' | 'none';
  /** All by default. */
  readonly columnChoice?: ColumnChoice | undefined;
  /**
   * Snapshots of one moment on this server, which other sessions hold with the locks of an earlier attempt of the run: the
   * first that can be is taken over, if its session has all the locks that are needed, in place of a new one.
   */
  readonly earlier?: readonly Snapshot[] | undefined;
}

/** What describing a dataset tells about it. */
export interface DescribedDataset {
  /** Those that are exported, in the source's own order. */
  readonly columns: ReadColumn[];
  /** Names of columns that are left out because the user may not read them. */
  readonly unreadable?: readonly string[] | undefined;
  /** The source's estimate of these rows and columns, where it is better than that of `SourceDataset`. */
  readonly estimate?: Pick<SourceDataset, 'estimatedRows' | 'estimatedBytes'> | undefined;
  /** See `SourceDataset`. */
  readonly isForeign?: boolean | undefined;
}

export interface ServerInfo {
  /** `PostgreSQL 17.9`. */
  readonly product: string;
  /** `host:port`, never with credentials. */
  readonly address: string;
  readonly database: string;
  /**
   * What distinguishes this server and user from others, whatever address leads to it: for readers on other machines, which
   * must meet the server that holds the snapshot. Absent if the server does not tell.
   */
  readonly instance?: string | undefined;
  /** When the server started, which `instance` says too: texts that sort by time. */
  readonly startedAt?: string | undefined;
}

/** The planning side of one database: one connection on the main thread. */
export interface Source<Connection = unknown> {
  readonly engine: string;
  readonly server: ServerInfo;
  /**
   * The user's tables, including those that need an opt-in: no system schemas, no temporary tables. Partitions are part of
   * their parent.
   */
  listTables(): Promise<SourceTable[]>;
  /** What `listTables` omits; only used to explain why a name is not among the tables. */
  listOthers?(): Promise<OtherRelation[]>;
  /**
   * Locks the tables against changes of their definition and takes the snapshot that all readers share.
   * Tables that cannot be locked (no grant, dropped in the meantime) are returned as problems.
   */
  pin(
    tables: readonly SourceDataset[],
    options: PinOptions,
  ): Promise<{
    readonly snapshot: Snapshot;
    readonly problems: TableProblem[];
  }>;
  /**
   * Columns of each table as of the snapshot, in the order of the tables; a problem for each table that failed. Queries and
   * conditions are checked: none can reach beyond its place in a statement, and none can write.
   */
  describe(
    tables: readonly SourceDataset[],
    options: DescribeOptions & Pick<PinOptions, 'columnChoice'>,
  ): Promise<(DescribedDataset | TableProblem)[]>;
  /**
   * What the source declares about tables that were described, in their order; undefined for nothing. Takes a bounded
   * number of queries, however many tables there are. Absent if the source has nothing to tell.
   */
  readMetadata?(tables: readonly SourceDataset[]): Promise<readonly (TableMetadata | undefined)[]>;
  /**
   * Names of the columns with values that their Parquet types cannot hold. Reads the whole dataset once.
   * Text that is invalid in its encoding is not found: it has no other form.
   */
  findUnrepresentable(table: SourceDataset, columns: readonly ReadColumn[]): Promise<readonly string[]>;
  /**
   * The rows of a table that an earlier sync has not read, as of the snapshot of `pin`. Absent if the source cannot sync
   * incrementally.
   * @throws LakeportError if the cursor does not fit the table
   */
  increment?(table: SourceDataset, request: IncrementRequest): Promise<Increment>;
  /** The table's slices, which together cover every row exactly once. */
  slice(table: SourceDataset, columns: readonly ReadColumn[], options: SliceOptions): Promise<Slice[]>;
  /**
   * Asks the server whether the snapshot of `pin` still exists. Absent if readers need nothing that the planner's
   * connection holds.
   */
  isPinned?(): Promise<boolean>;
  /** Why the snapshot of `pin` was lost; undefined while that is not known. */
  readonly loss?: LakeportError | undefined;
  /** Calls the listener as soon as the connection that holds the snapshot ends. */
  onLost?(listener: () => void): void;
  /**
   * Replaces a lost connection, with everything that it held: call `takeOver` or `pin` again. With `instance`, only by one
   * to that server.
   */
  reopen?(options: Pick<OpenOptions, 'signal' | 'instance'>): Promise<void>;
  /**
   * Holds the lost snapshot of `pin` again, with its locks: takes both over from the first of these sessions that still has
   * them. Absent where sessions share none.
   * @param sessions that hold it, on the server that `reopen` has led to
   * @returns the snapshot with a token of its own; undefined if none of them has held it all the time
   * @throws LakeportError if the connection is lost again
   */
  takeOver?(sessions: readonly Snapshot[]): Promise<Snapshot | undefined>;
  /**
   * Counts the rows of a sliced table, on a connection besides the planner's and the readers'; undefined if the server does
   * not tell. Aborting cancels the count on the server too.
   */
  countRows(dataset: Dataset, options: CountOptions): Promise<RowCount | undefined>;
  /**
   * What the database computes of a described table's columns, in the snapshot of `pin`, to be compared with files.
   * Reads the whole dataset.
   */
  totals?(table: SourceDataset, columns: readonly ReadColumn[]): Promise<TableTotals>;
  /** Whether the table was written to since an export saw it, as far as the database knows. */
  changeSince?(table: SourceDataset, seen: SeenAt): Promise<SourceChange>;
  /** How many more connections the server accepts from this user; undefined if unknown. */
  freeConnections(): Promise<number | undefined>;
  /** What a reader in a worker needs to connect, secrets included: goes to workers only, never into a log. */
  readerSettings(): ReaderSettings<Connection>;
  /** Ends the snapshot and the connection. Never throws. */
  close(): Promise<void>;
}

export interface CountOptions {
  /** The readers' snapshot. */
  readonly snapshot: Snapshot;
  readonly signal: AbortSignal;
}

export interface RowCount {
  readonly rows: number;
  /** Whether it was counted in the readers' snapshot, rather than at the time of the count. */
  readonly ofSnapshot: boolean;
}

/** What a reader in a worker needs, as plain data. */
export interface ReaderSettings<Connection = unknown> {
  readonly engine: string;
  readonly connection: Connection;
}

export interface ReadRequest {
  readonly dataset: Dataset;
  readonly columns: readonly ReadColumn[];
  readonly slice: Slice;
  readonly onUnrepresentable: 'error' | 'null';
}

export interface ReadResult {
  /** As counted by the source, not by the reader. */
  readonly rows: number;
  /** Bytes received over the wire. */
  readonly bytes: number;
  /** Number of values written as NULL because they do not fit their Parquet type, by column name. */
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** Number of arrays whose lower bound is not 1, which lists and JSON cannot express, by column name. */
  readonly lostBounds?: Readonly<Record<string, number>> | undefined;
}

/** The reading side: one connection in a worker, one slice at a time. */
export interface SliceReader {
  /**
   * Reads the slice's rows into the sink. Cancels the read on the server when the signal aborts.
   * @throws LakeportError with table, column and slice in its context
   */
  read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult>;
  /** Never throws. */
  close(): Promise<void>;
}

export interface SourceEngine<Info = unknown, Connection = unknown> {
  /**
   * How many readers one thread keeps up with: more than 1 where the server takes longer for a row than they do. Default: 1.
   */
  readonly readersPerThread?: number;
  /** The partition methods that its tables support. */
  readonly methods: readonly PartitionMethodInfo[];
  /** Opens the planning connection. `info` comes from the auth entry. */
  open(info: Info, options: OpenOptions): Promise<Source<Connection>>;
  /** Connects a reader with the planning side's settings. */
  openReader(settings: ReaderSettings<Connection>, snapshot: Snapshot, memory?: Memory): Promise<SliceReader>;
  /**
   * Holds a snapshot with all that its session has locked, on a connection of its own. Absent where sessions share none.
   * @throws LakeportError if it cannot be kept, without waiting long for a lock
   */
  keepSnapshot?(settings: ReaderSettings<Connection>, snapshot: Snapshot): Promise<SnapshotKeeper>;
}

/** Whether two snapshots show the same, whichever sessions hold them. */
export function isSameMoment(a: Snapshot, b: Snapshot): boolean {
  return a === b || (a.moment !== undefined && a.moment === b.moment);
}

/** Whether two connections lead to the same database of the same server, whatever name leads to it. */
export function isSameServer(a: ServerInfo, b: ServerInfo): boolean {
  const isSame =
    a.instance === undefined || b.instance === undefined ? a.address === b.address : a.instance === b.instance;
  return isSame && a.database === b.database;
}

/** `only`: a table has its own rows, and those that inherit from it have theirs; `include`: it has them all. */
export const INHERITED = ['only', 'include'] as const;
export type Inherited = (typeof INHERITED)[number];

export interface OpenOptions {
  /** Id of the auth file's entry, for errors. */
  readonly entryId: string;
  /** Whether a table's rows include those of tables that inherit from it; not by default. */
  readonly inherited?: Inherited | undefined;
  /** Overrides the entry's database. */
  readonly database?: string | undefined;
  /** The server to reach, by `ServerInfo.instance` but for the user, where the address leads to several. */
  readonly instance?: string | undefined;
  /** Longest wait for table locks, in total for the planner and for each read; 30 s by default. */
  readonly lockTimeoutMs?: number | undefined;
  /** For columns with the mask `hash`: a secret. */
  readonly maskSalt?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called if the server does not answer yet and is waited for, for up to the entry's `connect_timeout`. */
  readonly onWait?: ((message: string, error: LakeportError) => void) | undefined;
}
