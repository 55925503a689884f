import type { ColumnSpec, Fidelity } from '../../columns/column-spec.js';
import type { Compat } from '../../columns/compat.js';
import type { Dataset } from '../../model/dataset.js';
import type { TableKind } from '../../model/table.js';
import type { Consistency, PartitionMethod, ServerInfo, Snapshot } from '../../sources/source.js';
import type { StorageCapabilities } from '../../storage/storage.js';
import { VERSION } from '../../version.js';
import { parquetTypeName } from '../../columns/type-name.js';
import type { RowCheckResult } from '../model/row-check.js';

/** Incremented with every incompatible change; added fields are compatible. */
const FORMAT_VERSION = 1;

/** Describes the contents of a table's directory and their origin. */
export interface Manifest {
  readonly format_version: number;
  readonly tool: { readonly name: string; readonly version: string };
  readonly run_id: string;
  readonly source: {
    /** The database engine. */
    readonly kind: string;
    readonly product: string;
    /** `host:port` */
    readonly server: string;
    readonly database: string;
    /** Absent for a query. */
    readonly schema?: string;
    /** The name of the table, or that which the query was given. */
    readonly table: string;
    readonly table_kind: TableKind;
  };
  readonly consistency: Consistency;
  readonly snapshot: { readonly id: string | null; readonly taken_at: string };
  readonly storage: { readonly kind: string; readonly atomic_publish: boolean; readonly resumable_stage: boolean };
  readonly started_at: string;
  readonly ended_at: string;
  readonly row_count: number;
  /** Missing in manifests of earlier versions. */
  readonly row_check?: RowCheckResult;
  /** The reader whose types were used; null for none. */
  readonly compat: Compat | null;
  /** The table's directory, relative to the manifest: `.`, or the directory's name if the manifest is beside it. */
  readonly directory: string;
  readonly files: readonly ManifestFile[];
  readonly columns: readonly ManifestColumn[];
}

interface ManifestFile {
  /** Relative to the table's directory. */
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Lower case hex. */
  readonly sha256: string;
  readonly partition: { readonly index: number; readonly method: PartitionMethod; readonly bounds: string };
  readonly row_groups: readonly { readonly rows: number; readonly bytes: number }[];
}

interface ManifestColumn {
  readonly name: string;
  readonly source_type: string;
  readonly parquet_type: string;
  readonly nullable: boolean;
  readonly fidelity: Fidelity;
  /** Values written as NULL because the Parquet type can't hold them. */
  readonly unrepresentable: number;
  /** Arrays whose lower bound is not 1, which the file cannot represent; absent if there are none. */
  readonly lost_bounds?: number;
}

export interface ManifestInput {
  readonly runId: string;
  readonly engine: string;
  readonly server: ServerInfo;
  readonly dataset: Dataset;
  readonly tableKind: TableKind;
  readonly compat: Compat | undefined;
  readonly rowCheck: RowCheckResult;
  /** See `Manifest.directory`. */
  readonly directory: string;
  readonly snapshot: Snapshot;
  readonly storage: { readonly kind: string; readonly capabilities: StorageCapabilities };
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly files: readonly ManifestFile[];
  readonly columns: readonly ColumnSpec[];
  /** By column name. */
  readonly unrepresentable: Readonly<Record<string, number>>;
  /** By column name. */
  readonly lostBounds: Readonly<Record<string, number>>;
}

function sourceName(dataset: Dataset): Pick<Manifest['source'], 'schema' | 'table'> {
  if (dataset.kind === 'query') return { table: dataset.name };
  return { schema: dataset.id.schema, table: dataset.id.name };
}

export function tableManifest(input: ManifestInput): Manifest {
  const { server, dataset, snapshot, storage, unrepresentable, lostBounds } = input;
  return {
    format_version: FORMAT_VERSION,
    tool: { name: 'lakeport', version: VERSION },
    run_id: input.runId,
    source: {
      kind: input.engine,
      product: server.product,
      server: server.address,
      database: server.database,
      ...sourceName(dataset),
      table_kind: input.tableKind,
    },
    consistency: snapshot.consistency,
    snapshot: { id: snapshot.id ?? null, taken_at: snapshot.takenAt },
    storage: {
      kind: storage.kind,
      atomic_publish: storage.capabilities.atomicPublish,
      resumable_stage: storage.capabilities.resumableStage,
    },
    started_at: input.startedAt.toISOString(),
    ended_at: input.endedAt.toISOString(),
    row_count: input.files.reduce((sum, file) => sum + file.rows, 0),
    row_check: input.rowCheck,
    compat: input.compat ?? null,
    directory: input.directory,
    files: input.files,
    columns: input.columns.map((spec) => {
      const lost = countOf(lostBounds, spec.name);
      return {
        name: spec.name,
        source_type: spec.sourceType,
        parquet_type: parquetTypeName(spec),
        nullable: spec.nullable,
        fidelity: lost > 0 ? 'lossy' : spec.fidelity,
        unrepresentable: countOf(unrepresentable, spec.name),
        ...(lost > 0 && { lost_bounds: lost }),
      };
    }),
  };
}

function countOf(counts: Readonly<Record<string, number>>, column: string): number {
  return Object.hasOwn(counts, column) ? (counts[column] ?? 0) : 0;
}

/** The manifest's bytes: indented JSON, fields always in the same order. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** Parses a manifest written by lakeport; undefined for anything else. */
export function readManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const isOwn = typeof parsed === 'object' && parsed !== null && 'format_version' in parsed;
    // No other program writes files with this name and version.
    return isOwn && parsed.format_version === FORMAT_VERSION ? (parsed as Manifest) : undefined;
  } catch {
    return undefined;
  }
}
