import { sql } from 'kysely';

import { SILENCE_SECONDS } from '../heartbeat.js';
import type { MigrationContext } from './context.js';

/** Processes that read the slices of a run on other machines, and how many slices wait for them. */
export async function addWorkers(context: MigrationContext): Promise<void> {
  await createWorkers(context);
  // Elsewhere no slice ever waits for another process.
  if (context.dialect.openQueue !== undefined) await createWaitingSlices(context);
}

async function createWorkers({ db, dialect: { types } }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('export_workers')
    .addColumn('run_id', types.id, (column) => column.notNull())
    .addColumn('worker_id', types.id, (column) => column.notNull())
    .addColumn('role', types.id, (column) => column.notNull())
    .addColumn('name', types.name, (column) => column.notNull())
    .addColumn('host', types.name, (column) => column.notNull())
    .addColumn('process_id', types.integer, (column) => column.notNull())
    .addColumn('slots', types.integer, (column) => column.notNull())
    .addColumn('slices', types.text, (column) => column.notNull())
    .addColumn('slices_read', types.integer, (column) => column.notNull())
    .addColumn('row_count', types.bigint, (column) => column.notNull())
    .addColumn('joined_at', types.time, (column) => column.notNull())
    .addColumn('heartbeat_at', types.time, (column) => column.notNull())
    .addColumn('left_at', types.time)
    .addPrimaryKeyConstraint('export_workers_key', ['run_id', 'worker_id'])
    .addForeignKeyConstraint('export_workers_run', ['run_id'], 'export_runs', ['run_id'], (key) =>
      key.onDelete('cascade'),
    )
    .execute();
}

/**
 * For autoscalers: a row for each slice that nobody reads yet, of runs whose slices other processes read. A table in one
 * piece has no partition before it is read.
 */
async function createWaitingSlices({ db, dialect }: MigrationContext): Promise<void> {
  await sql`create view lakeport_waiting_slices as
    select job.run_id, job.source_schema, job.source_table, coalesce(part.slice_index, 0) as slice_index
      from export_jobs as job
      join export_runs as run on run.run_id = job.run_id
      left join export_partitions as part on part.run_id = job.run_id and part.job_id = job.job_id
     where run.state = 'running' and run.heartbeat_at >= ${dialect.secondsAgo(SILENCE_SECONDS)}
       and job.state in ('pending', 'running')
       and case when part.run_id is null then job.partition_count = 1 and job.state = 'pending'
                else part.state = 'pending' end
       and exists (select 1 from export_workers as worker
                    where worker.run_id = job.run_id and worker.role = 'coordinator' and worker.left_at is null)`.execute(
    db,
  );
}
