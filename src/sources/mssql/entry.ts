import type { Engine } from '../engine.js';
import { databaseOfEntry, serverAddress } from '../server-address.js';
import type { MssqlInfo } from './info.js';
import { MSSQL_METHODS } from './methods.js';
import type { MssqlSettings } from './connection/settings.js';

/** SQL Server 2012 and later, and servers that speak its protocol. */
export const mssql: Engine<MssqlInfo, MssqlSettings> = {
  name: 'mssql',
  otherNames: ['sqlserver', 'sql server'],
  types: { mssql: {} },
  authMode: 'classic',
  fields: async () => (await import('./auth-fields.js')).mssqlFields,
  address: serverAddress,
  database: databaseOfEntry,
  // Servers before 2019 have no UTF-8.
  hashesTextAs: 'utf-16le',
  source: {
    methods: MSSQL_METHODS,
    async open(info, options) {
      const [{ mssqlSettings }, { openMssqlSource }] = await Promise.all([
        import('./connection/settings.js'),
        import('./source.js'),
      ]);
      return openMssqlSource(await mssqlSettings(info, options), options);
    },
    openReader: async (settings, snapshot) => (await import('./reader.js')).openMssqlReader(settings, snapshot),
  },
  runLog: async (entry) => (await import('./run-log/dialect.js')).mssqlDialect(entry),
};
