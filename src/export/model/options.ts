import { avoidedEncodings, compatFooter } from '../../columns/compat.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { ColumnOptions } from './column-settings.js';
import type { DdlDialect } from './ddl-dialect.js';
import type { IncrementalOptions } from './incremental.js';
import type { ManifestPlace } from './manifest-place.js';
import type { RequestedData } from './requested-data.js';
import type { RowCheckMode } from './row-check.js';
import type { SortColumn } from '../../model/sort-column.js';
import type { TableSetting } from './table-setting.js';
import type { OptIn } from '../../sources/opt-ins.js';
import type { DescribeOptions, Inherited, PartitionMethod } from '../../sources/source.js';

/** Readers per table: one per core, shared by all tables in progress, or a fixed number. */
export type Parallelism = 'auto' | number;

/** An alternative destination for tables that match a pattern. */
export interface Route {
  /** LIKE patterns for table names or `schema.table`; any may match. */
  readonly patterns: readonly string[];
  /** Id of a storage entry in the auth file. */
  readonly storageId: string;
  /** Directory between the storage's base and the run's sub path; tokens replaced, empty for none. */
  readonly subPath: string;
}

/** The user's settings for one table; undefined fields are chosen automatically. */
export interface TableConfig {
  /** Undefined matches the table in any schema. */
  readonly schema: string | undefined;
  readonly table: string;
  readonly method: PartitionMethod | undefined;
  /** A column, or an expression in the source's SQL. */
  readonly key: string | undefined;
  /** Maximum number of concurrent readers of the table. */
  readonly degree: number | undefined;
}

/**
 * The options of an export: validated, complete, without secrets. Stored in the run's record. The source defines the
 * options for column types, the writer those for files.
 */
export interface ExportOptions
  extends
    Omit<DescribeOptions, 'treatments'>,
    ColumnOptions,
    RequestedData,
    IncrementalOptions,
    Omit<FileOptions, 'footer' | 'avoidedEncodings'> {
  readonly runId: string;
  readonly startedAt: Date;
  readonly sourceId: string;
  readonly databaseName: string | undefined;
  readonly schemaPatterns: readonly string[];
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  /** Default: `include`, for recorded runs. */
  readonly inherited?: Inherited | undefined;
  /** Kinds of tables exported besides ordinary ones. */
  readonly optIns: readonly OptIn[];
  readonly minRows: number | undefined;
  readonly maxRows: number | undefined;
  /** Either a directory or a storage entry. */
  readonly target: { readonly directory: string } | { readonly storageId: string };
  /** The first match wins; tables without one go to the target. */
  readonly routes: readonly Route[];
  /** Tokens replaced, segments separated by `/`; empty for none. */
  readonly subPath: string;
  readonly jobs: number;
  readonly parallel: Parallelism;
  readonly largeTableThreshold: number;
  /** The first entry that names a table wins. */
  readonly tableConfig?: readonly TableConfig[] | undefined;
  /** Columns and expressions whose values become the names of Hive-style directories; the last that matches a table applies. */
  readonly partitionBy?: readonly TableSetting<string>[] | undefined;
  /** Columns that rows of a slice are sorted by; the last that matches a table applies. */
  readonly sortBy?: readonly TableSetting<readonly SortColumn[]>[] | undefined;
  /** Default: `FORMER_MANIFEST_PLACE`, for recorded runs. */
  readonly manifest?: ManifestPlace | undefined;
  /** Systems that each table gets a file of statements for. */
  readonly ddl?: readonly DdlDialect[] | undefined;
  /** Writes manifests of the Common Data Model. */
  readonly generateMetadata?: boolean | undefined;
  /** Writes a document of the Common Data Model for each table, too. */
  readonly includeEntityFiles?: boolean | undefined;
  /** Of the topmost manifest of the Common Data Model; default: the name of the schema or the database. */
  readonly manifestName?: string | undefined;
  /** `auto`: one snapshot for the run if the source supports it, otherwise the strongest it does. */
  readonly consistency: 'auto' | 'run' | 'none';
  /** What happens to the other tables when one fails. */
  readonly errorAction: 'continue' | 'fail';
  readonly lockTimeoutMs: number;
  /** For tables read in several slices. Default: `count`. */
  readonly rowCheck?: RowCheckMode | undefined;
}

/** The writer's share of the options. */
export function fileOptions(options: ExportOptions): FileOptions {
  const { codec, compressionLevel, encoding, rowGroupRows, maxRowsPerFile, maxFileBytes, compat } = options;
  return {
    ...{ codec, compressionLevel, encoding, rowGroupRows, maxRowsPerFile, maxFileBytes },
    avoidedEncodings: avoidedEncodings(compat),
    footer: compatFooter(compat),
  };
}
