import type { ColumnSpec } from '../columns/column-spec.js';
import type { Compat } from '../columns/compat.js';
import type { LakeportError } from '../errors.js';
import type { RowSink } from '../columns/row-sink.js';
import type { Dataset } from '../model/dataset.js';
import type { TableId, TableKind } from '../model/table.js';
import type { EngineOptions } from './engine-option.js';
import type { PartitionMethodInfo } from './partitioning/methods.js';
import type { OptIn } from './opt-ins.js';

/**
 * What every database engine gives to `export/`. A `Source` plans on the main thread; a `SliceReader` reads in a
 * worker. What goes from one to the other is plain data, so that a worker may sit in another process.
 */

/** A dataset to export, with what the catalog tells of it. */
export interface SourceDataset {
  readonly dataset: Dataset;
  /** The dataset's name. */
  readonly id: TableId;
  readonly kind: TableKind;
  /** From the catalog's statistics; undefined where there are none. */
  readonly estimatedRows: number | undefined;
  /** Size in the database in bytes, indexes excluded. */
  readonly estimatedBytes: number | undefined;
  /** Rows of foreign tables are among its own: they come from elsewhere while it is read, and are in no snapshot. */
  readonly isForeign?: boolean | undefined;
}

/** A table as the catalog lists it. */
export interface SourceTable extends SourceDataset {
  /** What a user must have asked for before the table is exported; absent for an ordinary one. */
  readonly optIns?: readonly OptIn[] | undefined;
  /** Other listed tables whose rows are among its own, as those of tables that inherit from it. */
  readonly contains?: readonly TableId[] | undefined;
}

/** What has a name and no export of its own, for whoever asks for it by that name. */
export interface OtherRelation {
  readonly id: TableId;
  /** What it is: `a partition of public.orders, which is exported with its rows`. */
  readonly what: string;
  /** The table that its rows are exported with. */
  readonly partOf?: TableId | undefined;
}

/** How one column is read: `expression` goes into the SELECT list, `decoder` is the engine's own plain data. */
export interface ReadColumn {
  readonly spec: ColumnSpec;
  readonly expression: string;
  readonly decoder: ColumnDecoder;
}

/** Names the kernel that decodes the column, with its parameters. Only the engine that made it can read it. */
export interface ColumnDecoder {
  readonly kind: string;
  readonly [parameter: string]: string | number | boolean | undefined;
}

/** The name of one of the engine's methods; see `sources/partitioning/methods.ts`. */
export type PartitionMethod = string;

/** A share of a table: plain data, readable by any worker that has the auth file and the snapshot. */
export interface Slice {
  /** Position among the table's slices, from 0; decides the order of the parts. */
  readonly index: number;
  readonly method: PartitionMethod;
  /** For people and the manifest, e.g. `ctid in [(0,0), (1024,0))`. */
  readonly bounds: string;
  /** The whole SELECT, without secrets. */
  readonly query: string;
  readonly estimatedRows: number | undefined;
  /** Where the slice lies, of those that follow upon each other without a gap; undefined for others. */
  readonly range?: SliceRange | undefined;
  /** Hive-style directories below the table's, e.g. `year=2025/month=01`. */
  readonly directory?: string | undefined;
  /** Rows of all the table's slices together, where the question that made them counted them. */
  readonly tableRows?: number | undefined;
}

/** A range that ends where the next one begins; the first of its relation is open below, the last above. */
export interface SliceRange {
  /** The relation that the range is of, where the table consists of several; empty where it does not. */
  readonly member: string;
  /** Where the range begins, itself in it; undefined where it is open. */
  readonly from: string | undefined;
  /** Where the next one begins; undefined where it is open. */
  readonly to: string | undefined;
}

export type Consistency = 'run' | 'table' | 'none';

/** What all readers share. `token` is the engine's own (PostgreSQL: the exported snapshot's id). */
export interface Snapshot {
  readonly consistency: Consistency;
  readonly token: string | undefined;
  /** For the manifest, e.g. PostgreSQL's `pg_current_snapshot()`. */
  readonly id: string | undefined;
  /** The source's own clock at the snapshot, ISO 8601 in UTC. */
  readonly takenAt: string;
}

/** A table that could not be described, locked or planned: it fails by itself and the others go on. */
export interface TableProblem {
  readonly id: TableId;
  readonly error: LakeportError;
}

export interface DescribeOptions {
  readonly unboundedNumeric: UnboundedNumeric;
  /** `list` by default. */
  readonly arrays?: ArrayForm | undefined;
  /** With `null`, columns whose values may be unrepresentable become nullable. */
  readonly onUnrepresentable: 'error' | 'null';
  /** `ns` writes the times that have digits below a microsecond in nanoseconds; `us` by default. */
  readonly timestampUnit?: 'us' | 'ns' | undefined;
  /** What only some engines let users choose. */
  readonly engineOptions?: EngineOptions | undefined;
  /** Replaces the types that this reader does not take. */
  readonly compat?: Compat | undefined;
}

/** How a decimal without a precision that Parquet can hold is written. */
export type UnboundedNumeric =
  | { readonly as: 'text' }
  | { readonly as: 'double' }
  | { readonly as: 'decimal'; readonly precision: number; readonly scale: number };

/**
 * How arrays are written: those of one dimension as lists, any as JSON, or as the server's own text, which alone keeps
 * the bounds.
 */
export type ArrayForm = 'list' | 'json' | 'text';

