import { z } from 'zod';

import { type Cursor, CURSOR_TYPES } from '../../../model/cursor.js';
import { SYNC_STRATEGIES } from '../../model/incremental.js';
import type { TableSync } from '../../model/table-sync.js';
import type { DeletedFile, PublishedSyncs, TableOrigin } from '../table-format.js';
import type { Manifest } from './manifest-schema.js';

/** Entries of syncs without files that are kept, so that a run recognizes its own. */
const KEPT_SYNCS = 20;

const count = z.number().int().nonnegative();

/** What the next sync needs of a manifest. It may have been edited by hand, or written by a later version. */
const syncedManifest = z.looseObject({
  format_version: z.literal(2),
  run_id: z.string(),
  row_count: count,
  engine: z.string().optional(),
  source: z.looseObject({ database: z.string().nullable() }),
  query: z.string().optional(),
  where: z.array(z.string()).optional(),
  incremental: z.looseObject({
    cursor: z.object({ type: z.enum(CURSOR_TYPES), column: z.string().nullable() }),
    strategy: z.enum(SYNC_STRATEGIES),
    key: z.array(z.string()).optional(),
    watermark: z.string().nullable(),
    last_number: count,
    syncs: z.array(z.looseObject({ number: count, run_id: z.string() })),
  }),
  files: z.array(z.looseObject({ name: z.string(), rows: count, bytes: count, sync: count })),
  columns: z.array(z.looseObject({ name: z.string(), parquet_type: z.string(), nullable: z.boolean() })),
  deleted: z.array(z.looseObject({ name: z.string() })).optional(),
});

/** The manifest of a table that is synced. */
export type SyncedManifest = Manifest & { readonly incremental: NonNullable<Manifest['incremental']> };

/** Undefined for anything but the manifest of a table that is synced. */
export function readSyncedManifest(bytes: Uint8Array): SyncedManifest | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    // As it is, in its order. What is not checked is only written again.
    return syncedManifest.safeParse(parsed).success ? (parsed as SyncedManifest) : undefined;
  } catch {
    return undefined;
  }
}

/** The cursor that the table is synced by. */
export function cursorOf({ incremental: { cursor } }: SyncedManifest): Cursor {
  const { type, column } = cursor;
  return column === null ? { type } : { type, column };
}

/** @param isThere whether a file of this name, relative to the table's directory, is there */
export function publishedSyncs(manifest: SyncedManifest, isThere: (name: string) => boolean): PublishedSyncs {
  const { incremental, files, columns, deleted = [], partition_columns: levels = [] } = manifest;
  const { source, query, where: predicates = [] } = manifest;
  const names = [...files, ...deleted].map(({ name }) => name);
  return {
    cursor: cursorOf(manifest),
    strategy: incremental.strategy,
    watermark: incremental.watermark ?? undefined,
    lastNumber: incremental.last_number,
    runId: manifest.run_id,
    key: incremental.key,
    columns: [
      ...levels.flatMap(({ name, parquet_type: type }) =>
        type === undefined ? [] : [{ name, type, nullable: undefined }],
      ),
      ...columns
        .filter(({ dropped_in: dropped }) => dropped === undefined)
        .map(({ name, parquet_type: type, nullable, mask }) => ({ name, type, nullable, mask })),
    ],
    origin: { engine: manifest.engine, database: source.database ?? undefined, query, predicates },
    dropped: columns.flatMap(({ name, dropped_in: dropped }) => (dropped === undefined ? [] : [name])),
    levels: levels.map(({ name }) => name),
    files: files.map(({ name, rows, bytes, sync = 0 }) => ({ name, rows, bytes, sync })),
    sinceWhole: incremental.syncs.length - 1 - incremental.syncs.findLastIndex(({ kind }) => kind !== 'increment'),
    rows: manifest.row_count,
    missing: names.filter((name) => !isThere(name)),
  };
}

/**
 * The manifest of a table after a sync: that of the sync alone, and what earlier ones have left.
 * @param earlier undefined if the sync replaces everything
 */
