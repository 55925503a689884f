import type { ColumnSpec } from '../../columns/column-spec.js';
import type { Compat } from '../../columns/compat.js';
import type { Dataset } from '../../model/dataset.js';
import type { ColumnSummary } from '../../parquet/column-summary.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { TableKind } from '../../model/table.js';
import type { ForeignKey, TableMetadata } from '../../model/table-metadata.js';
import type { Consistency, Slice, Snapshot } from '../../sources/source.js';
import type { Storage } from '../../storage/storage.js';
import type { Cursor } from '../../model/cursor.js';
import type { SyncStrategy } from '../model/incremental.js';
import type { TableSync } from '../model/table-sync.js';
import type { DdlDialect } from '../model/ddl-dialect.js';
import type { PartitionColumn } from '../model/plan.js';
import type { RowCheckResult } from '../model/row-check.js';
import type { StagedFile } from '../model/slice-outcome.js';
import type { SourceDocument } from '../model/source-schema.js';

/**
 * How a table is laid out in a storage: what its files are called, what makes them one table for readers, and what
 * describes an export afterwards. Everything else knows a table's directory only through its format.
 */
export interface TableFormat {
  /**
   * The name a slice's file is staged for, within its directory: the final name whenever it is already known, so
   * stores without rename need no copy.
   */
  stagedName(slice: SlicePosition, file: number): string;
  /**
   * The names that a table's files are published under, relative to the table's directory.
   * @param directories of the files, relative to the table's, in the order of the rows
   * @param sync number of the sync that they belong to; undefined for a table that is exported whole
   */
  fileNames(directories: readonly string[], sync?: number): string[];
  /** The name of a file with keys that the source had no more at the time of a sync, relative to the table's directory. */
  deletedName(sync: number): string;
  /** Path of the file that describes the table in this directory, for people and scripts; undefined for none. */
  descriptionPath(directory: string): string | undefined;
  /** Paths of the files with statements that make the table of this directory queryable. */
  ddlPaths(directory: string): readonly { readonly dialect: DdlDialect; readonly path: string }[];
  /**
   * Makes a table whose files are all staged visible in place of its previous export, so that no reader that follows
   * the format sees a mixture. On failure, files still staged are discarded.
   * @returns the files' names, relative to the table's directory
   */
  publish(table: StagedTable, storage: Storage): Promise<readonly string[]>;
  /** Every export described there, complete or not, in this format with any options. */
  previous(directory: string, storage: Storage): Promise<readonly PreviousExport[]>;
  /** Every path where the file can be that describes the table in this directory. */
  descriptionPaths(directory: string): string[];
  /** Whether a file of this path describes a table, judging by its name. */
  isDescription(path: string): boolean;
  /** @param path of the file that describes the table, relative to the storage's base */
  readDescription(bytes: Uint8Array, path: string): Description;
  /** What syncs have published there; undefined if there is nothing, or the table was exported whole. */
  syncs(directory: string, storage: Storage): Promise<PublishedSyncs | undefined>;
  /** What it takes to merge the files of a table that is synced; undefined for anything else. */
  mergeable(directory: string, storage: Storage): Promise<MergeableTable | undefined>;
  /**
   * Publishes merged files in place of all that is there, as `publish` does.
   * @returns the files' names, relative to the table's directory
   */
  publishMerged(merged: MergedTable, storage: Storage): Promise<readonly string[]>;
  /** Path of the file that makes the table in this directory complete. */
  completionPath(directory: string): string;
  /** The table as published by this run; undefined if it is not complete, or nothing describes it. */
  published(
    table: { readonly directory: string; readonly runId: string },
    storage: Storage,
  ): Promise<PublishedTable | undefined>;
}

/** A table as the file that describes it says. What it does not say, or not as expected, is undefined. */
export interface DescribedTable {
  readonly runId: string;
  /** The kind of database. */
  readonly engine: string | undefined;
  readonly database: string | undefined;
  /** Undefined for a query. */
  readonly schema: string | undefined;
  readonly name: string;
  /** Relative to the storage's base. */
  readonly directory: string;
  readonly files: readonly DescribedFile[];
  /** Files with keys of rows that the source has no more. */
  readonly deleted: readonly Pick<DescribedFile, 'name' | 'rows' | 'bytes' | 'sha256'>[];
  /** Top level, in their order, as the files have them. */
  readonly columns: readonly DescribedColumn[];
  /** Levels of Hive-style directories. */
  readonly levels: readonly DescribedLevel[];
  readonly comment: string | undefined;
  /** Names of its columns, in order. */
  readonly primaryKey: readonly string[] | undefined;
  readonly foreignKeys: readonly Omit<ForeignKey, 'isValidated'>[];
  /** When it was published. */
  readonly endedAt: Date | undefined;
  readonly origin: DescribedOrigin;
}

