import type { PostgresInfo } from '../../auth/entries.js';
import type { SourceEngine } from '../source.js';

/** PostgreSQL 12 and later. What needs the driver is loaded when a connection is wanted. */
export const postgres: SourceEngine = {
  async open(connection, options) {
    const [{ postgresSettings }, { openPostgresSource }] = await Promise.all([
      import('./settings.js'),
      import('./source.js'),
    ]);
    // The auth file's schema has validated it.
    const settings = await postgresSettings(connection as PostgresInfo, options);
    return openPostgresSource(settings, options);
  },

  async openReader(settings, snapshot) {
    const { openPostgresReader } = await import('./reader.js');
    return openPostgresReader(settings, snapshot);
  },
};
