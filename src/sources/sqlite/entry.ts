import type { Engine } from '../engine.js';
import type { SqliteInfo } from './info.js';

/** A file of SQLite. */
export const sqlite: Engine<SqliteInfo> = {
  name: 'sqlite',
  otherNames: ['sqlite3'],
  types: { sqlite: {} },
  authMode: 'filesystem',
  fields: async () => (await import('./auth-fields.js')).sqliteFields,
  address: ({ filepath }) => filepath,
  database: () => undefined,
  runLog: async ({ info }) => (await import('./run-log/dialect.js')).sqliteDialect(info.filepath),
};
