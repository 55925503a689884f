import { Stopwatch } from '../../runtime/stopwatch.js';
import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { StorageTarget } from '../../storage/target.js';
import type { MergeableTable, TableFormat } from '../formats/table-format.js';
import type { PublishedFile } from '../model/observer.js';
import type { MergeCounts, TableCompaction } from '../model/table-compaction.js';
import type { CompactOutcome, CompactTask } from './protocol.js';
import { runCompaction } from './run-compaction.js';
import type { SourceKeysRead } from './source-keys.js';

export interface Compacting {
  readonly runId: string;
  readonly table: MergeableTable;
  /** Where the table is; the thread that merges opens it by `target`. */
  readonly storage: Storage;
  readonly target: StorageTarget;
  readonly format: TableFormat;
  /** If rows that the source has no more are to go. */
  readonly keys?: SourceKeysRead | undefined;
  /** Whether the user has asked for it: keys may then have several rows that they have not by the manifest. */
  readonly isAsked: boolean;
  /** See `RunningCompaction`. */
  readonly isSnapshotHeld?: (() => Promise<boolean>) | undefined;
  /** Rows that were gone through so far. */
  readonly onProgress?: ((rows: number) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface CompactedTable {
  readonly compaction: TableCompaction;
  /** Those that were written. */
  readonly files: readonly PublishedFile[];
}

/**
 * Merges the files of a table into new ones, with the last row of each key, and publishes these in their place. The run
 * holds the directory's lock.
 * @returns undefined if there is nothing to merge
 * @throws LakeportError; the table is then as it was
 */
export async function compactTable(compacting: Compacting): Promise<CompactedTable | undefined> {
  const { runId, table, storage, signal } = compacting;
  if (!isMergeable(compacting)) return undefined;
  const stopwatch = new Stopwatch();
  const number = table.lastNumber + 1;
  const outcome = await runCompaction(taskOf(compacting, 'merge'), compacting);
  const { files, staying, columns } = outcome;
  const { directory } = table;
  if (files.length === 0 && table.deleted.length === 0) return undefined;
  if (signal.aborted) {
    await Promise.allSettled(files.map(({ staged }) => storage.discard(staged.part)));
    signal.throwIfAborted();
  }
  const merged = { runId, directory, number, files, staying, columns, startedAt: stopwatch.startedAt };
  const names = await compacting.format.publishMerged(merged, storage);
  return {
    compaction: {
      number,
      files: files.length,
      stayingFiles: staying.length,
      bytes: files.reduce((sum, { staged }) => sum + staged.part.bytes, 0),
      seconds: stopwatch.seconds,
      ...countsOf(outcome, compacting),
    },
    files: files.map(({ staged }, index) => {
      const path = joinPath(directory, names[index] ?? '');
      const { rows, rowGroups, part } = staged;
      return {
        ...{ slice: index, storageId: storage.id, path, displayPath: storage.display(path), rows },
        ...{ bytes: part.bytes, sha256: part.sha256, rowGroups: rowGroups.length },
      };
    }),
  };
}

/** What a compaction would do, without doing it; undefined if there is nothing to merge. */
export async function countCompaction(compacting: Compacting): Promise<MergeCounts | undefined> {
  if (!isMergeable(compacting)) return undefined;
  return countsOf(await runCompaction(taskOf(compacting, 'count'), compacting), compacting);
}

/** Whether there may be rows to leave out. */
function isMergeable({ table, keys, isAsked }: Compacting): boolean {
  const { files, lastWhole, deleted } = table;
  return isAsked || files.some(({ sync }) => sync > lastWhole) || deleted.length > 0 || keys !== undefined;
}

function taskOf({ runId, table, target, keys }: Compacting, result: CompactTask['result']): CompactTask {
  return { runId, table, target, keys, number: table.lastNumber + 1, result };
}

function countsOf({ rowsBefore, rows, deletedKeys, missingKeys }: CompactOutcome, { keys }: Compacting): MergeCounts {
  return {
    rows,
    supersededRows: rowsBefore - rows - deletedKeys,
    ...(keys !== undefined && { deletedKeys, missingKeys }),
  };
}
