import type { Engine } from '../engine.js';
import { databaseOfEntry, serverAddress } from '../server-address.js';
import type { PostgresInfo } from './info.js';
import { POSTGRES_METHODS } from './methods.js';
import type { PostgresSettings } from './connection/settings.js';

/** PostgreSQL 12 and later. */
export const postgres: Engine<PostgresInfo, PostgresSettings> = {
  name: 'postgres',
  otherNames: ['postgresql', 'pg'],
  types: { postgres: {} },
  authMode: 'classic',
  secretVariables: ['PGPASSWORD'],
  fields: async () => (await import('./auth-fields.js')).postgresFields,
  address: serverAddress,
  database: databaseOfEntry,
  source: {
    methods: POSTGRES_METHODS,
    // A session sends a million rows of lineitem a second; a reader takes half as long to write them.
    readersPerThread: 2,
    async open(info, options) {
      const [{ postgresSettings }, { openPostgresSource }] = await Promise.all([
        import('./connection/settings.js'),
        import('./source.js'),
      ]);
      return openPostgresSource(await postgresSettings(info, options), options);
    },
    openReader: async (settings, snapshot, memory) =>
      (await import('./reader.js')).openPostgresReader(settings, snapshot, memory),
    keepSnapshot: async (settings, snapshot) =>
      (await import('./locking/keeper.js')).keepPostgresSnapshot(settings, snapshot),
  },
  runLog: async (entry) => (await import('./run-log/dialect.js')).postgresDialect(entry),
};