export interface SliceOptions {
  /** Readers that the table may have; 1 means one slice by method `None`. */
  readonly degree: number;
  /** Tables with fewer estimated rows are read by one reader. */
  readonly largeTableThreshold: number;
  /** What the user's configuration asks for this table, in place of the automatic choice. */
  readonly override?: TableOverride | undefined;
}

/** The user's own choice for a table; what it leaves out is chosen as for any other. */
export interface TableOverride {
  readonly method?: PartitionMethod | undefined;
  /** What rows are shared out by: a column, an expression of the user's own, or `(column,year,month)`. */
  readonly key?: string | undefined;
  /** Readers that the table is to have, whatever its size: at least 1. Stands in place of `SliceOptions.degree`. */
  readonly degree?: number | undefined;
}

export interface PinOptions {
  /** `auto`: `run` where the source can, else the most that it can. `run` is an error where it can't. */
  readonly consistency: 'auto' | 'run' | 'none';
}

export interface ServerInfo {
  /** `PostgreSQL 17.9`. */
  readonly product: string;
  /** `host:port`, never with credentials. */
  readonly address: string;
  readonly database: string;
}

/** The planning side of one database: one connection on the main thread. */
export interface Source<Connection = unknown> {
  readonly engine: string;
  readonly server: ServerInfo;
  /**
   * Tables a user would call theirs, also those that must be asked for: no system schemas, no temporary tables.
   * Partitions stand under their parent.
   */
  listTables(): Promise<SourceTable[]>;
  /** What `listTables` leaves out: asked for only to explain why a name is not among the tables. */
  listOthers?(): Promise<OtherRelation[]>;
  /**
   * Locks the tables against change of their shape and takes the snapshot that all readers share.
   * Tables that can't be locked (no grant, dropped meanwhile) come back as problems.
   */
  pin(
    tables: readonly SourceDataset[],
    options: PinOptions,
  ): Promise<{
    readonly snapshot: Snapshot;
    readonly problems: TableProblem[];
  }>;
  /** Columns of the tables, as the snapshot shows them, by the tables' order; a problem in place of what failed. */
  describe(
    tables: readonly SourceDataset[],
    options: DescribeOptions,
  ): Promise<({ readonly columns: ReadColumn[] } | TableProblem)[]>;
  /** The table's slices: together every row exactly once. */
  slice(table: SourceDataset, columns: readonly ReadColumn[], options: SliceOptions): Promise<Slice[]>;
  /**
   * Whether the snapshot of `pin` is still there; asks the server. Absent where readers need nothing that the planner's
   * connection holds.
   */
  isPinned?(): Promise<boolean>;
  /** Why the snapshot of `pin` is not there any more; undefined as long as nothing is known of that. */
  readonly loss?: LakeportError | undefined;
  /** The listener is called as soon as the connection ends that holds the snapshot. */
  onLost?(listener: () => void): void;
  /** Connects anew where the connection is lost, with all that it held: `pin` is to be called again. */
  reopen?(options: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Counts the rows of a table that was sliced, on a connection besides the planner's and the readers'; undefined where
   * the server does not tell. Aborting ends the count in the server too.
   */
  countRows(dataset: Dataset, options: CountOptions): Promise<RowCount | undefined>;
  /** Connections that the server would still accept from this user, or undefined where it can't tell. */
  freeConnections(): Promise<number | undefined>;
  /** What a reader in a worker needs to connect, secrets included: it goes to workers only, never into a log. */
  readerSettings(): ReaderSettings<Connection>;
  /** Ends the snapshot and the connection. Never throws. */
  close(): Promise<void>;
}

export interface CountOptions {
  /** The readers'. */
  readonly snapshot: Snapshot;
  readonly signal: AbortSignal;
}

export interface RowCount {
  readonly rows: number;
  /** Counted as all readers see the table; else as it was at the moment of the count. */
  readonly ofSnapshot: boolean;
}

/** What a reader in a worker needs: plain data. */
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
  /** As the source itself counted them, not as the reader did. */
  readonly rows: number;
  /** Bytes that came over the wire. */
  readonly bytes: number;
  /** Values written as NULL because their Parquet type can't hold them, by column name. */
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** Arrays that do not begin at 1, which a list and JSON can't tell, by column name. */
  readonly lostBounds?: Readonly<Record<string, number>> | undefined;
}

/** The reading side: one connection in a worker, one slice at a time. */
export interface SliceReader {
  /**
   * Reads the slice's rows into the sink. Ends the read on the server when the signal aborts.
   * @throws LakeportError with table, column and slice in its context
   */
  read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult>;
  /** Never throws. */
  close(): Promise<void>;
}

export interface SourceEngine<Info = unknown, Connection = unknown> {
  /** How its tables can be shared out among readers. */
  readonly methods: readonly PartitionMethodInfo[];
  /** Opens the planning connection. `info` is the auth entry's. */
  open(info: Info, options: OpenOptions): Promise<Source<Connection>>;
  /** Connects a reader by what the planning side gave out. */
  openReader(settings: ReaderSettings<Connection>, snapshot: Snapshot): Promise<SliceReader>;
}

export interface OpenOptions {
  /** Id of the auth file's entry, for errors. */
  readonly entryId: string;
  /** Overrides the entry's database. */
  readonly database?: string | undefined;
  /** Longest wait for locks on tables, for the planner as a whole and for each read; 30 s by default. */
  readonly lockTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told where the server does not answer yet and is waited for, as long as the entry's `connect_timeout` says. */
  readonly onWait?: ((message: string) => void) | undefined;
}
