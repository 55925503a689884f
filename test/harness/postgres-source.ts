import { wholeTable } from '../../src/model/dataset.js';
import type { PostgresFields } from '../../src/sources/postgres/info.js';
import { openSource } from '../../src/engines.js';
import type { TableId } from '../../src/model/table.js';
import type { OpenOptions, ReadColumn, Source, SourceTable } from '../../src/sources/source.js';
import type { PostgresServer } from '../servers/postgres.js';

/** The auth file's entry of a test server. */
export function postgresInfo(server: PostgresServer, overrides: Partial<PostgresFields> = {}): PostgresFields {
  return {
    connectionString: undefined,
    server: server.host,
    port: server.port,
    database: server.database,
    username: server.user,
    password: server.password,
    ssl: 'prefer',
    sslCa: undefined,
    sslCert: undefined,
    sslKey: undefined,
    options: {},
    connectTimeoutMs: 10_000,
    statementTimeoutMs: undefined,
    ...overrides,
  };
}

/** Opens the planning side on a test server. */
export function openPostgres(
  server: PostgresServer,
  overrides: Partial<PostgresFields> = {},
  options: Omit<OpenOptions, 'entryId'> = {},
): Promise<Source> {
  const info = postgresInfo(server, overrides);
  return openSource({ kind: 'database', id: 'ds_pg', engine: 'postgres', info }, options);
}

/** The listed table of this name. */
export async function findTable(source: Source, name: string, schema = 'public'): Promise<SourceTable> {
  const tables = await source.listTables();
  const table = tables.find(({ id }) => id.name === name && id.schema === schema);
  if (!table) throw new Error(`no table ${name} among ${tables.map(({ id }) => id.name).join(', ')}`);
  return table;
}

/** The columns of one table; throws its problem. */
export async function describeTable(
  source: Source,
  table: { readonly id: TableId },
  onUnrepresentable: 'error' | 'null' = 'error',
): Promise<ReadColumn[]> {
  const { id } = table;
  const listed = {
    dataset: wholeTable(id),
    kind: 'table',
    estimatedRows: undefined,
    estimatedBytes: undefined,
    ...table,
  } as const;
  const [answer] = await source.describe([listed], { unboundedNumeric: { as: 'text' }, onUnrepresentable });
  if (!answer) throw new Error('nothing described');
  if ('error' in answer) throw answer.error;
  return answer.columns;
}
