import { type Kysely, sql, type Transaction } from 'kysely';

import { isProcessIdentity } from '../../runtime/process-identity.js';
import { syncRunning } from '../errors.js';
import { SILENCE_SECONDS } from '../heartbeat.js';
import { SYNC_LOCKS } from '../model/columns.js';
import type { LogSchema, RunRow } from '../model/rows.js';
import { displayOwner, isGone } from '../run-owner.js';
import type { SyncLock } from './log-store.js';
import type { SchemaContext } from './migrate.js';

/**
 * The locks of stored syncs. Every run of a sync holds its lock while it is running: it is taken with the run's first row,
 * renewed with each heartbeat, and gone with the row that says how the run ended.
 */

type LockedRun = Pick<RunRow, 'run_id' | 'holder' | 'process' | 'sync_id'>;

/**
 * Makes a run the holder of its sync's lock; does nothing for a run of no sync.
 * @throws LakeportError `SYNC_RUNNING` if another run holds it whose process may be alive
 */
export async function takeLock(
  { db, dialect }: Omit<SchemaContext, 'db'> & { readonly db: Transaction<LogSchema> },
  run: LockedRun,
): Promise<void> {
  if (run.sync_id === null) return;
  const [lock] = await readLocks({ db, dialect }, { syncId: run.sync_id });
  // The lock of an earlier process of the same run: whoever owns the run owns it.
  if (lock?.isLiving === true && lock.runId !== run.run_id) throw syncRunning(lock);
  const own = {
    run_id: run.run_id,
    holder: run.holder,
    host: hostOf(run.process),
    process: run.process,
    locked_at: dialect.now,
    heartbeat_at: dialect.now,
  };
  if (lock === undefined) {
    await db
      .insertInto('export_sync_locks')
      .values({ sync_id: run.sync_id, ...own })
      .execute();
    return;
  }
  const { numUpdatedRows } = await db
    .updateTable('export_sync_locks')
    .set(own)
    .where('sync_id', '=', run.sync_id)
    // Of several that take over a dead holder's lock, only one still finds it.
    .where('holder', '=', lock.holder)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw syncRunning(lock);
}

/**
 * Renews the lock of a run that goes on, and removes that of one that has ended.
 * @returns false if the run goes on without its lock: another run has it, or it was released by hand
 */
export async function keepLock(
  { db, dialect }: SchemaContext,
  { sync_id: syncId, holder, state }: Pick<RunRow, 'sync_id' | 'holder' | 'state'>,
): Promise<boolean> {
  if (syncId === null) return true;
  if (state !== 'running') {
    await removeLock(db, { syncId, holder });
    return true;
  }
  const { numUpdatedRows } = await db
    .updateTable('export_sync_locks')
    .set({ heartbeat_at: dialect.now })
    .where('sync_id', '=', syncId)
    .where('holder', '=', holder)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** @returns whether this holder had it */
export async function removeLock(
  db: Kysely<LogSchema>,
  { syncId, holder }: { readonly syncId: string; readonly holder: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('export_sync_locks')
    .where('sync_id', '=', syncId)
    .where('holder', '=', holder)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Of one sync or of all, by their ids. */
export async function readLocks(
  { db, dialect }: SchemaContext,
  { syncId }: { readonly syncId?: string | undefined } = {},
): Promise<SyncLock[]> {
  const silent = sql<
    number | string
  >`case when heartbeat_at < ${dialect.secondsAgo(SILENCE_SECONDS)} then 1 else 0 end`;
  const rows = await db
    .selectFrom('export_sync_locks')
    .selectAll()
    .select(silent.as('is_silent'))
    .$if(syncId !== undefined, (some) => some.where('sync_id', '=', syncId ?? ''))
    .orderBy('sync_id')
    .execute();
  return Promise.all(
    rows.map(async ({ is_silent: isSilent, ...row }) => {
      const lock = SYNC_LOCKS.record(SYNC_LOCKS.restore(row));
      const isLiving = Number(isSilent) === 0 && !(await isGone(lock.process));
      return { ...lock, owner: displayOwner(lock.process), isLiving };
    }),
  );
}

/**
 * After a failed attempt to take a lock: several processes may have tried to create it at the same time.
 * @throws LakeportError `SYNC_RUNNING` if another run holds the lock now
 */
export async function refuseIfLocked(context: SchemaContext, run: LockedRun): Promise<void> {
  if (run.sync_id === null) return;
  const [lock] = await readLocks(context, { syncId: run.sync_id });
  if (lock?.isLiving === true && lock.runId !== run.run_id) throw syncRunning(lock);
}

function hostOf(process: string): string {
  const identity: unknown = JSON.parse(process);
  return isProcessIdentity(identity) ? identity.host : '';
}
