import type { Kysely } from 'kysely';

import type { LogSchema } from '../model/rows.js';
import type { DeletedRows, RunsToDelete } from './log-store.js';
import type { SchemaContext } from './migrate.js';
import { inPowersOfTwo } from './prepared-inserts.js';

/**
 * Removes runs with all that belongs to them, except those that another process has resumed meanwhile. Of the watermarks,
 * the last of each table in each place stays.
 */
export async function deleteRuns(
  { db }: SchemaContext,
  { runs, isDryRun, allWatermarksOf }: RunsToDelete,
): Promise<DeletedRows> {
  return db.transaction().execute(async (transaction) => {
    const owned = await ownedRuns(transaction, runs);
    const counts = { runs: owned.length, jobs: 0, partitions: 0, files: 0, watermarks: 0 };
    for (const ids of inPowersOfTwo(owned)) {
      counts.jobs += await countOf(transaction, 'export_jobs', ids);
      counts.partitions += await countOf(transaction, 'export_partitions', ids);
      counts.files += await countOf(transaction, 'export_files', ids);
      const old = await oldWatermarks(transaction, ids);
      counts.watermarks += old.length;
      if (isDryRun) continue;
      for (const { run_id: runId, job_id: jobId } of old) {
        await transaction
          .deleteFrom('export_watermarks')
          .where('run_id', '=', runId)
          .where('job_id', '=', Number(jobId))
          .execute();
      }
      // Everything else of a run goes with its row.
      await transaction.deleteFrom('export_runs').where('run_id', 'in', ids).execute();
    }
    if (allWatermarksOf !== undefined && !isDryRun) {
      await transaction.deleteFrom('export_watermarks').where('sync_id', '=', allWatermarksOf).execute();
    }
    return counts;
  });
}

/** Ids of those that still have their owner. */
async function ownedRuns(db: Kysely<LogSchema>, runs: RunsToDelete['runs']): Promise<string[]> {
  const holders = new Map(runs.map(({ runId, holder }) => [runId, holder]));
  const found: string[] = [];
  for (const ids of inPowersOfTwo([...holders.keys()])) {
    const rows = await db.selectFrom('export_runs').select(['run_id', 'holder']).where('run_id', 'in', ids).execute();
    found.push(...rows.filter((row) => holders.get(row.run_id) === row.holder).map((row) => row.run_id));
  }
  return found;
}

/** Those after which the table was synced again in the same place. */
async function oldWatermarks(
  db: Kysely<LogSchema>,
  runIds: readonly string[],
): Promise<{ readonly run_id: string; readonly job_id: number | string }[]> {
  return db
    .selectFrom('export_watermarks as old')
    .select(['old.run_id', 'old.job_id'])
    .where('old.run_id', 'in', runIds)
    .where((where) =>
      where.exists(
        where
          .selectFrom('export_watermarks as later')
          .select('later.run_id')
          .whereRef('later.source_table', '=', 'old.source_table')
          .whereRef('later.source_schema', '=', 'old.source_schema')
          .whereRef('later.place', '=', 'old.place')
          .whereRef('later.recorded_at', '>', 'old.recorded_at'),
      ),
    )
    .execute();
}

async function countOf(
  db: Kysely<LogSchema>,
  table: 'export_jobs' | 'export_partitions' | 'export_files',
  runIds: readonly string[],
): Promise<number> {
  const { count } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('run_id', 'in', runIds)
    .executeTakeFirstOrThrow();
  return Number(count);
}