/** Where the rows of a described table come from. Earlier versions said less. */
export interface DescribedOrigin {
  /** The database engine. */
  readonly engine: string | undefined;
  /** Id of the auth file's entry. */
  readonly entry: string | undefined;
  readonly database: string | undefined;
  readonly query: string | undefined;
  readonly predicates: readonly string[];
  readonly isSample: boolean;
  /** Whether the files are those of several syncs. */
  readonly isSynced: boolean;
  /** When the rows were as they are in the files. */
  readonly seen: { readonly snapshot: string | undefined; readonly takenAt: string | undefined };
  readonly compat: string | undefined;
  /** Levels of the directories, which say the values of columns that files do not have. */
  readonly levels: readonly string[];
}

export interface DescribedFile {
  /** Relative to the table's directory. */
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes are those of the pages. */
  readonly rowGroups: readonly { readonly rows: number; readonly bytes: number }[];
  /** What its directories say, by level; null for NULL. */
  readonly levels: Readonly<Record<string, string | null>>;
  /** Number of the sync that wrote it; undefined in a table that is exported whole. */
  readonly sync: number | undefined;
}

export interface DescribedColumn {
  readonly name: string;
  /** As `parquetTypeName` has it. */
  readonly type: string;
  readonly nullable: boolean;
  /** Over all files; undefined if an earlier version wrote the table. */
  readonly nulls: number | undefined;
  /** The source's own name of its type. */
  readonly sourceType: string | undefined;
  readonly comment: string | undefined;
  /** How its values are hidden; undefined if they are not. */
  readonly mask: string | undefined;
  readonly isTextByValues: boolean;
  /** Whether lakeport added it. */
  readonly isAdded: boolean;
  /** Values written as NULL. */
  readonly unrepresentable: number;
  /** The syncs from which on files have it, and lack it; undefined for none. */
  readonly addedIn?: number | undefined;
  readonly droppedIn?: number | undefined;
}

interface DescribedLevel {
  readonly name: string;
  /** Of the column that the files lack because of it, as `parquetTypeName` has it; undefined for an expression. */
  readonly type: string | undefined;
  readonly sourceType: string | undefined;
  readonly comment: string | undefined;
}

/** What a file that describes a table says, or why it cannot be used, as a sentence without its full stop. */
export type Description = { readonly table: DescribedTable } | { readonly problem: string };

export interface SlicePosition {
  readonly slice: Pick<Slice, 'index'>;
  /** Whether the table is read in one piece. */
  readonly isOnlySlice: boolean;
  /** Number of the table's sync; undefined if it is exported whole. */
  readonly sync?: number | undefined;
}

/** A fully staged table. */
export interface StagedTable {
  /** The table's directory, relative to the storage's base. */
  readonly directory: string;
  /** In the order of the rows. */
  readonly files: readonly TableFile[];
  readonly origin: TableOrigin;
  /** Of a table that is synced: its files are published beside those of earlier syncs, or instead of them. */
  readonly sync?: TableSync | undefined;
  /** Keys of rows that the source has no more, of a table that is synced. */
  readonly deleted?: DeletedFile | undefined;
}

/** A file with keys that the source had no more at the time of a sync. */
export interface DeletedFile {
  readonly staged: StagedFile;
  /** See `TableFormat.deletedName`. */
  readonly name: string;
}

/** What syncs have published of a table. */
export interface PublishedSyncs {
  readonly cursor: Cursor;
  readonly strategy: SyncStrategy;
  /** Where the next sync goes on; undefined while no row has had a value. */
  readonly watermark: string | undefined;
  /** Of the last sync or compaction. */
  readonly lastNumber: number;
  /** Of the run that published last. */
  readonly runId: string;
  /** Columns that identify a row, in order. */
  readonly key: readonly string[] | undefined;
  /** As the files of the last sync have them, those that the names of directories say included. */
  readonly columns: readonly SyncedColumn[];
  /** Where the rows are from, and which they are; undefined where the manifest does not say. */
  readonly origin: {
    readonly engine: string | undefined;
    readonly database: string | undefined;
    readonly query: string | undefined;
    readonly predicates: readonly string[];
  };
  /** Names of columns that only files of earlier syncs have. */
  readonly dropped: readonly string[];
  /** Levels of the directories. */
  readonly levels: readonly string[];
  readonly files: readonly SyncedFile[];
  /** Syncs since all files were last written anew: by a full sync, or a compaction. */
  readonly sinceWhole: number;
  /** Rows in all files. */
  readonly rows: number;
  /** Names of files that are listed and not there. */
  readonly missing: readonly string[];
}

