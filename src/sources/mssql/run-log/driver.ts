import { isDate } from 'node:util/types';

import type { Connection, Request } from 'tedious';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';

import { driverConnection, type Tedious } from '../connection/driver-connection.js';
import { problemOfServer } from '../connection/greeting.js';
import type { MssqlSettings } from '../connection/settings.js';

/** A statement that takes longer is canceled and retried later. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Integers beyond it need 64 bits. */
const LARGEST_INT = 2 ** 31 - 1;

/** Lets the query builder talk to SQL Server over one connection, with one request at a time. */
export class SqlServerDriver implements Driver {
  readonly #settings: MssqlSettings;
  #connection: SqlServerConnection | undefined;

  constructor(settings: MssqlSettings) {
    this.#settings = settings;
  }

  async init(): Promise<void> {
    this.#connection = await SqlServerConnection.open(this.#settings);
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#opened());
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  beginTransaction(): Promise<void> {
    return this.#opened().transaction('beginTransaction');
  }

  commitTransaction(): Promise<void> {
    return this.#opened().transaction('commitTransaction');
  }

  /** The server has already rolled back a failed statement; report the original error. */
  async rollbackTransaction(): Promise<void> {
    await this.#opened()
      .transaction('rollbackTransaction')
      .catch(() => undefined);
  }

  destroy(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    return Promise.resolve();
  }

  #opened(): SqlServerConnection {
    if (this.#connection === undefined) throw new TypeError('The driver is not initialised');
    return this.#connection;
  }
}

class SqlServerConnection implements DatabaseConnection {
  readonly #connection: Connection;
  readonly #tedious: Tedious;

  private constructor(connection: Connection, driver: Tedious) {
    this.#connection = connection;
    this.#tedious = driver;
  }

  static async open(settings: MssqlSettings): Promise<SqlServerConnection> {
    const driver = await import('tedious');
    const connection = driverConnection(driver, settings, {
      requestTimeout: settings.statementTimeoutMs ?? REQUEST_TIMEOUT_MS,
      useUTC: true,
      abortTransactionOnError: true,
    });
    try {
      await settled((done) => connection.connect(done));
      const opened = new SqlServerConnection(connection, driver);
      const lockTimeout = Math.round(settings.lockTimeoutMs);
      await opened.#batch(`set deadlock_priority low; set lock_timeout ${lockTimeout}`);
      return opened;
    } catch (error) {
      connection.close();
      throw problemOfServer(connection) ?? error;
    }
  }

  transaction(step: 'beginTransaction' | 'commitTransaction' | 'rollbackTransaction'): Promise<void> {
    return settled((done) => this.#connection[step](done));
  }

  executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return new Promise((resolve, reject) => {
      const rows: Row[] = [];
      const request = new this.#tedious.Request(sql, (error, count) => {
        if (error) reject(error);
        else resolve({ rows, numAffectedRows: BigInt(count ?? 0) });
      });
      request.on('row', (columns: readonly ResultColumn[]) => {
        // The query decides the names.
        rows.push(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])) as Row);
      });
      // The compiler names them @1, @2 …
      for (const [index, value] of parameters.entries()) this.#addParameter(request, String(index + 1), value);
      this.#connection.execSql(request);
    });
  }

  streamQuery(): never {
    throw new TypeError('The run log does not stream rows');
  }

  close(): void {
    this.#connection.close();
  }

  #batch(sql: string): Promise<void> {
    return settled((done) => this.#connection.execSqlBatch(new this.#tedious.Request(sql, done)));
  }

  #addParameter(request: Request, name: string, value: unknown): void {
    const { Int, BigInt, Float, NVarChar } = this.#tedious.TYPES;
    if (typeof value === 'number') {
      const integer = Math.abs(value) <= LARGEST_INT ? Int : BigInt;
      request.addParameter(name, Number.isInteger(value) ? integer : Float, value);
      return;
    }
    // As text: the driver would send a time as `datetime`, which is rounded to about 3 milliseconds.
    request.addParameter(name, NVarChar, isDate(value) ? value.toISOString().slice(0, -1) : value);
  }
}

interface ResultColumn {
  readonly metadata: { readonly colName: string };
  readonly value: unknown;
}

function settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
