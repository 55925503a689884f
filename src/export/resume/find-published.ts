import pLimit from 'p-limit';

import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import type { PublishedTable, TableFormat } from '../formats/table-format.js';
import type { RunPlan, TablePlan } from '../model/plan.js';
import type { TableResult } from '../model/result.js';

/** Tables checked concurrently. */
const CONCURRENCY = 16;

export interface FindPublishedOptions {
  readonly runId: string;
  /** Tables an earlier attempt of the run may have published. */
  readonly tables: readonly TablePlan[];
  readonly format: TableFormat;
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
  { runId, tables, format, storageOf, observer }: FindPublishedOptions,
): Promise<{ readonly plan: RunPlan; readonly results: readonly TableResult[] }> {
  const limit = pLimit(CONCURRENCY);
  const results = new Map<TablePlan, TableResult>();
  await Promise.all(
    tables.map((table) =>
      limit(async () => {
        const storage = storageOf(table.storageId);
        // Tables without a manifest are checked file by file instead.
        const published = await format.published({ directory: table.directory, runId }, storage);
        if (published === undefined) return;
        const result = resultOf(table, published);
        results.set(table, result);
        observer.tablePublished?.(table.id, filesOf(table, published, storage));
        observer.tableEnded?.(result);
      }),
    ),
  );
  const left = plan.tables.filter((table) => !results.has(table));
  return { plan: { ...plan, tables: left }, results: [...results.values()] };
}

function resultOf({ id, storageId, displayPath, manifest, ddl }: TablePlan, published: PublishedTable): TableResult {
  return {
    table: id,
    state: 'completed',
    rows: published.rows,
    files: published.files.length,
    bytes: published.files.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: (published.endedAt.getTime() - published.startedAt.getTime()) / 1000,
    storageId,
    path: displayPath,
    manifest,
    ddl,
    unrepresentable: published.unrepresentable,
    lostBounds: published.lostBounds,
    error: undefined,
    rowCheck: published.rowCheck,
    consistency: published.consistency,
    publishedEarlier: true,
  };
}

function filesOf({ storageId, directory }: TablePlan, published: PublishedTable, storage: Storage): PublishedFile[] {
  return published.files.map(({ name, ...file }) => {
    const path = joinPath(directory, name);
    return { ...file, storageId, path, displayPath: storage.display(path) };
  });
}
