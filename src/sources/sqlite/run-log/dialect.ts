import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDate } from 'node:util/types';
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

/** How long a statement blocks its thread for other processes' locks, before it retries in turns with other work. */
const BUSY_TIMEOUT_MS = 100;
const BUSY_PAUSE_MS = 25;
const PATIENCE_MS = 10_000;

/** Maximum number of prepared statements to cache, since batches come in many sizes. */
const MOST_STATEMENTS = 64;

/** SQLite's text form of a UTC time, which its date functions accept and which sorts chronologically. */
const TIME_FORMAT = '%Y-%m-%d %H:%M:%f';

/** A run log in an SQLite file. */
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
    // A deleted file can still be written to, but nobody would ever see the result.
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
  /** SQLite does, so that several processes that meet an empty file migrate it one after the other. */
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

  /** Takes the write lock at once: a transaction that starts with a read could not wait for it later. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  /** On a full disk SQLite has already rolled back; report the original error. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await super.rollbackTransaction(connection).catch(() => undefined);
  }
}

/** Retries while other processes, or other connections of this one, hold the lock. */
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
    // With a write-ahead log, readers and the writer do not wait for each other. `NORMAL` may lose the last moments when the
    // machine loses power, never when the process crashes; the file stays intact in any case.
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

/** SQLite gives its side files the same permissions as the file. */
function createPrivately(file: string): void {
  makeDirectory(path.dirname(file), { mode: 0o700 });
  try {
    closeSync(openSync(file, 'wx', 0o600));
    chmodSync(file, 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

/** Adapts the driver to the query builder. */
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
      throw new TypeError('The run log does not stream rows');
    },
  };
}

function bound(value: unknown): string | number | bigint | null {
  if (isDate(value)) return value.toISOString().replace('T', ' ').slice(0, -1);
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value;
  throw new TypeError(`SQLite does not accept a ${typeof value}`);
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

const ANOTHER_PLACE =
  'Grant this user write access, or use another log: --log-db-auth-id names a database; the default is below XDG_STATE_HOME.';

/** By SQLite's primary result codes. */
const TROUBLES: Readonly<Record<number, Omit<Trouble, 'detail'>>> = {
  5: { code: 'RUN_LOG_BUSY', reason: 'other processes hold a lock on it' },
  6: { code: 'RUN_LOG_BUSY', reason: 'other processes hold a lock on it' },
  8: { code: 'RUN_LOG_NOT_WRITABLE', reason: 'it is not writable', hint: ANOTHER_PLACE },
  10: { code: 'RUN_LOG_NOT_WRITABLE', reason: 'the disk reports an error' },
  11: { code: 'RUN_LOG_DAMAGED', reason: 'the file is damaged', hint: 'Move it away; a new one will be created.' },
  13: { code: 'RUN_LOG_FULL', reason: 'the disk is full', hint: 'Free some space there.' },
  14: { code: 'RUN_LOG_NOT_WRITABLE', reason: 'the file cannot be opened', hint: ANOTHER_PLACE },
  26: {
    code: 'RUN_LOG_DAMAGED',
    reason: 'the file is not an SQLite database',
    hint: 'Move it away; a new one will be created.',
  },
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
