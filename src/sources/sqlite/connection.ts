import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { sqliteError } from './errors.js';
import type { SqliteSettings } from './settings.js';

export type SqliteValue = null | number | bigint | string | Uint8Array;

/** One connection to the file, for reading only. Calls take as long as SQLite does: it has no other way of answering. */
export class SqliteConnection {
  readonly database: DatabaseSyncInstance;

  private constructor(database: DatabaseSyncInstance) {
    this.database = database;
  }

  /** @throws LakeportError */
  static async open({ file, timeoutMs, entryId }: SqliteSettings): Promise<SqliteConnection> {
    const { DatabaseSync } = await import('@photostructure/sqlite');
    let database: DatabaseSyncInstance | undefined;
    try {
      database = new DatabaseSync(file, { readOnly: true, timeout: timeoutMs });
      // A view in a file that somebody else has made runs no function with an effect.
      database.exec('PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
      // The first thing that is read from the file.
      database.prepare('SELECT count(*) FROM sqlite_schema').get();
      return new SqliteConnection(database);
    } catch (thrown) {
      database?.close();
      throw sqliteError(thrown, { entry: entryId });
    }
  }

  /** Rows of an answer, each in the order of the SELECT list; integers that a double can't hold are an error. */
  query(sql: string, ...values: readonly SqliteValue[]): SqliteValue[][] {
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all(...values) as SqliteValue[][]; // as it was told
  }

  /** The same with every integer as a bigint. */
  queryExactly(sql: string): SqliteValue[][] {
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    statement.setReadBigInts(true);
    return statement.all() as SqliteValue[][]; // as it was told
  }

  /** Begins a transaction, and reads, so that it shows the file as it is now until it ends. */
  beginReading(): void {
    if (this.database.isTransaction) return;
    this.database.exec('BEGIN');
    this.database.prepare('SELECT count(*) FROM sqlite_schema').get();
  }

  endReading(): void {
    if (this.database.isTransaction) this.database.exec('COMMIT');
  }

  /** Never throws. The transaction ends first: statements that are not collected yet keep the file open after this. */
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
