import type { CreateTableBuilder } from 'kysely';

import type { MigrationContext } from './context.js';

/** Runs, their tables, slices and files, and users' own settings for tables. */
export async function createTables(context: MigrationContext): Promise<void> {
  await createRuns(context);
  await createJobs(context);
  await createPartitions(context);
  await createFiles(context);
  await createPartitionColumns(context);
}

async function createRuns({ db, dialect: { types } }: MigrationContext): Promise<void> {
  await db.schema
    .createTable('export_runs')
    .addColumn('run_id', types.id, (column) => column.notNull().primaryKey())
    .addColumn('state', types.id, (column) => column.notNull())
    .addColumn('attempt', types.integer, (column) => column.notNull())
    .addColumn('holder', types.id, (column) => column.notNull())
    .addColumn('process', types.text, (column) => column.notNull())
    .addColumn('tool_version', types.id, (column) => column.notNull())
    .addColumn('env_name', types.name)
    .addColumn('command_line', types.text, (column) => column.notNull())
    .addColumn('settings', types.text, (column) => column.notNull())
    .addColumn('source_db_type', types.id)
    .addColumn('source_server', types.text)
    .addColumn('source_database', types.name)
    .addColumn('target', types.text, (column) => column.notNull())
    .addColumn('consistency', types.id)
    .addColumn('snapshot_id', types.text)
    .addColumn('snapshot_at', types.time)
    .addColumn('started_at', types.time, (column) => column.notNull())
    .addColumn('ended_at', types.time)
    .addColumn('heartbeat_at', types.time, (column) => column.notNull())
    .addColumn('table_count', types.integer)
    .addColumn('completed_tables', types.integer, (column) => column.notNull())
    .addColumn('failed_tables', types.integer, (column) => column.notNull())
    .addColumn('row_count', types.bigint, (column) => column.notNull())
    .addColumn('byte_count', types.bigint, (column) => column.notNull())
    .addColumn('file_count', types.integer, (column) => column.notNull())
    .addColumn('error_class', types.id)
    .addColumn('error_code', types.id)
    .addColumn('error_message', types.text)
    .execute();
  await db.schema.createIndex('export_runs_started_at').on('export_runs').column('started_at').execute();
}

async function createJobs({ db, dialect: { types } }: MigrationContext): Promise<void> {
  const table = db.schema
    .createTable('export_jobs')
    .addColumn('run_id', types.id, (column) => column.notNull())
    .addColumn('job_id', types.integer, (column) => column.notNull())
    .addColumn('source_schema', types.name, (column) => column.notNull())
    .addColumn('source_table', types.name, (column) => column.notNull())
    .addColumn('table_kind', types.id)
    .addColumn('storage_id', types.text)
    .addColumn('directory', types.text)
    .addColumn('path', types.text)
    .addColumn('method', types.id)
    .addColumn('degree', types.integer)
    .addColumn('partition_count', types.integer, (column) => column.notNull())
    .addColumn('estimated_rows', types.bigint)
    .addColumn('estimated_bytes', types.bigint)
    .addColumn('columns', types.text)
    .addColumn('state', types.id, (column) => column.notNull())
    .addColumn('attempts', types.integer, (column) => column.notNull())
    .addColumn('row_count', types.bigint)
    .addColumn('byte_count', types.bigint)
    .addColumn('file_count', types.integer)
    .addColumn('consistency', types.id)
    .addColumn('unrepresentable', types.text)
    .addColumn('started_at', types.time)
    .addColumn('ended_at', types.time)
    .addColumn('error_class', types.id)
    .addColumn('error_code', types.id)
    .addColumn('error_message', types.text)
    .addColumn('error_hint', types.text)
    .addPrimaryKeyConstraint('export_jobs_key', ['run_id', 'job_id']);
  await ofRun(table, 'export_jobs_run').execute();
}

async function createPartitions({ db, dialect: { types } }: MigrationContext): Promise<void> {
  const table = db.schema
    .createTable('export_partitions')
    .addColumn('run_id', types.id, (column) => column.notNull())
    .addColumn('partition_id', types.integer, (column) => column.notNull())
    .addColumn('job_id', types.integer, (column) => column.notNull())
    .addColumn('slice_index', types.integer, (column) => column.notNull())
    .addColumn('method', types.id, (column) => column.notNull())
    .addColumn('bounds', types.text, (column) => column.notNull())
    .addColumn('slice', types.text)
    .addColumn('state', types.id, (column) => column.notNull())
    .addColumn('attempts', types.integer, (column) => column.notNull())
    .addColumn('row_count', types.bigint)
    .addColumn('byte_count', types.bigint)
    .addColumn('staged', types.text)
    .addColumn('started_at', types.time)
    .addColumn('ended_at', types.time)
    .addColumn('error_code', types.id)
    .addColumn('error_message', types.text)
    .addPrimaryKeyConstraint('export_partitions_key', ['run_id', 'partition_id']);
  await ofRun(table, 'export_partitions_run').execute();
}

async function createFiles({ db, dialect: { types } }: MigrationContext): Promise<void> {
  const table = db.schema
    .createTable('export_files')
    .addColumn('run_id', types.id, (column) => column.notNull())
    .addColumn('file_id', types.integer, (column) => column.notNull())
    .addColumn('job_id', types.integer, (column) => column.notNull())
    .addColumn('slice_index', types.integer, (column) => column.notNull())
    .addColumn('storage_id', types.text, (column) => column.notNull())
    .addColumn('object_path', types.text, (column) => column.notNull())
    .addColumn('path', types.text, (column) => column.notNull())
    .addColumn('row_count', types.bigint, (column) => column.notNull())
    .addColumn('byte_count', types.bigint, (column) => column.notNull())
    .addColumn('sha256', types.id, (column) => column.notNull())
    .addColumn('row_groups', types.integer, (column) => column.notNull())
    .addColumn('published_at', types.time, (column) => column.notNull())
    .addPrimaryKeyConstraint('export_files_key', ['run_id', 'file_id']);
  await ofRun(table, 'export_files_run').execute();
}

/** Deleting a run deletes everything that belongs to it. */
function ofRun<Table extends string>(table: CreateTableBuilder<Table, 'run_id'>, constraint: string) {
  return table.addForeignKeyConstraint(constraint, ['run_id'], 'export_runs', ['run_id'], (key) =>
    key.onDelete('cascade'),
  );
}

/** Contains what users have entered, so it stays when the log is recreated. */
async function createPartitionColumns({ db, dialect }: MigrationContext): Promise<void> {
  const { rows } = await dialect.existing(['partition_columns']).execute(db);
  if (rows.length > 0) return;
  const { types } = dialect;
  await db.schema
    .createTable('partition_columns')
    .addColumn('source_db_type', types.id)
    .addColumn('source_database', types.name)
    .addColumn('source_schema', types.name)
    .addColumn('source_table', types.name, (column) => column.notNull())
    .addColumn('fastbcp_method', types.id)
    .addColumn('fastbcp_parallel_degree', types.integer)
    .addColumn('fastbcp_distribution_key', types.text)
    .addColumn('env_name', types.name)
    .execute();
}
