import type { Dataset } from '../../model/dataset.js';
import type { TableId, TableKind } from '../../model/table.js';
import type {
  Consistency,
  PartitionMethod,
  ReadColumn,
  ServerInfo,
  Slice,
  Snapshot,
  SourceTable,
  TableProblem,
} from '../../sources/source.js';
import type { SkippedTable } from './skipped-tables.js';
import type { TableNote } from './table-notes.js';
import type { PlacedManifest } from './manifest-place.js';
import type { OptIn } from '../../sources/opt-ins.js';

/** One table's way into files. */
export interface TablePlan {
  readonly dataset: Dataset;
  /** The dataset's name. */
  readonly id: TableId;
  readonly kind: TableKind;
  /** Rows of foreign tables are among its own. */
  readonly isForeign?: boolean | undefined;
  readonly estimatedRows: number | undefined;
  readonly estimatedBytes: number | undefined;
  readonly columns: readonly ReadColumn[];
  readonly method: PartitionMethod;
  /** Readers that may work on the table side by side. */
  readonly degree: number;
  readonly slices: readonly Slice[];
  /** Where it is another than the run's: a table that is read in one piece may have more. */
  readonly consistency?: Consistency | undefined;
  /** Where it is read as of another moment than the run's other tables. */
  readonly snapshot?: Snapshot | undefined;
  /** What a user should know of it. */
  readonly notes?: readonly TableNote[] | undefined;
  readonly storageId: string;
  /** Directory of the table, relative to the storage's base. */
  readonly directory: string;
  /** For people. */
  readonly displayPath: string;
  /** Undefined for a table that gets none. */
  readonly manifest?: PlacedManifest | undefined;
}

/** A table that fails before its first row. */
export interface PlannedProblem extends TableProblem {
  readonly storageId: string;
  /** For people: where its files would be. */
  readonly displayPath: string;
}

/** What the run is going to do, with everything that is known before the first row. */
export interface RunPlan {
  readonly server: ServerInfo;
  readonly snapshot: Snapshot;
  /** Largest first. */
  readonly tables: readonly TablePlan[];
  readonly problems: readonly PlannedProblem[];
  /** Tables of which there is nothing to read: no failures. */
  readonly skipped: readonly SkippedTable[];
  /** What the patterns select and nobody has asked for by its kind. */
  readonly leftOut: readonly LeftOutTable[];
  /** Readers, and so connections besides the planner's, at most. */
  readonly readers: number;
  /** At most, the planner's and the readers' among them. */
  readonly connections: number;
  /** Most memory that one reader takes, in bytes: row group, batch and upload parts. */
  readonly readerMemoryBytes: number;
}
/** Tables that are exported only where users ask for their kind. */
/** A table that the patterns select, and that is left out as nobody has asked for its kind. */

export interface LeftOutTable {
  readonly table: SourceTable;
  readonly missing: readonly OptIn[];
}