export function syncedManifestOf(
  own: Manifest,
  {
    sync,
    origin,
    earlier,
    deleted,
    directory,
  }: {
    readonly sync: TableSync;
    readonly origin: TableOrigin;
    readonly earlier: SyncedManifest | undefined;
    readonly deleted: DeletedFile | undefined;
    /** Of the table, relative to the storage's base. */
    readonly directory: string;
  },
): SyncedManifest {
  const files = [...(earlier?.files ?? []), ...own.files.map((file) => ({ ...file, sync: sync.number }))];
  const gone = [...(earlier?.deleted ?? []), ...(deleted === undefined ? [] : [deletedFile(deleted, sync)])];
  const { increment } = sync;
  const { type, column = null } = sync.cursor;
  const entry: SyncedManifest['incremental']['syncs'][number] = {
    number: sync.number,
    kind: sync.isFull ? 'full' : 'increment',
    run_id: own.run_id,
    lower: increment.lower ?? null,
    upper: increment.upper ?? null,
    nulls: increment.nulls,
    row_count: own.row_count,
    snapshot: own.snapshot,
    consistency: own.consistency,
    started_at: own.started_at,
    ended_at: own.ended_at,
    ...(increment.fullBecause !== undefined && { full_because: increment.fullBecause }),
    ...(sync.schemaChanges !== undefined && { schema_changes: sync.schemaChanges }),
  };
  const { row_count: ownRows, columns } = own;
  return {
    ...own,
    row_count: (earlier?.row_count ?? 0) + ownRows,
    consistency: earlier === undefined ? own.consistency : weaker(earlier.consistency, own.consistency),
    incremental: {
      cursor: { type, column },
      strategy: sync.strategy,
      ...(sync.key !== undefined && { key: sync.key }),
      watermark: increment.watermark ?? null,
      path: directory,
      last_number: sync.number,
      syncs: keptSyncs([...(earlier?.incremental.syncs ?? []), entry], files),
    },
    files,
    ...(gone.length > 0 && { deleted: gone }),
    columns: mergedColumns(columns, { sync, ownRows, earlier }),
    ...(origin.partitionedBy === undefined &&
      earlier?.partition_columns !== undefined && {
        partition_columns: earlier.partition_columns,
      }),
  };
}

function deletedFile({ staged, name }: DeletedFile, { number }: TableSync): NonNullable<Manifest['deleted']>[number] {
  const { rows, part } = staged;
  return { name, sync: number, rows, bytes: part.bytes, sha256: part.sha256 };
}

/** Rows of several syncs are of several moments: `run` holds for each sync alone. */
function weaker(a: Manifest['consistency'], b: Manifest['consistency']): Manifest['consistency'] {
  return a === 'none' || b === 'none' ? 'none' : 'table';
}

/** Those whose files are there, and the latest. */
export function keptSyncs(
  all: SyncedManifest['incremental']['syncs'],
  files: readonly { readonly sync?: number | undefined }[],
): SyncedManifest['incremental']['syncs'] {
  const used = new Set(files.map(({ sync }) => sync));
  return all.filter(({ number }, index) => used.has(number) || index >= all.length - KEPT_SYNCS);
}

type Column = Manifest['columns'][number];

/** The columns of all files: sums over all syncs, and columns that only some of them have. */
function mergedColumns(
  own: readonly Column[],
  {
    sync,
    ownRows,
    earlier,
  }: { readonly sync: TableSync; readonly ownRows: number; readonly earlier: SyncedManifest | undefined },
): Column[] {
  if (earlier === undefined) return [...own];
  const before = new Map(earlier.columns.map((column) => [column.name, column]));
  const names = new Set(own.map(({ name }) => name));
  const kept = own.map((column) => {
    const known = before.get(column.name);
    if (known === undefined) return withNulls({ ...column, nullable: true, added_in: sync.number }, earlier.row_count);
    return added(column, known);
  });
  const dropped = earlier.columns
    .filter(({ name }) => !names.has(name))
    .map((column) => withNulls({ ...column, nullable: true, dropped_in: column.dropped_in ?? sync.number }, ownRows));
  return [...kept, ...dropped];
}

function withNulls(column: Column, rows: number): Column {
  return column.null_count === undefined ? column : { ...column, null_count: column.null_count + rows };
}

/** The column of the new files, and what it counts over all. */
function added(column: Column, before: Column): Column {
  const lost = (column.lost_bounds ?? 0) + (before.lost_bounds ?? 0);
  const sum = (name: 'compressed_bytes' | 'uncompressed_bytes' | 'null_count') => {
    const [a, b] = [column[name], before[name]];
    return { [name]: a === undefined || b === undefined ? undefined : a + b };
  };
  return {
    ...column,
    nullable: column.nullable || before.nullable,
    fidelity: before.fidelity === 'lossy' ? 'lossy' : column.fidelity,
    unrepresentable: column.unrepresentable + before.unrepresentable,
    ...(lost > 0 && { lost_bounds: lost }),
    ...(before.added_in !== undefined && { added_in: before.added_in }),
    ...sum('compressed_bytes'),
    ...sum('uncompressed_bytes'),
    ...sum('null_count'),
  };
}
