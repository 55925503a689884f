import type { Kysely } from 'kysely';
import type { LogDialect } from '../../sources/run-log-dialect.js';

/** What a migration is given: the database, and what is particular about it. */
export interface MigrationContext {
  readonly db: Kysely<unknown>;
  readonly dialect: LogDialect;
}
