import type { Client } from 'pg';
import { LakeportError } from '../../errors.js';
import type { SourceTable, TableProblem } from '../source.js';
import { abandon } from './cancel.js';
import { decodeText, selectText } from './catalog-text.js';
import { connectPostgres, leave } from './connection.js';
import { quoteName } from './identifiers.js';
import { nameHolders } from './lock-holders.js';
import { lockByReading, type LockFailures } from './locks.js';
import { columnsDenied } from './relations.js';
import type { ServerFacts } from './server-facts.js';
import type { PostgresSettings } from './settings.js';
import { begin, CATALOG, inTransaction } from './transaction.js';

/**
 * Tables that this user may only read through column grants. LOCK TABLE requires a privilege on the table itself; a read
 * of no rows takes the same lock for as long, but also fixes the snapshot.
 */
interface ColumnGrants {
  readonly readable: readonly string[];
  readonly denied: readonly string[];
}

interface ColumnRow {
  readonly position: number;
  readonly name: string;
  readonly readable: boolean;
}

export interface HeldByColumn {
  /** Each with a quoted column that may be read. */
  readonly byColumn: ReadonlyMap<SourceTable, string>;
  readonly problems: readonly TableProblem[];
}

/** Excludes tables with a table-level grant, and those with no grant at all. */
async function findColumnGrants(
  client: Client,
  server: ServerFacts,
  tables: readonly SourceTable[],
): Promise<ReadonlyMap<SourceTable, ColumnGrants>> {
  const ids = tables.map(({ id }) => id);
  const { rows } = await client.query<ColumnRow>(
    `SELECT w.position::pg_catalog.int4 - 1 AS position, ${selectText('a.attname', server)} AS name,
            pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable
     FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.name[]), pg_catalog.unnest($2::pg_catalog.name[]))
       WITH ORDINALITY AS w (schema, name, position)
     JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
     JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
     JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
     ORDER BY w.position, a.attnum`,
    [ids.map(({ schema }) => schema), ids.map(({ name }) => name)],
  );
  const found = new Map<SourceTable, { readable: string[]; denied: string[] }>();
  for (const { position, name, readable } of rows) {
    const table = tables[position];
    if (table === undefined) continue;
    const grants = found.get(table) ?? { readable: [], denied: [] };
    found.set(table, grants);
    const { text, isWhole } = decodeText(name, server);
    // A name with invalid bytes is reported when the columns are described.
    if (!readable) grants.denied.push(text);
    else if (isWhole) grants.readable.push(text);
  }
  return found;
}

/**
 * Locks such tables from before the run's snapshot until the snapshot's own transaction has locked them too: rows that
 * TRUNCATE removes in between would be silently missing. Uses a separate connection, whose transaction keeps no snapshot.
 */
export class ColumnLocks {
  readonly #settings: PostgresSettings;
  readonly #closing = new AbortController();
  #client: Client | undefined;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
  }

  /**
   * Finds such tables and locks them.
   * @param planner connected, and not in a transaction
   * @throws LakeportError and the driver's errors
   */
  async take(planner: Client, server: ServerFacts, tables: readonly SourceTable[]): Promise<HeldByColumn> {
    const grants = await inTransaction(planner, this.#settings, CATALOG, () =>
      findColumnGrants(planner, server, tables),
    );
    const byColumn = new Map<SourceTable, string>();
    const problems: TableProblem[] = [];
    for (const [table, { readable, denied }] of grants) {
      if (denied.length > 0) problems.push({ id: table.id, error: columnsDenied(table.id, denied) });
      else if (readable[0] !== undefined) byColumn.set(table, quoteName(readable[0]));
    }
    for (const [table, error] of byColumn.size === 0 ? [] : await this.#lock(server, byColumn)) {
      byColumn.delete(table);
      problems.push({ id: table.id, error });
    }
    return { byColumn, problems };
  }

  /** Never throws. */
  async release(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await leave(client);
  }

  async #lock(server: ServerFacts, tables: ReadonlyMap<SourceTable, string>): Promise<LockFailures> {
    const settings = this.#settings;
    const first = (client: Client) => begin(client, settings, { mode: 'read' });
    const client = await connectPostgres(settings, { first, signal: this.#closing.signal });
    this.#client = client;
    if (this.#closing.signal.aborted) throw givenUp();
    const failures = await lockByReading(client, tables, settings);
    await nameHolders(client, server, failures);
    return failures;
  }

  /** Stops waiting for locks, on the server too. Never throws. */
  async close(): Promise<void> {
    this.#closing.abort();
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await abandon(client, this.#settings);
  }
}

function givenUp(): LakeportError {
  return new LakeportError({ code: 'INTERRUPTED', message: 'Waiting for the locks was aborted' });
}
