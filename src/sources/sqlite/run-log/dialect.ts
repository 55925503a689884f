import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  sql,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type SqliteStatement,
} from 'kysely';

import { makeDirectory } from '../../../runtime/make-directory.js';
import { systemReason } from '../../../runtime/system-reason.js';
import type { LogDialect, Trouble } from '../../run-log-dialect.js';

/** How long a statement waits for other processes, in its thread and then in turns with whatever else the thread does. */
const BUSY_TIMEOUT_MS = 100;
const BUSY_PAUSE_MS = 25;
const PATIENCE_MS = 10_000;

/** Statements that are kept prepared. Batches of many sizes make many of them. */
const MOST_STATEMENTS = 64;

/** SQLite's text of a moment in UTC, which its date functions take and which sorts as time does. */
const TIME_FORMAT = '%Y-%m-%d %H:%M:%f';

/** A run log in a file of SQLite. */
export function sqliteDialect(file: string): LogDialect {
  let inode: number | undefined;
  return {
    kysely: new EmbeddedSqlite(async () => {
      const database = await openDatabase(file);
      inode = inodeOf(file);
      return database;
    }),
    address: file,
    types: {
      id: sql`text`,
      name: sql`text`,
      text: sql`text`,
      time: sql`text`,
      integer: sql`integer`,
      bigint: sql`integer`,
    },
    limitsByTop: false,
    now: sql`strftime(${sql.lit(TIME_FORMAT)}, 'now')`,
    secondsAgo: (seconds) => sql`strftime(${sql.lit(TIME_FORMAT)}, 'now', ${sql.lit(`-${seconds} seconds`)})`,
    shownTime: (column) => sql`${column}`,
    secondsBetween: (from, to) => sql`round((julianday(${to}) - julianday(${from})) * 86400, 3)`,
    existing: (names) => sql`select name from sqlite_master where name in (${sql.join(names)})`,
    exists: () => existsSync(file),
    // A file that was removed can still be written to, and nobody would ever see it.
    isCurrent: () => inode === undefined || inodeOf(file) === inode,
    explain,
  };
}

class EmbeddedSqlite implements Dialect {
  readonly #open: () => Promise<SqliteDatabase>;

  constructor(open: () => Promise<SqliteDatabase>) {
    this.#open = open;
  }

  createAdapter() {
    return new EmbeddedSqliteAdapter();
  }

  createDriver() {
    return new WritingDriver({ database: this.#open });
  }

  createIntrospector(...[db]: Parameters<Dialect['createIntrospector']>) {
    return new SqliteIntrospector(db);
  }

  createQueryCompiler() {
    return new SqliteQueryCompiler();
  }
}

class EmbeddedSqliteAdapter extends SqliteAdapter {
  /** It does, and then several processes that meet an empty file migrate it one after the other. */
  override get supportsTransactionalDdl() {
    return true;
  }
}

class WritingDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return {
      executeQuery: (query) => patiently(() => connection.executeQuery(query)),
      streamQuery: (query) => connection.streamQuery(query, 1),
    };
  }

  /** Takes the write lock at once: a transaction that begins by reading could not wait for it later. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** On a full disk SQLite has rolled back already; its error is the one to be told. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch(() => undefined);
  }
}

/** Tries again while other processes, or other connections of this one, hold the lock. */
async function patiently<Answer>(action: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      await setTimeout(BUSY_PAUSE_MS * (1 + Math.random()));
    }
  }
}

function isBusy(error: unknown): boolean {
  return [5, 6].includes(resultCode(error) ?? 0);
}

/** SQLite's primary result code: the lower 8 bits of the extended one. */
function resultCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

async function openDatabase(file: string): Promise<SqliteDatabase> {
  const { DatabaseSync } = await import('@photostructure/sqlite');
  createPrivately(file);
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    // With a write-ahead log readers and the writer do not wait for each other. `NORMAL` may forget the last moments when
    // the machine loses power, never when the process dies; the file stays sound in any case.
    await patiently(async () => {
      database.exec('pragma journal_mode = wal; pragma synchronous = normal');
      return Promise.resolve();
    });
    return new SqliteFile(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite gives its side files the same permissions as the file has. */
function createPrivately(file: string): void {
  makeDirectory(path.dirname(file), { mode: 0o700 });
  try {
    closeSync(openSync(file, 'wx', 0o600));
    chmodSync(file, 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** The driver as the query builder wants it. */
class SqliteFile implements SqliteDatabase {
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
  }

  prepare(text: string): SqliteStatement {
    const known = this.#statements.get(text);
    if (known !== undefined) {
      this.#statements.delete(text);
      this.#statements.set(text, known);
      return known;
    }
    const statement = asKysely(this.#database.prepare(text));
    this.#statements.set(text, statement);
    const [oldest] = this.#statements.keys();
    if (this.#statements.size > MOST_STATEMENTS && oldest !== undefined) this.#statements.delete(oldest);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

function asKysely(statement: StatementSyncInstance): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters): unknown[] => statement.all(...parameters.map(bound)),
    run: (parameters) => statement.run(...parameters.map(bound)),
    iterate: () => {
      throw new TypeError('the run log reads nothing row by row');
    },
  };
}

function bound(value: unknown): string | number | bigint | null {
  if (value instanceof Date) return value.toISOString().replace('T', ' ').slice(0, -1);
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value;
  throw new TypeError(`SQLite takes no ${typeof value}`);
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

const ANOTHER_PLACE =
  'Let this user write there, or use another log: --log-db-auth-id names a database; the default is below XDG_STATE_HOME.';

/** By SQLite's primary result codes. */
const TROUBLES: Readonly<Record<number, Omit<Trouble, 'detail'>>> = {
  5: { code: 'RUN_LOG_BUSY', reason: 'other processes keep it locked' },
  6: { code: 'RUN_LOG_BUSY', reason: 'other processes keep it locked' },
  8: { code: 'RUN_LOG_NOT_WRITABLE', reason: 'it may not be written to', hint: ANOTHER_PLACE },
  10: { code: 'RUN_LOG_NOT_WRITABLE', reason: 'the disk reports an error' },
  11: { code: 'RUN_LOG_DAMAGED', reason: 'the file is damaged', hint: 'Move it away; a new one is made.' },
  13: { code: 'RUN_LOG_FULL', reason: 'the disk is full', hint: 'Free some space there.' },
  14: { code: 'RUN_LOG_NOT_WRITABLE', reason: 'the file cannot be opened', hint: ANOTHER_PLACE },
  26: { code: 'RUN_LOG_DAMAGED', reason: 'the file is not of SQLite', hint: 'Move it away; a new one is made.' },
};

function explain(thrown: unknown): Trouble {
  if (!(thrown instanceof Error)) return { code: 'RUN_LOG_FAILED', reason: String(thrown) };
  const result = resultCode(thrown);
  if (result !== undefined) {
    return { code: 'RUN_LOG_FAILED', reason: thrown.message, ...TROUBLES[result], detail: `SQLite ${result}` };
  }
  if ('code' in thrown && typeof thrown.code === 'string' && 'syscall' in thrown) {
    const full = thrown.code === 'ENOSPC';
    return {
      code: full ? 'RUN_LOG_FULL' : 'RUN_LOG_NOT_WRITABLE',
      reason: full ? 'the disk is full' : systemReason(thrown),
      hint: full ? 'Free some space there.' : ANOTHER_PLACE,
      detail: thrown.code,
    };
  }
  return { code: 'RUN_LOG_FAILED', reason: thrown.message };
}
