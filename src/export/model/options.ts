import { compatFooter } from '../../columns/compat.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { ManifestPlace } from './manifest-place.js';
import type { RowCheckMode } from './row-check.js';
import type { OptIn } from '../../sources/opt-ins.js';
import type { DescribeOptions, PartitionMethod } from '../../sources/source.js';

/** Readers inside one table: as many as there are cores, shared by all tables in progress, or a fixed number. */
export type Parallelism = 'auto' | number;

/** Where tables of some patterns go instead of the target. */
export interface Route {
  /** LIKE patterns of table names, or of `schema.table`; any of them. */
  readonly patterns: readonly string[];
  /** Of an entry of the auth file. */
  readonly storageId: string;
  /** Between the storage's base and the run's own sub path; tokens replaced, empty for none. */
  readonly subPath: string;
}

/** What the user asks for one table, in place of the automatic choice; undefined leaves a field to it. */
export interface TableConfig {
  /** Undefined for a table of this name in any schema. */
  readonly schema: string | undefined;
  readonly table: string;
  readonly method: PartitionMethod | undefined;
  /** A column, or an expression in the source's SQL. */
  readonly key: string | undefined;
  /** Readers that may work on the table side by side. */
  readonly degree: number | undefined;
}

/**
 * Everything that decides what an export does; validated, complete, without secrets. Goes into the run's record. What
 * decides the types of columns is the source's, what decides the files is the writer's.
 */
export interface ExportOptions extends DescribeOptions, Omit<FileOptions, 'footer'> {
  readonly runId: string;
  readonly startedAt: Date;
  readonly sourceId: string;
  readonly databaseName: string | undefined;
  readonly schemaPatterns: readonly string[];
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  /** What is exported besides ordinary tables. */
  readonly optIns: readonly OptIn[];
  readonly minRows: number | undefined;
  readonly maxRows: number | undefined;
  /** Either a directory or a storage entry. */
  readonly target: { readonly directory: string } | { readonly storageId: string };
  /** A table goes by the first that matches, or else to the target. */
  readonly routes: readonly Route[];
  /** With its tokens replaced, segments separated by `/`; empty for none. */
  readonly subPath: string;
  readonly jobs: number;
  readonly parallel: Parallelism;
  readonly largeTableThreshold: number;
  /** The first that names a table counts. */
  readonly tableConfig?: readonly TableConfig[] | undefined;
  /** `FORMER_MANIFEST_PLACE` by default, for the sake of runs on record. */
  readonly manifest?: ManifestPlace | undefined;
  /** `auto`: one snapshot for the run where the source can, else the most that it can. */
  readonly consistency: 'auto' | 'run' | 'none';
  /** What happens to the other tables when one fails. */
  readonly errorAction: 'continue' | 'fail';
  readonly lockTimeoutMs: number;
  /** Of tables that are read in several slices; `count` by default. */
  readonly rowCheck?: RowCheckMode | undefined;
}

/** What the writer needs to know of an export's files. */
export function fileOptions({ codec, rowGroupRows, maxRowsPerFile, compat }: ExportOptions): FileOptions {
  return { codec, rowGroupRows, maxRowsPerFile, footer: compatFooter(compat) };
}
