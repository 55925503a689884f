import pLimit from 'p-limit';

import { availableCores } from '../../runtime/machine.js';
import { compactSync, stageDeletedKeys, type SyncCompletion } from '../compact/complete-sync.js';
import type { PublishedFile } from '../model/observer.js';
import { type PublicationContext, publishTable } from '../publish/publish-table.js';
import type { TableProgress } from './table-progress.js';

/** Each takes a thread. */
const mergesAtOnce = pLimit(Math.max(1, Math.floor(availableCores() / 2)));

/**
 * Publishes the sync of a table, with the keys that its source has no more, and then merges the table's files if it is
 * time to. @returns the files of the sync, or all files after a merge
 */
export async function publishSynced(
  table: TableProgress,
  context: PublicationContext,
  sync: SyncCompletion,
): Promise<readonly PublishedFile[]> {
  const deleted = await mergesAtOnce(() => stageDeletedKeys(sync));
  const published = await publishTable(table, { ...context, deleted: deleted?.file });
  if (deleted !== undefined) table.completion = { deletedKeys: deleted.count };
  const merged = await mergesAtOnce(() => compactSync(sync));
  if (merged === undefined) return published;
  const { compaction, files } = merged;
  const { deletedKeys } = compaction;
  table.completion = { compaction, ...(deletedKeys !== undefined && { deletedKeys }) };
  return files;
}
