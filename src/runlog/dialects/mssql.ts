import type mssql from 'mssql';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  MssqlAdapter,
  MssqlIntrospector,
  MssqlQueryCompiler,
  type QueryResult,
  sql,
} from 'kysely';

import type { MssqlEntry, MssqlInfo } from '../../auth/entries.js';
import type { LogDialect, Trouble } from './dialect.js';
import { mssqlAddress, mssqlConfiguration } from './mssql-configuration.js';

/** A run log in a database of SQL Server. */
export function mssqlDialect(entry: MssqlEntry): LogDialect {
  return {
    kysely: new SqlServer(entry.info),
    address: mssqlAddress(entry.info),
    types: {
      id: sql`nvarchar(64)`,
      name: sql`nvarchar(256)`,
      text: sql`nvarchar(max)`,
      time: sql`datetime2(3)`,
      integer: sql`int`,
      bigint: sql`bigint`,
    },
    limitsByTop: true,
    now: sql`sysutcdatetime()`,
    secondsAgo: (seconds) => sql`dateadd(second, ${sql.lit(-seconds)}, sysutcdatetime())`,
    // The older type is the only one whose values can be subtracted: `finished_at - started_at`.
    shownTime: (column) => sql`cast(${column} as datetime)`,
    secondsBetween: (from, to) => sql`datediff_big(millisecond, ${from}, ${to}) / cast(1000 as float)`,
    existing: (names) => sql`select names.name from (values ${sql.join(names.map((name) => sql`(${name})`))})
      as names (name) where object_id(names.name) is not null`,
    isCurrent: () => true,
    explain,
  };
}

class SqlServer implements Dialect {
  readonly #info: MssqlInfo;

  constructor(info: MssqlInfo) {
    this.#info = info;
  }

  createAdapter() {
    return new SqlServerAdapter();
  }

  createDriver() {
    return new SqlServerDriver(this.#info);
  }

  createIntrospector(db: Kysely<unknown>) {
    return new MssqlIntrospector(db);
  }

  createQueryCompiler() {
    return new MssqlQueryCompiler();
  }
}

/** Every user is in the role `public`; the one that the query builder takes needs an owner of the database. */
class SqlServerAdapter extends MssqlAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    await sql`exec sp_getapplock @Resource = 'lakeport_migrations', @LockMode = 'Exclusive',
      @LockOwner = 'Session', @DbPrincipal = 'public', @LockTimeout = 60000`.execute(db);
  }

  override async releaseMigrationLock(db: Kysely<unknown>): Promise<void> {
    await sql`exec sp_releaseapplock @Resource = 'lakeport_migrations', @LockOwner = 'Session',
      @DbPrincipal = 'public'`.execute(db);
  }
}

/** One connection, from a pool of the `mssql` package that holds no more. Asked for one at a time. */
class SqlServerDriver implements Driver {
  readonly #info: MssqlInfo;
  #pool: mssql.ConnectionPool | undefined;
  #connection: SqlServerConnection | undefined;

  constructor(info: MssqlInfo) {
    this.#info = info;
  }

  async init(): Promise<void> {
    const { default: driver } = await import('mssql');
    this.#pool = new driver.ConnectionPool(mssqlConfiguration(this.#info, driver));
    // Without a listener, a connection lost while idle would end the process.
    this.#pool.on('error', () => undefined);
    await this.#pool.connect();
    this.#connection = new SqlServerConnection(this.#pool);
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#opened());
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  beginTransaction(): Promise<void> {
    return this.#opened().begin();
  }

  commitTransaction(): Promise<void> {
    return this.#opened().commit();
  }

  rollbackTransaction(): Promise<void> {
    return this.#opened().rollback();
  }

  async destroy(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
  }

  #opened(): SqlServerConnection {
    if (this.#connection === undefined) throw new TypeError('the driver was not initialised');
    return this.#connection;
  }
}

class SqlServerConnection implements DatabaseConnection {
  readonly #pool: mssql.ConnectionPool;
  #transaction: mssql.Transaction | undefined;

  constructor(pool: mssql.ConnectionPool) {
    this.#pool = pool;
  }

  async begin(): Promise<void> {
    const transaction = this.#pool.transaction();
    await transaction.begin();
    this.#transaction = transaction;
  }

  async commit(): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    await transaction?.commit();
  }

  async rollback(): Promise<void> {
    const transaction = this.#transaction;
    this.#transaction = undefined;
    // The server has rolled back already where an error was serious.
    await transaction?.rollback().catch(() => undefined);
  }

  async executeQuery<Row>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const request = (this.#transaction ?? this.#pool).request();
    // The compiler names them @1, @2 …
    for (const [index, value] of parameters.entries()) request.input(String(index + 1), bound(value));
    const { recordset, rowsAffected } = await request.query<Row>(text);
    // The driver's type promises a record set even for statements that have none.
    const rows = (recordset as Row[] | undefined) ?? [];
    return { rows, numAffectedRows: BigInt(rowsAffected.reduce((sum, count) => sum + count, 0)) };
  }

  streamQuery(): never {
    throw new TypeError('the run log reads nothing row by row');
  }
}

/** The driver would send a time as `datetime`, in steps of 3 milliseconds. */
function bound(value: unknown): unknown {
  return value instanceof Date ? value.toISOString().slice(0, -1) : value;
}

/** By the server's error numbers. */
const TROUBLES: Readonly<Record<number, Omit<Trouble, 'detail' | 'reason'>>> = {
  262: { code: 'RUN_LOG_PERMISSION_DENIED', hint: 'Grant CREATE TABLE and CREATE VIEW in the log database.' },
  229: { code: 'RUN_LOG_PERMISSION_DENIED', hint: 'Make the user a db_datareader and db_datawriter of the database.' },
  2760: { code: 'RUN_LOG_PERMISSION_DENIED', hint: 'Grant ALTER on the default schema of this user.' },
  1105: { code: 'RUN_LOG_FULL', hint: 'Free some space in the log database.' },
  9002: { code: 'RUN_LOG_FULL', hint: 'The transaction log of the log database is full.' },
  3906: { code: 'RUN_LOG_NOT_WRITABLE', hint: 'The log needs a database that can be written to.' },
  4060: { code: 'RUN_LOG_UNREACHABLE', hint: 'Correct "database" of the entry.' },
  18456: { code: 'RUN_LOG_UNREACHABLE', hint: 'Correct "username" and "password" of the entry.' },
};

/** By the driver's codes: all of them mean that there is no connection. */
const UNREACHABLE = new Set(['ESOCKET', 'ETIMEOUT', 'ECONNCLOSED', 'ENOTOPEN', 'ELOGIN', 'EINSTLOOKUP', 'ECONNRESET']);

function explain(thrown: unknown): Trouble {
  if (!(thrown instanceof Error)) return { code: 'RUN_LOG_FAILED', reason: String(thrown) };
  const number = 'number' in thrown && typeof thrown.number === 'number' ? thrown.number : undefined;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  const known = number === undefined ? undefined : TROUBLES[number];
  return {
    code: code !== undefined && UNREACHABLE.has(code) ? 'RUN_LOG_UNREACHABLE' : 'RUN_LOG_FAILED',
    reason: thrown.message,
    detail: number === undefined ? code : `error ${number}`,
    ...known,
  };
}
