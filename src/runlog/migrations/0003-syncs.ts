import { createRunsView } from './0002-views.js';
import type { MigrationContext } from './context.js';

/** Stored syncs, their locks, and the watermarks of tables that are synced incrementally. */
export async function addSyncs(context: MigrationContext): Promise<void> {
  const { db, dialect } = context;
  const { types } = dialect;
  await db.schema.alterTable('export_runs').addColumn('sync_id', types.id).execute();
  await db.schema.alterTable('export_jobs').addColumn('sync', types.text).execute();
  await db.schema.createIndex('export_runs_sync').on('export_runs').column('sync_id').execute();
  await createWatermarks(context);
  await createSyncs(context);
  await createLocks(context);
  await db.schema.dropView('runs').execute();
  // This step selects only columns that it and the previous steps created.
  await createRunsView(db, dialect, { further: ['sync_id'] });
}

/** Without a key to runs: a watermark outlives the record of its run. */
async function createWatermarks({ db, dialect: { types } }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('export_watermarks')
    .addColumn('run_id', types.id, (column) => column.notNull())
    .addColumn('job_id', types.integer, (column) => column.notNull())
    .addColumn('sync_id', types.id)
    .addColumn('source_db_type', types.id)
    .addColumn('source_server', types.text)
    .addColumn('source_database', types.name)
    .addColumn('source_schema', types.name, (column) => column.notNull())
    .addColumn('source_table', types.name, (column) => column.notNull())
    .addColumn('storage_id', types.text, (column) => column.notNull())
    .addColumn('path', types.text, (column) => column.notNull())
    .addColumn('place', types.text, (column) => column.notNull())
    .addColumn('sync_number', types.integer, (column) => column.notNull())
    .addColumn('kind', types.id, (column) => column.notNull())
    .addColumn('cursor_type', types.id, (column) => column.notNull())
    .addColumn('cursor_column', types.text)
    .addColumn('watermark', types.text)
    .addColumn('lower_bound', types.text)
    .addColumn('upper_bound', types.text)
    .addColumn('row_count', types.bigint, (column) => column.notNull())
    .addColumn('behind_seconds', types.bigint)
    .addColumn('snapshot_at', types.time)
    .addColumn('recorded_at', types.time, (column) => column.notNull())
    .addPrimaryKeyConstraint('export_watermarks_key', ['run_id', 'job_id'])
    .execute();
  await db.schema.createIndex('export_watermarks_sync').on('export_watermarks').column('sync_id').execute();
  await db.schema.createIndex('export_watermarks_table').on('export_watermarks').column('source_table').execute();
}

/** Contains what users have entered, so it stays when the log is recreated. */
async function createSyncs({ db, dialect }: MigrationContext): Promise<void> {
  const { rows } = await dialect.existing(['export_syncs']).execute(db);
  if (rows.length > 0) return;
  const { types } = dialect;
  await db.schema
    .createTable('export_syncs')
    .addColumn('sync_id', types.id, (column) => column.notNull().primaryKey())
    .addColumn('env_name', types.name)
    .addColumn('command_line', types.text, (column) => column.notNull())
    .addColumn('settings', types.text, (column) => column.notNull())
    .addColumn('created_at', types.time, (column) => column.notNull())
    .addColumn('updated_at', types.time, (column) => column.notNull())
    .execute();
}

async function createLocks({ db, dialect: { types } }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('export_sync_locks')
    .addColumn('sync_id', types.id, (column) => column.notNull().primaryKey())
    .addColumn('run_id', types.id, (column) => column.notNull())
    .addColumn('holder', types.id, (column) => column.notNull())
    .addColumn('host', types.name, (column) => column.notNull())
    .addColumn('process', types.text, (column) => column.notNull())
    .addColumn('locked_at', types.time, (column) => column.notNull())
    .addColumn('heartbeat_at', types.time, (column) => column.notNull())
    .execute();
}
