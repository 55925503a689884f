import { openMssqlSource } from '../../../src/sources/mssql/source.js';
import type { MssqlSettings } from '../../../src/sources/mssql/connection/settings.js';
import type { ReadColumn, Source, SourceTable } from '../../../src/sources/source.js';
import { settingsOf } from './read-table.js';
import { startTdsServer, type TdsServer } from './server.js';
import { TestDatabase } from './test-database.js';
import type { Quirks, TestTable } from './test-tables.js';

/** A test's database behind a server, with the planning side connected to it. */
export interface OpenDatabase extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly server: TdsServer;
  readonly source: Source;
}

export async function openDatabase(
  tables: readonly TestTable[],
  quirks: Quirks = {},
  settings: Partial<MssqlSettings> = {},
): Promise<OpenDatabase> {
  const database = await TestDatabase.create(tables, quirks);
  const server = await startTdsServer({ handler: database.handler });
  const source = await openMssqlSource(settingsOf(server, settings), {});
  return {
    database,
    server,
    source,
    async [Symbol.asyncDispose]() {
      await source.close();
      await server.stop();
      database.close();
      if (server.failures.length > 0)
        throw new Error(`the test server failed: ${server.failures.map(String).join('; ')}`);
    },
  };
}

/** A table with its columns; throws where it cannot be described. */
export async function describeTable(
  source: Source,
  name: string,
): Promise<{ readonly table: SourceTable; readonly columns: readonly ReadColumn[] }> {
  const table = (await source.listTables()).find(({ id }) => id.name === name);
  if (table === undefined) throw new Error(`no table ${name}`);
  const [described] = await source.describe([table], { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' });
  if (described === undefined || 'error' in described) throw described?.error ?? new Error('nothing described');
  return { table, columns: described.columns };
}
