import { DDL_DIALECTS, type DdlDialect } from '../../model/ddl-dialect.js';
import type { RowCheckResult } from '../../model/row-check.js';
import type { PreviousExport, PublishedTable } from '../table-format.js';
import type { Manifest } from './manifest-schema.js';

/** The fields that are read from a manifest of any version. */
type ReadManifest = Pick<
  Manifest,
  | 'format_version'
  | 'incremental'
  | 'run_id'
  | 'consistency'
  | 'started_at'
  | 'ended_at'
  | 'row_count'
  | 'columns'
  | 'ddl'
> & {
  /** Missing in the first manifests of version 1. */
  readonly row_check?: string;
  readonly files: readonly ReadFile[];
};

/** Version 1 called the slice of a file its partition. */
type ReadFile = Omit<Manifest['files'][number], 'slice'> &
  ({ readonly slice: { readonly index: number } } | { readonly partition: { readonly index: number } });

/** Readable versions: 1, until lakeport 0.1, has another `source`, and `partition` for `slice`. */
const READABLE: readonly unknown[] = [1, 2];

/** Whether lakeport wrote the file, in any readable version. */
export function isManifest(bytes: Uint8Array): boolean {
  return parse(bytes) !== undefined;
}

/** The dialects that the manifest's table has files of statements for. */
export function readDialects(bytes: Uint8Array): readonly DdlDialect[] {
  const ddl: unknown = parse(bytes)?.ddl;
  const found = Array.isArray(ddl) ? ddl.map((one: { readonly dialect?: unknown } | null) => one?.dialect) : [];
  return DDL_DIALECTS.filter((dialect) => found.includes(dialect));
}

/** The export that the manifest describes; undefined for anything but a manifest. */
export function readPreviousExport(bytes: Uint8Array): PreviousExport | undefined {
  const manifest = parse(bytes);
  return manifest && { runId: manifest.run_id, startedAt: new Date(manifest.started_at) };
}

/**
 * The table that the manifest describes, of one that is synced what the run has added; undefined for anything but a
 * manifest of the run.
 */
export function readPublishedTable(bytes: Uint8Array, runId: string): PublishedTable | undefined {
  const manifest = parse(bytes);
  if (manifest?.run_id !== runId) return undefined;
  const { columns, incremental } = manifest;
  const own = new Set(incremental?.syncs.filter(({ run_id: by }) => by === runId).map(({ number }) => number));
  const files = incremental === undefined ? manifest.files : manifest.files.filter(({ sync = 0 }) => own.has(sync));
  return {
    files: files.map((file) => ({
      name: file.name,
      slice: 'slice' in file ? file.slice.index : file.partition.index,
      rows: file.rows,
      bytes: file.bytes,
      sha256: file.sha256,
      rowGroups: file.row_groups.length,
    })),
    rows: incremental === undefined ? manifest.row_count : files.reduce((sum, { rows }) => sum + rows, 0),
    consistency: manifest.consistency,
    // Written from this type.
    rowCheck: manifest.row_check as RowCheckResult | undefined,
    startedAt: new Date(manifest.started_at),
    endedAt: new Date(manifest.ended_at),
    unrepresentable: counts(columns.map(({ name, unrepresentable }) => [name, unrepresentable])),
    lostBounds: counts(columns.map(({ name, lost_bounds: lost = 0 }) => [name, lost])),
  };
}

function counts(columns: readonly (readonly [name: string, count: number])[]): Record<string, number> {
  return Object.fromEntries(columns.filter(([, count]) => count > 0));
}

function parse(bytes: Uint8Array): ReadManifest | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const isOwn = typeof parsed === 'object' && parsed !== null && 'format_version' in parsed;
    // No other program writes files with this name and version.
    return isOwn && READABLE.includes(parsed.format_version) ? (parsed as ReadManifest) : undefined;
  } catch {
    return undefined;
  }
}
