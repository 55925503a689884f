import type { Kysely, Migration } from 'kysely';

import type { LogDialect } from '../../sources/run-log-dialect.js';
import { createTables } from './0001-tables.js';
import { createViews } from './0002-views.js';
import { addSyncs } from './0003-syncs.js';
import { addWorkers } from './0004-workers.js';
import { addMoments } from './0005-moments.js';
import type { MigrationContext } from './context.js';

/**
 * The steps of the log's schema, in order; each builds on the previous one. A released step is never changed: a later step
 * corrects its mistakes.
 */
const STEPS: Readonly<Record<string, (context: MigrationContext) => Promise<void>>> = {
  '0001-tables': createTables,
  '0002-views': createViews,
  '0003-syncs': addSyncs,
  '0004-workers': addWorkers,
  '0005-moments': addMoments,
};

/** The steps in the form of the query builder's migrator. */
export function migrationsFor(dialect: LogDialect): Record<string, Migration> {
  const migrations = Object.entries(STEPS).map(([name, step]): [string, Migration] => [
    name,
    // Like the migrator's own type, a step must assume nothing about the schema.
    { up: (db: Kysely<unknown>) => step({ db, dialect }) },
  ]);
  return Object.fromEntries(migrations);
}
