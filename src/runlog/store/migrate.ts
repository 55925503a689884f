import { type Kysely, Migrator } from 'kysely';

import { LakeportError } from '../../errors.js';
import type { LogDialect } from '../../sources/run-log-dialect.js';
import { migrationsFor } from '../migrations/index.js';
import type { LogSchema } from '../model/rows.js';
import type { SchemaStatus } from './log-store.js';

const MIGRATIONS = 'lakeport_migrations';
const MIGRATIONS_LOCK = 'lakeport_migrations_lock';

const TABLES = [
  'export_workers',
  'export_files',
  'export_partitions',
  'export_jobs',
  'export_runs',
  'export_watermarks',
  'export_sync_locks',
] as const;
/** What users have entered. */
const USERS_TABLES = ['export_syncs', 'partition_columns'] as const;
const VIEWS = ['lakeport_waiting_slices', 'files', 'jobs', 'runs'] as const;

export interface SchemaContext {
  readonly db: Kysely<LogSchema>;
  readonly dialect: LogDialect;
}

/**
 * Creates the log's schema, or migrates it from any earlier version. Several processes may call this at the same time.
 * @throws LakeportError if a newer version of lakeport created the schema
 */
export async function migrate(context: SchemaContext): Promise<SchemaStatus> {
  const { db, dialect } = context;
  const migrations = migrationsFor(dialect);
  const done = await appliedSteps(context);
  const newer = done.filter((name) => !Object.hasOwn(migrations, name));
  if (newer.length > 0) throw newerVersion(dialect, newer);
  // The migrator reads the whole catalog of the database, which is too slow for every start.
  if (done.length === Object.keys(migrations).length) return 'current';
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName: MIGRATIONS,
    migrationLockTableName: MIGRATIONS_LOCK,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw await nameTaken(context, error);
  return done.length === 0 ? 'created' : 'migrated';
}

/** Drops the log's tables; users' own settings only if asked. */
export async function dropSchema(
  { db, dialect }: SchemaContext,
  { withUsersOwn = false }: { readonly withUsersOwn?: boolean } = {},
): Promise<void> {
  const tables = [...TABLES, ...(withUsersOwn ? USERS_TABLES : []), MIGRATIONS, MIGRATIONS_LOCK];
  const { rows } = await dialect.existing([...VIEWS, ...tables]).execute(db);
  const present = new Set(rows.map(({ name }) => name));
  await db.transaction().execute(async (transaction) => {
    for (const view of VIEWS) if (present.has(view)) await transaction.schema.dropView(view).execute();
    for (const table of tables) {
      if (present.has(table)) await transaction.schema.dropTable(table).execute();
    }
  });
}

/** Deletes all runs and watermarks, and keeps users' own settings. */
export async function emptyTables({ db }: SchemaContext): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    for (const table of TABLES) await transaction.deleteFrom(table).execute();
  });
}

async function appliedSteps({ db, dialect }: SchemaContext): Promise<string[]> {
  const { rows } = await dialect.existing([MIGRATIONS]).execute(db);
  if (rows.length === 0) return [];
  const known = db.withTables<{ [MIGRATIONS]: { readonly name: string } }>();
  const steps = await known.selectFrom(MIGRATIONS).select('name').execute();
  return steps.map(({ name }) => name);
}

function newerVersion(dialect: LogDialect, steps: readonly string[]): LakeportError {
  return new LakeportError({
    code: 'RUN_LOG_NEWER',
    message: `The run log ${dialect.address} was created by a newer version of lakeport`,
    hint: 'Use that version, or another log with --log-db-auth-id.',
    context: { detail: steps.join(', ') },
  });
}

/** In a shared database, names such as `jobs` may be taken. */
async function nameTaken(context: SchemaContext, error: unknown): Promise<unknown> {
  const { db, dialect } = context;
  const ownSteps = await appliedSteps(context);
  const { rows } = await dialect.existing([...TABLES, ...VIEWS]).execute(db);
  if (ownSteps.length > 0 || rows.length === 0) return error;
  return new LakeportError({
    code: 'RUN_LOG_NAME_TAKEN',
    message: `The database ${dialect.address} already has objects named ${rows.map(({ name }) => name).join(', ')} that do not belong to a run log`,
    hint: `Give the log its own database${dialect.ownSchema === undefined ? '' : ` or schema (${dialect.ownSchema} in its entry)`}.`,
    cause: error,
  });
}
