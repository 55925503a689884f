import type { Kysely } from 'kysely';
import type { LogDialect } from '../../sources/run-log-dialect.js';

/** What a migration gets: the database and its dialect. */
export interface MigrationContext {
  readonly db: Kysely<unknown>;
  readonly dialect: LogDialect;
}
