import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';

import type { MssqlFields } from '../../src/sources/mssql/info.js';
import type { LogDatabase } from './log-databases.js';
import type { WireColumn, WireValue } from './tds/result-set.js';
import { startTdsServer, type TdsServer } from './tds/server.js';
import type { TdsAnswer, TdsQuery } from './tds/session.js';
import { TdsError } from './tds/tokens.js';

/**
 * A run log behind the wire of SQL Server: the driver, its types, parameters and transactions are the real ones; the
 * statements are run by SQLite after the few words were replaced that only SQL Server knows. What no test can show this way
 * is SQL Server's own opinion of them, and that a transaction is rolled back.
 */
export interface SqlServerLog extends LogDatabase {
  readonly server: TdsServer;
}

export async function sqlServerLog(): Promise<SqlServerLog> {
  const database = new DatabaseSync(':memory:');
  const run = (sql: string, parameters: readonly WireValue[] = []) => {
    const statement = database.prepare(toSqlite(sql));
    if (statement.columns().length === 0) return { count: statement.run(...parameters).changes, rows: [] };
    const rows = statement.all(...parameters) as Record<string, WireValue>[];
    return { count: rows.length, rows, names: statement.columns().map((column) => column.name) };
  };
  const lock = new Turns();
  const handler = async ({ sql, parameters }: TdsQuery): Promise<TdsAnswer> => {
    if (/^\s*set /i.test(sql)) return undefined;
    if (/^\s*exec sp_getapplock /i.test(sql)) return lock.take();
    if (/^\s*exec sp_releaseapplock /i.test(sql)) {
      lock.give();
      return undefined;
    }
    if (sql.includes('"sys"."tables"')) return tablesOfSys(database);
    try {
      const { count, rows, names } = run(sql, [...parameters.values()].map(asBound));
      return names === undefined ? { rowsAffected: count } : resultSet(names, rows);
    } catch (error) {
      throw new TdsError(50_000, error instanceof Error ? `${error.message} in ${sql}` : String(error));
    }
  };
  const server = await startTdsServer({ handler });
  const info: MssqlFields = {
    connectionString: undefined,
    server: server.host,
    instance: undefined,
    port: server.port,
    database: 'logs',
    username: server.user,
    password: server.password,
    domain: undefined,
    encrypt: false,
    trustServerCertificate: true,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: undefined,
  };
  return {
    server,
    target: { kind: 'database', id: 'log', engine: 'mssql', info },
    query: (sql) => Promise.resolve(run(sql).rows.map((row) => ({ ...row }))),
    remove: async () => {
      await server.stop();
      database.close();
    },
  };
}

/** The one lock that the log takes: for one session after the other. */
class Turns {
  #last: Promise<void> = Promise.resolve();
  #end: () => void = () => undefined;

  async take(): Promise<undefined> {
    const before = this.#last;
    let end: () => void = () => undefined;
    this.#last = new Promise((resolve) => (end = resolve));
    await before;
    this.#end = end;
  }

  give(): void {
    this.#end();
  }
}

const NOW = `strftime('%Y-%m-%d %H:%M:%f', 'now')`;

/** SQL Server's words by SQLite's. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bnvarchar\((max|\d+)\)/gi, 'text'],
  [/\bdatetime2\(\d\)/gi, 'text'],
  [/dateadd\(second, (-\d+), sysutcdatetime\(\)\)/gi, `strftime('%Y-%m-%d %H:%M:%f', 'now', '$1 seconds')`],
  [/sysutcdatetime\(\)/gi, NOW],
  [/cast\(("[\w".]+) as datetime\)/gi, '$1'],
  [
    /datediff_big\(millisecond, ("[\w".]+), ("[\w".]+)\) \/ cast\(1000 as float\)/gi,
    '(round((julianday($2) - julianday($1)) * 86400, 3))',
  ],
  [/^select top\((\d+)\) (.*)$/is, 'select $2 limit $1'],
  [
    /^select names\.name from \(values (.*)\)\s+as names \(name\) where .*$/is,
    'select name from sqlite_master where (name) in ($1)',
  ],
  [/@(\d+)\b/g, '?$1'],
];

function toSqlite(sql: string): string {
  return WORDS.reduce((text, [from, to]) => text.replace(from, to), sql);
}

/** Times are kept as SQLite's functions take them. */
function asBound(value: TdsQuery['parameters'] extends ReadonlyMap<string, infer Value> ? Value : never) {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/.test(value))
    return value.replace('T', ' ');
  return value;
}

function resultSet(names: readonly string[], rows: readonly Record<string, WireValue>[]) {
  return {
    columns: names.map((name) => ({ name, type: typeOf(name, rows) })),
    rows: rows.map((row) => names.map((name) => row[name] ?? null)),
  };
}

function typeOf(name: string, rows: readonly Record<string, WireValue>[]): WireColumn['type'] {
  if (name.endsWith('_at')) return 'datetime2(3)';
  const value = rows.map((row) => row[name]).find((one) => one !== null && one !== undefined);
  return typeof value === 'number' ? (Number.isInteger(value) ? 'bigint' : 'float') : 'nvarchar(max)';
}

/** What the query builder's migrator asks of the catalog: which tables there are. */
function tablesOfSys(database: DatabaseSyncInstance): TdsAnswer {
  const names = ['table_name', 'table_type', 'table_schema_name', 'column_name'];
  const found = database.prepare(`select name, type from sqlite_master where type in ('table', 'view')`).all();
  const rows = (found as { name: string; type: string }[]).map(({ name, type }) => ({
    table_name: name,
    table_type: type === 'view' ? 'V ' : 'U ',
    table_schema_name: 'dbo',
    column_name: 'any',
  }));
  return resultSet(names, rows);
}
