import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { sqliteError } from './errors.js';
import type { SqliteSettings } from './settings.js';

export type SqliteValue = null | number | bigint | string | Uint8Array;

/** A read-only connection to the file. Calls are synchronous, since SQLite has no other API. */
export class SqliteConnection {
  readonly database: DatabaseSyncInstance;
  readonly #iterated = new Set<object>();

  private constructor(database: DatabaseSyncInstance) {
    this.database = database;
  }

  /** @throws LakeportError */
  static async open({ file, timeoutMs, entryId }: SqliteSettings): Promise<SqliteConnection> {
    const { DatabaseSync } = await import('@photostructure/sqlite');
    let database: DatabaseSyncInstance | undefined;
    try {
      database = new DatabaseSync(file, { readOnly: true, timeout: timeoutMs });
      // A view in an untrusted file must not run functions with side effects.
      database.exec('PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
      // This is the first read of the file.
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
      return new SqliteConnection(database);
    } catch (thrown) {
      database?.close();
      throw sqliteError(thrown, { entry: entryId });
    }
  }

  /** Rows of a result, each in the order of the SELECT list; fails for integers that a double cannot hold. */
  query(sql: string, ...values: readonly SqliteValue[]): SqliteValue[][] {
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all(...values) as SqliteValue[][]; // as configured above
  }

  /** Like `query`, with every integer as a bigint. */
  queryExactly(sql: string): SqliteValue[][] {
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    return statement.all() as SqliteValue[][]; // as configured above
  }

  /** One row after the other, with every integer as a bigint. */
  *rowsExactly(sql: string): Generator<SqliteValue[], void, void> {
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    // The driver's iterator does not keep its statement from being collected, and its memory from being used again.
    this.#iterated.add(statement);
    try {
      for (const row of statement.iterate()) yield row as SqliteValue[]; // as configured above
    } finally {
      this.#iterated.delete(statement);
    }
  }

  /** Begins a transaction and reads, so that it shows the current state of the file until it ends. */
  beginReading(): void {
    if (this.database.isTransaction) return;
    this.database.exec('BEGIN');
    this.database.prepare('SELECT count(*) FROM sqlite_schema').get();
  }

  endReading(): void {
    if (this.database.isTransaction) this.database.exec('COMMIT');
  }

  /** Never throws. Ends the transaction first: statements that are not garbage-collected yet keep the file open. */
  close(): void {
    if (!this.database.isOpen) return;
    try {
      this.endReading();
    } catch {
      // A statement in the middle of its rows: its lock goes with it.
    }
    this.database.close();
  }
}
