import type { DisplayPath } from '../../model/display-path.js';
import type { ErrorData, ExitClass } from '../../errors.js';
import type { RowCheckResult } from './row-check.js';
import type { TableId } from '../../model/table.js';
import type { MetadataFiles } from './metadata-files.js';
import type { DdlFiles } from './table-destination.js';
import type { Consistency } from '../../sources/source.js';
import type { TableCompaction } from './table-compaction.js';
import type { TableSync } from './table-sync.js';
import type { SkippedTable } from './skipped-tables.js';

/** How one table ended. */
export interface TableResult {
  readonly table: TableId;
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** Wall time from the table's first slice to its publication. */
  readonly seconds: number;
  /** Id of the destination's storage entry. */
  readonly storageId: string;
  /** The directory of the table's files. */
  readonly path: DisplayPath;
  /** The manifest of a published table; undefined for none. */
  readonly manifest?: DisplayPath | undefined;
  /** Files with statements that make a published table queryable; undefined for none. */
  readonly ddl?: DdlFiles | undefined;
  /** Values written as NULL because their Parquet type can't hold them, by column. */
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** Arrays whose lower bound is not 1, which the written form cannot represent, by column. */
  readonly lostBounds?: Readonly<Record<string, number>> | undefined;
  readonly error: ErrorData | undefined;
  /** If it differs from the run's. */
  readonly consistency?: Consistency | undefined;
  /** Only for published tables. */
  readonly rowCheck?: RowCheckResult | undefined;
  /** What a sync read and published. */
  readonly sync?: TableSync | undefined;
  /** How its files were merged; absent if they were not. */
  readonly compaction?: TableCompaction | undefined;
  /** Keys of rows that the source has no more; absent if they were not looked for. */
  readonly deletedKeys?: number | undefined;
  /** The most attempts any slice took; absent if all succeeded at once. */
  readonly attempts?: number | undefined;
  /** Published by an earlier attempt of the same run, which the other fields describe. */
  readonly publishedEarlier?: true | undefined;
}

/** How the run ended. */
export interface RunResult {
  readonly runId: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly consistency: Consistency;
  readonly tables: readonly TableResult[];
  /** Tables with nothing to read; they do not count as failures. */
  readonly skipped: readonly SkippedTable[];
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  /** The documents of the Common Data Model, if they were asked for; `error` if they could not be written. */
  readonly metadata?: MetadataFiles | { readonly error: ErrorData } | undefined;
  /** Undefined when every selected table was published, and described. */
  readonly exit: ExitClass | undefined;
}
