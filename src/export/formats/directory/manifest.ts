import { datasetId } from '../../../model/dataset.js';
import { parquetTypeName } from '../../../columns/type-name.js';
import { metadataDocument } from '../../model/metadata-document.js';
import { requestedDocument } from '../../model/requested-document.js';
import type { DirectoryLevel } from '../../../sources/partitioning/hive-path.js';
import type { Storage } from '../../../storage/storage.js';
import { VERSION } from '../../../version.js';
import { fileOptionsDocument } from '../../model/file-options-document.js';
import type { StagedTable, StayingFile, TableFile, TableOrigin } from '../table-format.js';
import type { Manifest } from './manifest-schema.js';

const FORMAT_VERSION = 2 satisfies Manifest['format_version'];

export interface ManifestInput extends Pick<StagedTable, 'files' | 'origin'> {
  /** In the order of `files`, relative to the table's directory. */
  readonly names: readonly string[];
  /** See `Manifest.directory`. */
  readonly directory: string;
  readonly ddl?: Manifest['ddl'];
  readonly storage: Pick<Storage, 'kind' | 'capabilities'>;
  readonly endedAt: Date;
}

export function tableManifest({
  files,
  names,
  origin,
  directory,
  ddl = [],
  storage,
  endedAt,
}: ManifestInput): Manifest {
  const { snapshot } = origin;
  return {
    format_version: FORMAT_VERSION,
    tool: { name: 'lakeport', version: VERSION },
    run_id: origin.runId,
    engine: origin.engine,
    source: origin.source,
    ...nameOf(origin),
    kind: origin.tableKind,
    ...(origin.metadata !== undefined && metadataDocument(origin.metadata)),
    ...requestedDocument(origin.dataset),
    consistency: snapshot.consistency,
    snapshot: { id: snapshot.id ?? null, taken_at: snapshot.takenAt },
    storage: {
      kind: storage.kind,
      atomic_publish: storage.capabilities.atomicPublish,
      resumable_stage: storage.capabilities.resumableStage,
    },
    started_at: origin.startedAt.toISOString(),
    ended_at: endedAt.toISOString(),
    row_count: files.reduce((sum, { staged }) => sum + staged.rows, 0),
    row_check: origin.rowCheck,
    compat: origin.compat ?? null,
    file_options: fileOptionsDocument(origin.files),
    directory,
    ...(ddl.length > 0 && { ddl }),
    files: files.map((file, index) => manifestFile(file, names[index] ?? '')),
    columns: manifestColumns(files, origin),
    ...(origin.partitionedBy !== undefined && {
      partition_columns: origin.partitionedBy.map(({ name, sourceType = null, type }) => ({
        name,
        source_type: sourceType,
        ...(type !== undefined && { parquet_type: parquetTypeName({ type, list: false }) }),
        ...(sourceType !== null && columnMetadata(origin, name)),
      })),
    }),
  };
}

/** The manifest's bytes: indented JSON, fields always in the same order. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
}

function nameOf({ dataset }: TableOrigin): Pick<Manifest, 'schema' | 'table'> {
  const { schema, name: table } = datasetId(dataset);
  return schema === '' ? { table } : { schema, table };
}

function manifestFile({ staged, slice }: TableFile, name: string): Manifest['files'][number] {
  return {
    name,
    rows: staged.rows,
    bytes: staged.part.bytes,
    sha256: staged.part.sha256,
    slice: { index: slice.index, method: slice.method, bounds: slice.bounds },
    ...(slice.levels !== undefined && {
      partition: partitionOf(slice.levels),
    }),
    row_groups: staged.rowGroups.map(({ rows, bytes }) => ({ rows, bytes })),
  };
}

/** What the names of directories say, by level. */
export function partitionOf(levels: readonly DirectoryLevel[]): Record<string, string | null> {
  return Object.fromEntries(levels.map(({ name, value }) => [name, value]));
}

function manifestColumns(files: readonly TableFile[], origin: TableOrigin): Manifest['columns'] {
  const { columns, unrepresentable, lostBounds } = origin;
  const summaries = files.map(({ staged }) => staged.columns);
  // Files staged by an earlier version have none.
  const known = summaries.every((one) => one !== undefined) ? summaries : undefined;
  return columns.map((spec, index) => {
    const lost = countOf(lostBounds, spec.name);
    return {
      name: spec.name,
      source_type: spec.sourceType,
      parquet_type: parquetTypeName(spec),
      nullable: spec.nullable,
      ...(spec.added === undefined && columnMetadata(origin, spec.name)),
      fidelity: lost > 0 ? 'lossy' : spec.fidelity,
      ...(spec.mask !== undefined && { mask: spec.mask }),
      ...(spec.isTextByValues === true && { text_by_values: true as const }),
      ...(spec.added !== undefined && { added: spec.added }),
      unrepresentable: countOf(unrepresentable, spec.name),
      ...(spec.bloomFilter !== undefined && { bloom_filter: spec.bloomFilter }),
      ...(lost > 0 && { lost_bounds: lost }),
      ...(known && columnTotals(known.flatMap((file) => file[index] ?? []))),
    };
  });
}

/** What the source declares about the column. */
function columnMetadata(
  { metadata }: TableOrigin,
  column: string,
): Pick<Manifest['columns'][number], 'comment' | 'default'> {
  const { comment, default: expression } = metadata?.columns?.find(({ name }) => name === column) ?? {};
  return { ...(comment !== undefined && { comment }), ...(expression !== undefined && { default: expression }) };
}

type Totals = Pick<Manifest['columns'][number], 'compressed_bytes' | 'uncompressed_bytes' | 'null_count'>;

/** Of a column in these files. */
export function columnTotals(files: StayingFile['columns']): Totals {
  const sum = (of: (file: StayingFile['columns'][number]) => number) =>
    files.reduce((total, file) => total + of(file), 0);
  const isKnown = files.every(({ nulls }) => nulls !== undefined);
  return {
    compressed_bytes: sum(({ compressedBytes }) => compressedBytes),
    uncompressed_bytes: sum(({ uncompressedBytes }) => uncompressedBytes),
    ...(isKnown && { null_count: sum(({ nulls = 0 }) => nulls) }),
  };
}

function countOf(counts: Readonly<Record<string, number>>, column: string): number {
  return Object.hasOwn(counts, column) ? (counts[column] ?? 0) : 0;
}