export interface SyncedColumn {
  readonly name: string;
  /** As `parquetTypeName` has it. */
  readonly type: string;
  /** Undefined where nothing says it. */
  readonly nullable: boolean | undefined;
  /** How its values are hidden; undefined if they are not. */
  readonly mask?: string | undefined;
}

interface SyncedFile {
  /** Relative to the table's directory. */
  readonly name: string;
  /** Number of its sync. */
  readonly sync: number;
  readonly rows: number;
  readonly bytes: number;
}

/** A published table whose files can be merged into one row for each key. Plain data. */
export interface MergeableTable {
  /** Undefined for a query. */
  readonly schema: string | undefined;
  readonly name: string;
  /** Relative to the storage's base. */
  readonly directory: string;
  /** The same as the syncs had it, of whose storage the base may be another; undefined if they did not say. */
  readonly writtenAs: string | undefined;
  /** Of the run that published last. */
  readonly runId: string;
  readonly lastNumber: number;
  /** Of the last publication after which no key had two rows: a full sync, or a compaction. */
  readonly lastWhole: number;
  readonly cursor: Cursor;
  /** Columns that identify a row, in order. */
  readonly key: readonly string[] | undefined;
  /** Of the last sync. */
  readonly columns: readonly MergeableColumn[];
  /** Names of the levels of Hive-style directories. */
  readonly levels: readonly string[];
  readonly files: readonly MergeableFile[];
  /** Files with the keys of rows that the source has no more. */
  readonly deleted: readonly Omit<MergeableFile, 'levels'>[];
  /** How the files were written. */
  readonly fileOptions: FileOptions;
}

/** The id is in the files. */
export type MergeableColumn = Omit<ColumnSpec, 'fieldId'>;

export interface MergeableFile extends SyncedFile {
  /** What its directories say, by level; null for NULL. */
  readonly levels: Readonly<Record<string, string | null>>;
}

/** Files that hold each row of a table that is to be kept, all staged. */
export interface MergedTable {
  readonly runId: string;
  /** The table's directory, relative to the storage's base. */
  readonly directory: string;
  /** Of the publication: one more than the last. */
  readonly number: number;
  /** In the order of the rows. */
  readonly files: readonly {
    readonly staged: StagedFile;
    /** Hive-style directories below the table's; empty for none. */
    readonly directory: string;
    readonly levels: Readonly<Record<string, string | null>>;
  }[];
  /** Files that stay as they are; all others go. */
  readonly staying: readonly StayingFile[];
  /** As the files have them. */
  readonly columns: readonly ColumnSpec[];
  readonly startedAt: Date;
}

/** A file that is not merged with others. */
export interface StayingFile {
  /** Relative to the table's directory. */
  readonly name: string;
  /** What its footer says of each column; `nulls` is undefined where it does not. */
  readonly columns: readonly (Pick<ColumnSummary, 'compressedBytes' | 'uncompressedBytes'> & {
    readonly nulls: number | undefined;
  })[];
}

export interface TableFile {
  readonly staged: StagedFile;
  readonly slice: Slice;
  /** Whether an earlier attempt of the run has already given it its final name. */
  readonly isPublished: boolean;
}

/** Where the rows come from, and what is true of them. */
export interface TableOrigin {
  readonly runId: string;
  readonly source: SourceDocument;
  /** The database engine. */
  readonly engine: string;
  readonly dataset: Dataset;
  readonly tableKind: TableKind;
  /** What the source declares about the table. */
  readonly metadata?: TableMetadata | undefined;
  readonly compat: Compat | undefined;
  readonly files: FileOptions;
  readonly rowCheck: RowCheckResult;
  readonly snapshot: Snapshot;
  readonly startedAt: Date;
  readonly columns: readonly ColumnSpec[];
  readonly partitionedBy?: readonly PartitionColumn[] | undefined;
  /** Values written as NULL, by column name. */
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** Arrays that lost their bounds, by column name. */
  readonly lostBounds: Readonly<Record<string, number>>;
}

export interface PreviousExport {
  readonly runId: string;
  /** When the run began to read the table. */
  readonly startedAt: Date;
}

/** A published table, as its format describes it. */
export interface PublishedTable {
  readonly files: readonly {
    /** Relative to the table's directory. */
    readonly name: string;
    /** Position of its slice among the table's. */
    readonly slice: number;
    readonly rows: number;
    readonly bytes: number;
    /** Lower case hex. */
    readonly sha256: string;
    readonly rowGroups: number;
  }[];
  readonly rows: number;
  readonly consistency: Consistency;
  /** Undefined if an earlier version published it. */
  readonly rowCheck: RowCheckResult | undefined;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly unrepresentable: Readonly<Record<string, number>>;
  readonly lostBounds: Readonly<Record<string, number>>;
}
