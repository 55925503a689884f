import type { ColumnSpec, ParquetType } from '../../columns/column-spec.js';
import type { Dataset } from '../../model/dataset.js';
import type { DisplayPath } from '../../model/display-path.js';
import type { TableId, TableKind } from '../../model/table.js';
import type { TableMetadata } from '../../model/table-metadata.js';
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
import type { ReaderMemory } from '../../parquet/memory.js';
import type { MetadataFiles } from './metadata-files.js';
import type { DdlFiles } from './table-destination.js';
import type { ConstantColumn } from './constant-column.js';
import type { SkippedTable } from './skipped-tables.js';
import type { TableSync } from './table-sync.js';
import type { TableNote } from './table-notes.js';
import type { OptIn } from '../../sources/opt-ins.js';

/** A level of Hive-style directories. */
export interface PartitionColumn {
  readonly name: string;
  /** Of the table's column that files do not have because of it. */
  readonly sourceType?: string | undefined;
  /** What that column would have been in the files. */
  readonly type?: ParquetType | undefined;
}

/** How one table is read and where its files go. */
export interface TablePlan {
  readonly dataset: Dataset;
  /** The dataset's name. */
  readonly id: TableId;
  readonly kind: TableKind;
  /** Whether its rows include those of foreign tables. */
  readonly isForeign?: boolean | undefined;
  readonly estimatedRows: number | undefined;
  readonly estimatedBytes: number | undefined;
  /** Those that are read into the files, as the source has them. */
  readonly columns: readonly ReadColumn[];
  /** Those that the files have besides, behind the others. */
  readonly added?: readonly ConstantColumn[] | undefined;
  /** What the names of Hive-style directories say besides. */
  readonly partitionedBy?: readonly PartitionColumn[] | undefined;
  readonly method: PartitionMethod;
  /** Maximum number of concurrent readers of the table. */
  readonly degree: number;
  readonly slices: readonly Slice[];
  /** Of a table that is synced incrementally. */
  readonly sync?: TableSync | undefined;
  /** What it takes to read all keys of the table, if rows that the source has no more are looked for. */
  readonly keys?: TableKeys | undefined;
  /** If it differs from the run's: a table read in one piece may have a stronger one. */
  readonly consistency?: Consistency | undefined;
  /** If it is read from another snapshot than the run's other tables. */
  readonly snapshot?: Snapshot | undefined;
  /** That of the snapshot that all its rows are of; undefined if there is no such snapshot, or no other session can share it. */
  readonly moment?: string | undefined;
  /** What the source declares, as far as it is true of the files; read for an export only, not for `lakeport plan`. */
  readonly metadata?: TableMetadata | undefined;
  /** What users should know about it. */
  readonly notes?: readonly TableNote[] | undefined;
  readonly storageId: string;
  /** Directory of the table, relative to the storage's base. */
  readonly directory: string;
  readonly displayPath: DisplayPath;
  /** Of its manifest; undefined if the table gets none. */
  readonly manifest?: DisplayPath | undefined;
  /** Files with statements that make it queryable, by dialect; undefined for none. */
  readonly ddl?: DdlFiles | undefined;
}

/** How all keys of a table are read, besides the rows of its sync. */
export interface TableKeys {
  readonly dataset: Dataset;
  /** In the order of the key. */
  readonly columns: readonly ReadColumn[];
  readonly slice: Slice;
}

/** The columns of a table's files. */
export function columnSpecs({ columns, added = [] }: Pick<TablePlan, 'columns' | 'added'>): ColumnSpec[] {
  return [...columns, ...added].map(({ spec }) => spec);
}

/** A table that fails before its first row. */
export interface PlannedProblem extends TableProblem {
  readonly storageId: string;
  /** Where its files would be. */
  readonly displayPath: DisplayPath;
}

/** What the run is going to do: everything known before the first row is read. */
export interface RunPlan {
  readonly server: ServerInfo;
  readonly snapshot: Snapshot;
  /** Largest first. */
  readonly tables: readonly TablePlan[];
  readonly problems: readonly PlannedProblem[];
  /** Tables with nothing to read; they do not count as failures. */
  readonly skipped: readonly SkippedTable[];
  /** Tables that match the patterns, but whose kind was not requested. */
  readonly leftOut: readonly LeftOutTable[];
  /** Maximum number of readers, each with its own connection. */
  readonly readers: number;
  /** Maximum number of connections, including the planner's and the readers'. */
  readonly connections: number;
  /** Of the table that needs most. */
  readonly readerMemory: ReaderMemory;
  /** Documents of the Common Data Model to come; undefined for none. */
  readonly metadata?: MetadataFiles | undefined;
}
/** Tables that are exported only where users ask for their kind. */
/** A table that the patterns select, and that is left out as nobody has asked for its kind. */

export interface LeftOutTable {
  readonly table: SourceTable;
  readonly missing: readonly OptIn[];
}
