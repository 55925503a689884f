import type { Kysely } from 'kysely';

import { displayOwner, isGone } from '../run-owner.js';
import type { SchemaContext } from './migrate.js';
import { runUnknown } from '../errors.js';
import { FILES, JOBS, PARTITION_COLUMNS, PARTITIONS, RUNS } from '../model/columns.js';
import type { LogSchema, PartitionColumnsRow, ShownRunRow, StoredRun } from '../model/rows.js';
import type { ShownState } from '../model/run-outcome.js';
import type { LivingRun } from './log-store.js';

/** Latest first; of one sync or of all. */
export async function listRuns(
  { db, dialect }: SchemaContext,
  options: { readonly limit: number; readonly syncId?: string | undefined },
): Promise<ShownRunRow[]> {
  const rows = await db
    .selectFrom('export_runs as run')
    .innerJoin('runs as shown', 'shown.run_id', 'run.run_id')
    .selectAll('run')
    .select('shown.status')
    .$if(options.syncId !== undefined, (some) => some.where('run.sync_id', '=', options.syncId ?? ''))
    .orderBy('run.started_at', 'desc')
    .orderBy('run.run_id')
    .$if(dialect.limitsByTop, (query) => query.top(options.limit))
    .$if(!dialect.limitsByTop, (query) => query.limit(options.limit))
    .execute();
  return Promise.all(rows.map((row) => checkProcess(RUNS.restore(row))));
}

/** All of users' own settings for tables. */
export async function partitionColumns(db: Kysely<LogSchema>): Promise<PartitionColumnsRow[]> {
  const rows = await db.selectFrom('partition_columns').selectAll().execute();
  return rows.map((row) => PARTITION_COLUMNS.restore(row));
}

/** At most `limit` ids of runs with this prefix, in lower case. */
export async function runIdsLike(
  { db, dialect }: SchemaContext,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('export_runs')
    .select('run_id')
    .where('run_id', 'like', `${prefix.replace(/[^0-9a-f-]/g, '')}%`)
    .orderBy('run_id')
    .$if(dialect.limitsByTop, (query) => query.top(limit))
    .$if(!dialect.limitsByTop, (query) => query.limit(limit))
    .execute();
  return rows.map((row) => row.run_id);
}

/** Runs in progress in living processes, except one. */
export async function livingRuns({ db }: SchemaContext, { except }: { readonly except: string }): Promise<LivingRun[]> {
  const runs = await db
    .selectFrom('export_runs as run')
    .innerJoin('runs as shown', 'shown.run_id', 'run.run_id')
    .selectAll('run')
    .select('shown.status')
    .where('shown.status', '=', 'running')
    .where('run.run_id', '<>', except)
    .execute();
  const living: LivingRun[] = [];
  for (const row of runs) {
    const run = await checkProcess(RUNS.restore(row));
    if (run.status !== 'running') continue;
    const tables = await db
      .selectFrom('export_jobs')
      .select(['storage_id', 'path', 'state'])
      .where('run_id', '=', run.run_id)
      .execute();
    living.push({
      runId: run.run_id,
      startedAt: run.started_at,
      holder: displayOwner(JSON.parse(run.process)),
      settings: JSON.parse(run.settings),
      tables: tables.map(({ storage_id: storageId, path, state }) => ({
        storageId: storageId ?? undefined,
        path: path ?? undefined,
        state,
      })),
    });
  }
  return living;
}

/** Undefined if the log has no such run. */
export async function readRunRow({ db }: Pick<SchemaContext, 'db'>, runId: string): Promise<ShownRunRow | undefined> {
  const run = await db
    .selectFrom('export_runs as run')
    .innerJoin('runs as shown', 'shown.run_id', 'run.run_id')
    .selectAll('run')
    .select('shown.status')
    .where('run.run_id', '=', runId)
    .executeTakeFirst();
  return run && checkProcess(RUNS.restore(run));
}

/** The state of a run as others see it, and nothing else of it. */
export async function runState(
  { db }: Pick<SchemaContext, 'db'>,
  { runId }: { readonly runId: string },
): Promise<ShownState | undefined> {
  const run = await db
    .selectFrom('export_runs as run')
    .innerJoin('runs as shown', 'shown.run_id', 'run.run_id')
    .select(['run.process', 'shown.status'])
    .where('run.run_id', '=', runId)
    .executeTakeFirst();
  return run && (await checkProcess(run)).status;
}

/** @throws LakeportError if the log has no such run */
export async function readRun({ db, dialect }: SchemaContext, runId: string): Promise<StoredRun> {
  const shown = await readRunRow({ db }, runId);
  if (shown === undefined) throw runUnknown(runId, dialect.address);
  const jobs = await db
    .selectFrom('export_jobs as job')
    .innerJoin('jobs as shown', (join) =>
      join.onRef('shown.run_id', '=', 'job.run_id').onRef('shown.job_id', '=', 'job.job_id'),
    )
    .selectAll('job')
    .select('shown.status')
    .where('job.run_id', '=', runId)
    .orderBy('job.job_id')
    .execute();
  const partitions = await db
    .selectFrom('export_partitions')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('partition_id')
    .execute();
  const files = await db
    .selectFrom('export_files')
    .selectAll()
    .where('run_id', '=', runId)
    .orderBy('file_id')
    .execute();
  const isInterrupted = shown.status === 'interrupted';
  return {
    run: shown,
    jobs: jobs
      .map((row) => JOBS.restore(row))
      .map((job) => (isInterrupted && job.status === 'running' ? { ...job, status: shown.status } : job)),
    partitions: partitions.map((row) => PARTITIONS.restore(row)),
    files: files.map((row) => FILES.restore(row)),
  };
}

/** A process of this machine is known to be gone before its heartbeat expires. */
async function checkProcess<Run extends Pick<ShownRunRow, 'status' | 'process'>>(run: Run): Promise<Run> {
  if (run.status !== 'running' || !(await isGone(JSON.parse(run.process)))) return run;
  return { ...run, status: 'interrupted' };
}
