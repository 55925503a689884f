import type { Engine } from '../engine.js';
import { SQLITE_METHODS } from './methods.js';
import type { SqliteInfo } from './info.js';
import { SQLITE_OPTIONS } from './options.js';
import type { SqliteSettings } from './settings.js';

/** An SQLite 3 file. */
export const sqlite: Engine<SqliteInfo, SqliteSettings> = {
  name: 'sqlite',
  otherNames: ['sqlite3'],
  types: { sqlite: {} },
  authMode: 'filesystem',
  fields: async () => (await import('./auth-fields.js')).sqliteFields,
  address: ({ filepath }) => filepath,
  database: () => undefined,
  options: SQLITE_OPTIONS,
  source: {
    methods: SQLITE_METHODS,
    async open(info, options) {
      const [{ sqliteSettings }, { openSqliteSource }] = await Promise.all([
        import('./settings.js'),
        import('./source.js'),
      ]);
      return openSqliteSource(sqliteSettings(info, options));
    },
    openReader: async (settings, snapshot) => (await import('./reader.js')).openSqliteReader(settings, snapshot),
  },
  runLog: async ({ info }) => (await import('./run-log/dialect.js')).sqliteDialect(info.filepath),
};
