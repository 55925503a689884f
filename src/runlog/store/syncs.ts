import { syncExists, syncRunning } from '../errors.js';
import { SYNCS } from '../model/columns.js';
import type { StoredSyncRow, SyncRow } from '../model/rows.js';
import type { SchemaContext } from './migrate.js';
import { readLocks } from './sync-locks.js';

/** By their ids. */
export async function listSyncs({ db }: SchemaContext): Promise<StoredSyncRow[]> {
  const rows = await db.selectFrom('export_syncs').selectAll().orderBy('sync_id').execute();
  return rows.map((row) => SYNCS.restore(row));
}

/**
 * Stores a sync.
 * @returns whether it has replaced one of this id
 * @throws LakeportError `SYNC_EXISTS` if there is one and it is not to be replaced
 */
export async function saveSync(
  { db, dialect }: SchemaContext,
  { sync, replaces }: { readonly sync: SyncRow; readonly replaces: boolean },
): Promise<boolean> {
  const { sync_id: syncId, ...columns } = sync;
  return db.transaction().execute(async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('export_syncs')
      // Without the wish to replace it, this only finds out whether it exists, and keeps others from creating it.
      .set(replaces ? { ...columns, updated_at: dialect.now } : { sync_id: syncId })
      .where('sync_id', '=', syncId)
      .executeTakeFirst();
    if (numUpdatedRows > 0n && !replaces) throw syncExists(syncId);
    if (numUpdatedRows > 0n) return true;
    await transaction
      .insertInto('export_syncs')
      .values({ ...sync, created_at: dialect.now, updated_at: dialect.now })
      .execute();
    return false;
  });
}

/**
 * Removes a sync; its runs stay in the log.
 * @returns whether there was one
 * @throws LakeportError `SYNC_RUNNING` if a run of it is in progress
 */
export async function deleteSync(context: SchemaContext, { syncId }: { readonly syncId: string }): Promise<boolean> {
  const [lock] = await readLocks(context, { syncId });
  if (lock?.isLiving === true) throw syncRunning(lock);
  const { numDeletedRows } = await context.db
    .deleteFrom('export_syncs')
    .where('sync_id', '=', syncId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
