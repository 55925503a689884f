import type { Kysely, Migration } from 'kysely';

import type { LogDialect } from '../../sources/run-log-dialect.js';
import { createTables } from './0001-tables.js';
import { createViews } from './0002-views.js';
import type { MigrationContext } from './context.js';

/**
 * Every version of the log's schema, by name and in order; each step leads from the one before it. A step that has been
 * released is never changed again: what it got wrong is put right by a later one.
 */
const STEPS: Readonly<Record<string, (context: MigrationContext) => Promise<void>>> = {
  '0001-tables': createTables,
  '0002-views': createViews,
};

/** The steps as the query builder's migrator takes them. */
export function migrationsFor(dialect: LogDialect): Record<string, Migration> {
  const migrations = Object.entries(STEPS).map(([name, step]): [string, Migration] => [
    name,
    // The migrator's own type promises nothing about the schema, and neither may a step.
    { up: (db: Kysely<unknown>) => step({ db, dialect }) },
  ]);
  return Object.fromEntries(migrations);
}
