import type { PostgresEntry } from '../src/sources/postgres/info.js';

/** The server of a `postgres://` address as an entry of the auth file would name it. */
export function databaseEntry(url: string): PostgresEntry {
  return {
    kind: 'database',
    id: 'bench',
    engine: 'postgres',
    info: { connectionString: url, options: {}, connectTimeoutMs: 30_000, statementTimeoutMs: undefined },
  };
}
