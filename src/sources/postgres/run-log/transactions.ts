import { PostgresAdapter, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely';
import type pg from 'pg';

import { connectPostgres, leave } from '../connection/connection.js';
import type { PostgresSettings } from '../connection/settings.js';
import { begin, inTransaction } from '../connection/transaction.js';
import { readEscaping, type TextEscaping } from './escaped-text.js';

/**
 * PostgreSQL for a query builder that knows nothing of poolers: every statement runs in a transaction that brings its own
 * settings, and no lock outlives its transaction.
 */
export class PooledPostgresDialect extends PostgresDialect {
  constructor(settings: PostgresSettings) {
    super({ pool: new SingleConnection(settings) });
  }

  override createAdapter(): PostgresAdapter {
    return new TransactionLockAdapter();
  }
}

/** The id of the query builder's own lock, which also excludes older versions of this program. */
const MIGRATION_LOCK = '3853314791062309107';
/** The caller gives up earlier. */
const MIGRATION_LOCK_TIMEOUT = '10min';

/** The transaction that changes the schema starts with the lock and holds it. */
class TransactionLockAdapter extends PostgresAdapter {
  override async acquireMigrationLock(...[db]: Parameters<PostgresAdapter['acquireMigrationLock']>): Promise<void> {
    await sql`begin`.execute(db);
    await sql`select pg_catalog.set_config('lock_timeout', ${sql.lit(MIGRATION_LOCK_TIMEOUT)}, true)`.execute(db);
    await sql`select pg_catalog.pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)}::bigint)`.execute(db);
  }

  /** Rolls back anything that was not committed. */
  override async releaseMigrationLock(...[db]: Parameters<PostgresAdapter['releaseMigrationLock']>): Promise<void> {
    await sql`rollback`.execute(db);
  }
}

/** One connection, opened on demand and replaced when it has ended; used for one request at a time. */
class SingleConnection implements PostgresPool {
  readonly #settings: PostgresSettings;
  #open: { readonly client: pg.Client; readonly connection: PostgresPoolClient } | undefined;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
  }

  async connect(): Promise<PostgresPoolClient> {
    if (this.#open !== undefined) return this.#open.connection;
    const settings = this.#settings;
    const client = await connectPostgres(settings);
    const escaping = await inTransaction(client, settings, { mode: 'read' }, () => readEscaping(client));
    const open = { client, connection: new TransactionalClient(client, settings, escaping) };
    this.#open = open;
    client.once('end', () => {
      if (this.#open === open) this.#open = undefined;
    });
    return open.connection;
  }

  async end(): Promise<void> {
    const client = this.#open?.client;
    this.#open = undefined;
    if (client !== undefined) await leave(client);
  }
}

type Query = PostgresPoolClient['query'];

/** Starts transactions with their settings, and wraps a statement outside of one in its own. */
class TransactionalClient implements PostgresPoolClient {
  readonly query: Query;
  readonly #client: pg.Client;
  readonly #settings: PostgresSettings;
  readonly #escaping: TextEscaping;
  #isInTransaction = false;

  constructor(client: pg.Client, settings: PostgresSettings, escaping: TextEscaping) {
    this.#client = client;
    this.#settings = settings;
    this.#escaping = escaping;
    // Overloaded for cursors, which the log does not use.
    this.query = ((text: string, parameters: readonly unknown[]) => this.#run(text, parameters)) as Query;
  }

  release(): void {
    // There is no other one to be given.
  }

  async #run(text: string, parameters: readonly unknown[]): Promise<unknown> {
    switch (/^\s*(begin|start transaction|commit|rollback)\b(?!\s+to\b)/i.exec(text)?.[1]?.toLowerCase()) {
      case 'begin':
      case 'start transaction':
        return this.#begin();
      case 'commit':
      case 'rollback':
        return this.#end(text);
      default:
        return this.#isInTransaction ? this.#send(text, parameters) : this.#alone(text, parameters);
    }
  }

  async #begin(): Promise<unknown> {
    // The transaction that holds the lock continues.
    if (!this.#isInTransaction) await begin(this.#client, this.#settings, { mode: 'write' });
    this.#isInTransaction = true;
    return { rows: [] };
  }

  async #end(text: string): Promise<unknown> {
    if (!this.#isInTransaction) return { rows: [] };
    this.#isInTransaction = false;
    return this.#client.query(text);
  }

  async #alone(text: string, parameters: readonly unknown[]): Promise<unknown> {
    return inTransaction(this.#client, this.#settings, { mode: 'write' }, () => this.#send(text, parameters));
  }

  async #send(text: string, parameters: readonly unknown[]): Promise<unknown> {
    const { escape, unescape } = this.#escaping;
    const result = await this.#client.query<Record<string, unknown>>(text, parameters.map(escape));
    for (const row of result.rows) for (const name of Object.keys(row)) row[name] = unescape(row[name]);
    return result;
  }
}
