import { LakeportError } from '../../errors.js';
import { raceAbort } from '../../runtime/interruption.js';
import { storageIdOf, type StorageTarget } from '../../storage/target.js';
import type { MergeableTable, TableFormat } from '../formats/table-format.js';
import type { RunObserver } from '../model/observer.js';
import type { MergeCounts, TableCompaction } from '../model/table-compaction.js';
import { releaseDestination, sweepDestination } from '../publish/destination.js';
import { OpenStorages } from '../publish/open-storages.js';
import { compactTable, countCompaction } from './compact-table.js';

/** What became of a table. `unchanged`: there was nothing to merge. */
export type CompactionResult = { readonly table: MergeableTable; readonly path: string } & (
  | { readonly state: 'compacted'; readonly compaction: TableCompaction }
  | { readonly state: 'planned'; readonly counts: MergeCounts }
  | { readonly state: 'unchanged' }
  | { readonly state: 'failed'; readonly error: LakeportError }
);

export interface CompactionRun {
  readonly runId: string;
  readonly format: TableFormat;
  /** Counts rows, and changes nothing. */
  readonly isDryRun: boolean;
  /** Columns that identify a row, in place of those that the tables have; undefined for these. */
  readonly key: readonly string[] | undefined;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Called with the rows of a table that were gone through so far. */
  readonly onProgress: (table: MergeableTable, rows: number) => void;
  readonly onResult: (result: CompactionResult) => void;
}

/**
 * Merges the files of tables in one storage, one table after the other, while it holds the locks of their directories.
 * @returns in the order of the tables; those that failed are as they were
 * @throws LakeportError if a directory is in use, or the storage cannot be written
 */
export async function compactTables(
  target: StorageTarget,
  tables: readonly MergeableTable[],
  run: CompactionRun,
): Promise<CompactionResult[]> {
  const storages = OpenStorages.ofOne(target);
  const id = storageIdOf(target);
  const lost = new AbortController();
  const signal = AbortSignal.any([run.signal, lost.signal]);
  const destination = {
    ...{ runId: run.runId, directory: '', storages, format: run.format, before: [], observer: run.observer, signal },
    onLost: (error: LakeportError) => lost.abort(error),
  };
  try {
    await raceAbort(signal, storages.open(id));
    if (!run.isDryRun) {
      await storages.begin([id], destination);
      await raceAbort(signal, storages.claim(tables.map(({ directory }) => ({ storageId: id, directory }))));
      await sweepDestination(destination);
    }
    const results: CompactionResult[] = [];
    for (const table of tables) {
      signal.throwIfAborted();
      const result = await compactOne(table, { ...run, storages, target, signal });
      results.push(result);
      run.onResult(result);
    }
    return results;
  } finally {
    await releaseDestination(destination);
    await storages.close();
  }
}

async function compactOne(
  table: MergeableTable,
  {
    storages,
    target,
    signal,
    ...run
  }: CompactionRun & { readonly storages: OpenStorages; readonly target: StorageTarget },
): Promise<CompactionResult> {
  const storage = storages.get(storageIdOf(target));
  const { runId, format } = run;
  const path = storage.display(table.directory);
  try {
    // Another run may have published since the table was found, before the lock was held.
    const current = (run.isDryRun ? undefined : await format.mergeable(table.directory, storage)) ?? table;
    const merging = {
      ...{ runId, storage, target, format, signal, isAsked: true, table: { ...current, key: run.key ?? current.key } },
      onProgress: (rows: number) => run.onProgress(table, rows),
    };
    if (run.isDryRun) {
      const counts = await countCompaction(merging);
      return counts === undefined ? { table, path, state: 'unchanged' } : { table, path, state: 'planned', counts };
    }
    const merged = await compactTable(merging);
    if (merged === undefined) return { table, path, state: 'unchanged' };
    return { table, path, state: 'compacted', compaction: merged.compaction };
  } catch (thrown) {
    signal.throwIfAborted();
    return { table, path, state: 'failed', error: LakeportError.from(thrown) };
  }
}
