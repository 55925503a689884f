import type { RunLogTarget } from '../target.js';
import type { LogDialect } from './dialect.js';

/** One line a database, whose driver is loaded when it is needed. @throws LakeportError where its settings are wrong */
export async function openDialect(target: RunLogTarget): Promise<LogDialect> {
  switch (target.engine) {
    case 'sqlite':
      return (await import('./sqlite.js')).sqliteDialect(target.info.filepath);
    case 'postgres':
      return (await import('./postgres.js')).postgresDialect(target);
    case 'mssql':
      return (await import('./mssql.js')).mssqlDialect(target);
  }
}
