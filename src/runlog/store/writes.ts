import type { Kysely, Transaction } from 'kysely';

import { readRun } from './reads.js';
import { displayOwner, isGone, type RunOwner } from '../run-owner.js';
import type { SchemaContext } from './migrate.js';
import { inPowersOfTwo, type PreparedInserts } from './prepared-inserts.js';
import { keepLock, refuseIfLocked, removeLock, takeLock } from './sync-locks.js';
import { idTaken, logInUse, runFinished, runHeld } from '../errors.js';
import { FILES, JOBS, PARTITIONS, RUNS, WATERMARKS } from '../model/columns.js';
import type { LogBatch, LogSchema, RunRow, ShownRunRow, StoredRun, WriteOutcome } from '../model/rows.js';
import type { LogMode, SchemaStatus } from './log-store.js';

/** An open log. */
export interface LogConnection extends SchemaContext {
  readonly inserts: PreparedInserts;
  /** What connecting did to the schema. */
  readonly schema: SchemaStatus;
}

/** @throws LakeportError if the log already has a run of this id, or a run of the same sync is in progress */
export async function insertRun(context: SchemaContext, run: RunRow): Promise<void> {
  const { db, dialect } = context;
  try {
    await db.transaction().execute(async (transaction) => {
      if (await exists(transaction, run.run_id)) throw idTaken(run.run_id);
      await takeLock({ db: transaction, dialect }, run);
      await transaction
        .insertInto('export_runs')
        .values({ ...run, heartbeat_at: dialect.now })
        .execute();
    });
  } catch (error) {
    await refuseIfLocked(context, run);
    throw error;
  }
}

/** Replaces the rows with the same keys, and renews the run's heartbeat. */
export async function writeBatch({ db, dialect, inserts }: LogConnection, batch: LogBatch): Promise<WriteOutcome> {
  const { run_id: runId, holder, ...columns } = batch.run;
  return db.transaction().execute(async (transaction) => {
    const updated = await transaction
      .updateTable('export_runs')
      .set({ ...columns, heartbeat_at: dialect.now })
      .where('run_id', '=', runId)
      .where('holder', '=', holder)
      .executeTakeFirst();
    if (updated.numUpdatedRows === 0n) {
      if (await exists(transaction, runId)) return 'taken';
      if (!batch.isNew) return 'missing';
      if (batch.run.state === 'running' && !(await isFree(transaction, batch.run))) return 'taken';
      if (batch.run.state === 'running') await takeLock({ db: transaction, dialect }, batch.run);
      await transaction
        .insertInto('export_runs')
        .values({ ...batch.run, heartbeat_at: dialect.now })
        .execute();
    } else if (!(await keepLock({ db: transaction, dialect }, batch.run))) return 'taken';
    await replaceRows(transaction, inserts, batch);
    return 'written';
  });
}

/** Removes a run and everything that belongs to it, if this holder still owns it. */
export async function removeRun(
  { db }: SchemaContext,
  { runId, holder }: { readonly runId: string; readonly holder: string },
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const run = await transaction
      .selectFrom('export_runs')
      .select('sync_id')
      .where('run_id', '=', runId)
      .where('holder', '=', holder)
      .executeTakeFirst();
    if (run === undefined) return;
    if (run.sync_id !== null) await removeLock(transaction, { syncId: run.sync_id, holder });
    await transaction.deleteFrom('export_runs').where('run_id', '=', runId).where('holder', '=', holder).execute();
  });
}

/**
 * Makes another process the owner of a run.
 * @throws LakeportError if the run is unknown, complete, or owned by a living process, or another run of its sync is in
 * progress
 */
export async function claimRun(
  context: SchemaContext,
  claim: { readonly runId: string } & RunOwner,
): Promise<StoredRun> {
  const { db, dialect } = context;
  const { run } = await readRun(context, claim.runId);
  if (run.status === 'completed') throw runFinished(claim.runId);
  if (run.status === 'running') throw held(run);
  const claimed = { run_id: claim.runId, holder: claim.holder, process: claim.process, sync_id: run.sync_id };
  try {
    await db.transaction().execute(async (transaction) => {
      await takeLock({ db: transaction, dialect }, claimed);
      const { numUpdatedRows } = await transaction
        .updateTable('export_runs')
        .set({
          holder: claim.holder,
          process: claim.process,
          attempt: run.attempt + 1,
          ...RUNS.newAttempt(),
          heartbeat_at: dialect.now,
        })
        // If several processes resume the run at the same time, only one still finds the old holder.
        .where('run_id', '=', claim.runId)
        .where('holder', '=', run.holder)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw held((await readRun({ db: transaction, dialect }, claim.runId)).run);
    });
  } catch (error) {
    await refuseIfLocked(context, claimed);
    throw error;
  }
  return readRun(context, claim.runId);
}

/** @throws LakeportError if a living process is writing to the log */
export async function refuseWhileInUse({ db }: SchemaContext, mode: LogMode): Promise<void> {
  const running = await db
    .selectFrom('export_runs as run')
    .innerJoin('runs as shown', 'shown.run_id', 'run.run_id')
    .select(['run.run_id', 'run.process'])
    .where('shown.status', '=', 'running')
    .execute();
  for (const { run_id: runId, process } of running) {
    if (!(await isGone(JSON.parse(process)))) throw logInUse(runId, mode);
  }
}

/** Whether the sync of a run that the log has lost is in nobody's hands. */
async function isFree(db: Kysely<LogSchema>, { sync_id: syncId, holder }: RunRow): Promise<boolean> {
  if (syncId === null) return true;
  const lock = await db
    .selectFrom('export_sync_locks')
    .select('holder')
    .where('sync_id', '=', syncId)
    .executeTakeFirst();
  return lock === undefined || lock.holder === holder;
}

function held({ run_id: runId, process }: ShownRunRow) {
  return runHeld(runId, displayOwner(JSON.parse(process)));
}

async function exists(db: Kysely<LogSchema>, runId: string): Promise<boolean> {
  const row = await db.selectFrom('export_runs').select('run_id').where('run_id', '=', runId).executeTakeFirst();
  return row !== undefined;
}

/**
 * Deletes and inserts rows. Every database understands these statements, and they can be repeated if it is unknown whether
 * they took effect.
 */
async function replaceRows(
  db: Transaction<LogSchema>,
  inserts: PreparedInserts,
  { run, jobs, partitions, files, watermarks }: LogBatch,
): Promise<void> {
  const runId = run.run_id;
  for (const ids of inPowersOfTwo(jobs.stale)) {
    await db.deleteFrom('export_jobs').where('run_id', '=', runId).where('job_id', 'in', ids).execute();
  }
  for (const ids of inPowersOfTwo(partitions.stale)) {
    await db.deleteFrom('export_partitions').where('run_id', '=', runId).where('partition_id', 'in', ids).execute();
  }
  for (const ids of inPowersOfTwo(files.stale)) {
    await db.deleteFrom('export_files').where('run_id', '=', runId).where('file_id', 'in', ids).execute();
  }
  for (const ids of inPowersOfTwo(watermarks.stale)) {
    await db.deleteFrom('export_watermarks').where('run_id', '=', runId).where('job_id', 'in', ids).execute();
  }
  await inserts.insert(db, { into: 'export_jobs', columns: JOBS.names, rows: jobs.rows });
  await inserts.insert(db, { into: 'export_partitions', columns: PARTITIONS.names, rows: partitions.rows });
  await inserts.insert(db, { into: 'export_files', columns: FILES.names, rows: files.rows });
  await inserts.insert(db, { into: 'export_watermarks', columns: WATERMARKS.names, rows: watermarks.rows });
}
