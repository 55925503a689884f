import { sql, type Expression, type Kysely, type RawBuilder } from 'kysely';

import type { LogDialect } from '../../sources/run-log-dialect.js';
import { SILENCE_SECONDS } from '../heartbeat.js';
import type { ShownState } from '../model/run-outcome.js';
import type { LogSchema } from '../model/rows.js';
import type { MigrationContext } from './context.js';

/**
 * The views `runs`, `jobs` and `files`, with the columns that queries in LakeXpress's documentation use. Work in progress in a
 * dead process is shown as `interrupted`.
 */
export async function createViews({ db, dialect }: MigrationContext): Promise<void> {
  // This step selects only columns that the previous step created.
  const log = db as Kysely<LogSchema>;
  await createRunsView(log, dialect);
  await createJobsView(log, dialect);
  await createFilesView(log, dialect);
}

/** @param options.further columns of runs that later steps have added */
export async function createRunsView(
  db: Kysely<LogSchema>,
  dialect: LogDialect,
  { further = [] }: { readonly further?: readonly 'sync_id'[] } = {},
): Promise<void> {
  const rows = db
    .selectFrom('export_runs')
    .select(['run_id', 'source_db_type', 'source_server', 'source_database', 'env_name'])
    .select(shownState(sql.ref('state'), dialect).as('status'))
    .select([
      dialect.shownTime(sql.ref('started_at')).as('started_at'),
      dialect.shownTime(sql.ref('ended_at')).as('finished_at'),
      dialect.secondsBetween(sql.ref('started_at'), sql.ref('ended_at')).as('duration_seconds'),
    ])
    .select(['table_count', 'completed_tables', 'failed_tables', 'row_count', 'byte_count', 'file_count'])
    .select(['consistency', 'target', 'attempt', 'tool_version', 'error_code', 'error_message'])
    .select(further);
  await db.schema.createView('runs').as(rows).execute();
}

async function createJobsView(db: Kysely<LogSchema>, dialect: LogDialect): Promise<void> {
  const rows = db
    .selectFrom('export_jobs as job')
    .innerJoin('export_runs as run', 'run.run_id', 'job.run_id')
    .select(['job.run_id', 'job.job_id', 'run.source_database', 'job.source_schema', 'job.source_table'])
    .select(shownState(sql.ref('job.state'), dialect).as('status'))
    .select([
      dialect.shownTime(sql.ref('job.started_at')).as('started_at'),
      dialect.shownTime(sql.ref('job.ended_at')).as('finished_at'),
      dialect.secondsBetween(sql.ref('job.started_at'), sql.ref('job.ended_at')).as('duration_seconds'),
    ])
    .select(['job.row_count', 'job.byte_count', 'job.file_count', 'job.estimated_rows', 'job.method', 'job.degree'])
    .select(sql<string>`coalesce(${sql.ref('job.consistency')}, ${sql.ref('run.consistency')})`.as('consistency'))
    .select(['job.attempts', 'job.path', 'job.error_class', 'job.error_code', 'job.error_message']);
  await db.schema.createView('jobs').as(rows).execute();
}

async function createFilesView(db: Kysely<LogSchema>, dialect: LogDialect): Promise<void> {
  const rows = db
    .selectFrom('export_files as file')
    .innerJoin('export_jobs as job', (join) =>
      join.onRef('job.run_id', '=', 'file.run_id').onRef('job.job_id', '=', 'file.job_id'),
    )
    .select(['file.run_id', 'file.job_id', 'file.file_id', 'job.source_schema', 'job.source_table'])
    .select(sql<string>`'completed'`.as('status'))
    .select([
      dialect.shownTime(sql.ref('job.started_at')).as('started_at'),
      dialect.shownTime(sql.ref('file.published_at')).as('finished_at'),
    ])
    .select(['file.path', 'file.row_count', 'file.byte_count', 'file.sha256', 'file.row_groups', 'job.error_message']);
  await db.schema.createView('files').as(rows).execute();
}

function shownState(state: Expression<unknown>, dialect: LogDialect): RawBuilder<ShownState> {
  const silent = sql`heartbeat_at < ${dialect.secondsAgo(SILENCE_SECONDS)}`;
  return sql`case when ${state} = 'running' and ${silent} then 'interrupted' else ${state} end`;
}
