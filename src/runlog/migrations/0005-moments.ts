import type { MigrationContext } from './context.js';

/** What a process of a run holds in the source, and the snapshot that a table's rows are of: for attempts that go on in it. */
export async function addMoments({ db, dialect: { types } }: MigrationContext): Promise<void> {
  await db.schema.alterTable('export_workers').addColumn('snapshot', types.text).execute();
  await db.schema.alterTable('export_jobs').addColumn('moment', types.id).execute();
}
