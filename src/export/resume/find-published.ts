import pLimit from 'p-limit';

import { type Manifest, readManifest } from '../publish/manifest.js';
import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import { SUCCESS_NAME } from '../model/part-names.js';
import type { RunPlan, TablePlan } from '../model/plan.js';
import type { TableResult } from '../model/result.js';

/** Tables checked concurrently. */
const CONCURRENCY = 16;

export interface FindPublishedOptions {
  readonly runId: string;
  /** Tables an earlier attempt of the run may have published. */
  readonly tables: readonly TablePlan[];
  readonly storageOf: (id: string) => Storage;
  readonly observer: RunObserver;
}

/**
 * Finds tables that an earlier attempt of the run published without recording it, because it was killed just then.
 * Reports them to the observer like any published table.
 * @returns the plan without them, and their results
 */
export async function findPublished(
  plan: RunPlan,
  { runId, tables, storageOf, observer }: FindPublishedOptions,
): Promise<{ readonly plan: RunPlan; readonly results: readonly TableResult[] }> {
  const limit = pLimit(CONCURRENCY);
  const results = new Map<TablePlan, TableResult>();
  await Promise.all(
    tables.map((table) =>
      limit(async () => {
        const storage = storageOf(table.storageId);
        const manifest = await publishedManifest(storage, table, runId);
        if (manifest === undefined) return;
        const result = resultOf(table, manifest);
        results.set(table, result);
        observer.tablePublished?.(table.id, filesOf(table, manifest, storage));
        observer.tableEnded?.(result);
      }),
    ),
  );
  const left = plan.tables.filter((table) => !results.has(table));
  return { plan: { ...plan, tables: left }, results: [...results.values()] };
}

/** The run's own manifest of a complete table; tables without a manifest are checked file by file instead. */
async function publishedManifest(
  storage: Storage,
  { directory, manifest: placed }: TablePlan,
  runId: string,
): Promise<Manifest | undefined> {
  const bytes = placed === undefined ? undefined : await storage.get(placed.path);
  const manifest = bytes === undefined ? undefined : readManifest(bytes);
  if (manifest?.run_id !== runId) return undefined;
  return (await storage.get(joinPath(directory, SUCCESS_NAME))) === undefined ? undefined : manifest;
}

function resultOf({ id, storageId, displayPath, manifest: placed }: TablePlan, manifest: Manifest): TableResult {
  const counted = manifest.columns.filter(({ unrepresentable }) => unrepresentable > 0);
  const bounded = manifest.columns.map(({ name, lost_bounds: lost = 0 }) => [name, lost] as const);
  return {
    table: id,
    state: 'completed',
    rows: manifest.row_count,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: (Date.parse(manifest.ended_at) - Date.parse(manifest.started_at)) / 1000,
    storageId,
    path: displayPath,
    manifest: placed?.displayPath,
    unrepresentable: Object.fromEntries(counted.map(({ name, unrepresentable }) => [name, unrepresentable])),
    lostBounds: Object.fromEntries(bounded.filter(([, lost]) => lost > 0)),
    error: undefined,
    rowCheck: manifest.row_check,
    consistency: manifest.consistency,
    publishedEarlier: true,
  };
}

function filesOf({ storageId, directory }: TablePlan, manifest: Manifest, storage: Storage): PublishedFile[] {
  return manifest.files.map(({ name, partition, rows, bytes, sha256, row_groups }) => {
    const path = joinPath(directory, name);
    return {
      slice: partition.index,
      storageId,
      path,
      displayPath: storage.display(path),
      rows,
      bytes,
      sha256,
      rowGroups: row_groups.length,
    };
  });
}
