import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import type { ReaderSettings, Snapshot } from '../../sources/source.js';
import type { Storage } from '../../storage/storage.js';
import type { StorageTarget } from '../../storage/target.js';
import type { DeletedFile, TableFormat } from '../formats/table-format.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import type { TablePlan } from '../model/plan.js';
import type { TableCompaction } from '../model/table-compaction.js';
import { compactTable } from './compact-table.js';
import { runCompaction } from './run-compaction.js';
import type { SourceKeysRead } from './source-keys.js';

export interface SyncCompletion {
  readonly runId: string;
  readonly plan: TablePlan;
  readonly storage: Storage;
  readonly target: StorageTarget;
  readonly format: TableFormat;
  /** Of the source. */
  readonly reader: ReaderSettings;
  /** That the rows of the sync were read from. */
  readonly snapshot: Snapshot;
  /** See `RunningCompaction`. */
  readonly isSnapshotHeld: () => Promise<boolean>;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** Keys that the source has no more, and their file if there are some. */
export interface StagedDeletions {
  readonly count: number;
  readonly file: DeletedFile | undefined;
}

/**
 * The keys that the source has no more, of a sync that does not merge files, staged to be published with it. A failure
 * does not fail the sync: the next one finds them.
 * @returns undefined if they were not looked for
 */
export async function stageDeletedKeys(sync: SyncCompletion): Promise<StagedDeletions | undefined> {
  const { plan, storage, target, format, runId } = sync;
  const keys = keysOf(sync);
  if (plan.sync === undefined || plan.sync.compacts || keys === undefined) return undefined;
  const { number } = plan.sync;
  return orWarning(sync, 'SYNC_DELETES_FAILED', 'Deleted rows were not looked for', async () => {
    const table = await format.mergeable(plan.directory, storage);
    if (table === undefined) return undefined;
    const task = {
      ...{ runId, target, number, keys, result: 'deleted' as const },
      table: withKey(table, plan),
    };
    const { deleted, deletedKeys } = await runCompaction(task, sync);
    const name = format.deletedName(number);
    return { count: deletedKeys, file: deleted && { staged: deleted, name } };
  });
}

export interface CompletedSync {
  readonly compaction: TableCompaction;
  /** Those that were written. */
  readonly files: readonly PublishedFile[];
}

/**
 * Merges the files of a table whose sync was published, if it is the sync's turn. A failure does not fail the sync: the
 * next one merges them.
 * @returns undefined if nothing was merged
 */
export async function compactSync(sync: SyncCompletion): Promise<CompletedSync | undefined> {
  const { plan, storage, format } = sync;
  if (plan.sync?.compacts !== true) return undefined;
  const warning = 'The files were not merged, so there may be several rows with the same key';
  const merged = await orWarning(sync, 'SYNC_NOT_COMPACTED', warning, async () => {
    const table = await format.mergeable(plan.directory, storage);
    return table && compactTable({ ...sync, table: withKey(table, plan), keys: keysOf(sync), isAsked: false });
  });
  const missing = merged?.compaction.missingKeys ?? 0;
  if (missing > 0) warn(sync, missingText(plan.id, missing), { code: 'SYNC_KEYS_MISSING', count: missing });
  return merged;
}

/** A manifest of a sync that did not know the key. */
function withKey<T extends { readonly key: readonly string[] | undefined }>(table: T, { sync }: TablePlan): T {
  return { ...table, key: sync?.key ?? table.key };
}

function keysOf({ plan: { keys }, reader, snapshot }: SyncCompletion): SourceKeysRead | undefined {
  return keys && { ...keys, reader, snapshot };
}

async function orWarning<T>(
  sync: SyncCompletion,
  code: string,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    const error = LakeportError.from(thrown);
    const text = `${tableName(sync.plan.id)}: ${what}; the next sync does it: ${error.message}`;
    warn(sync, text, { code, cause: error.code });
    return undefined;
  }
}

function warn({ plan, observer }: SyncCompletion, text: string, fields: Readonly<Record<string, unknown>>): void {
  observer.message?.('warning', text, { ...fields, table: tableName(plan.id) });
}

function missingText(id: TableId, count: number): string {
  const rows = count === 1 ? '1 row of the source is' : `${count} rows of the source are`;
  return `${tableName(id)}: ${rows} in no file: no sync has seen a value of the cursor above its watermark; --reset-watermarks reads them`;
}
