import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { ALL_COLUMNS, type ColumnChoice } from '../../column-choice.js';
import type { SourceTable, TableProblem } from '../../source.js';
import { abandon } from '../connection/cancel.js';
import { decodeText, selectText } from '../catalog/catalog-text.js';
import { connectPostgres, leave } from '../connection/connection.js';
import { quoteName } from '../identifiers.js';
import { nameHolders } from './lock-holders.js';
import { postgresError } from '../errors.js';
import { lockByReading, type LockFailures, readOfNoRows } from './locks.js';
import { columnsDenied } from '../catalog/relations.js';
import { checkQuery } from '../rows/requested-rows.js';
import type { ServerFacts } from '../connection/server-facts.js';
import type { PostgresSettings } from '../connection/settings.js';
import { begin, CATALOG, inTransaction } from '../connection/transaction.js';
import { viewsOfColumnGrants } from '../catalog/view-access.js';

/**
 * Tables and views that are only read through column grants, and what queries read. LOCK TABLE requires a privilege on the
 * table itself, and the name of it; a read of no rows takes the same locks for as long, but also fixes the snapshot.
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

export interface HeldByReading {
  /** Each with a read of no rows. */
  readonly byReading: ReadonlyMap<SourceTable, string>;
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
export class ReadingLocks {
  readonly #settings: PostgresSettings;
  readonly #closing = new AbortController();
  #client: Client | undefined;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
  }

  /**
   * Finds such tables and queries, and locks them.
   * @param planner connected, and not in a transaction
   * @throws LakeportError and the driver's errors
   */
  async take(
    planner: Client,
    server: ServerFacts,
    {
      tables,
      choice = ALL_COLUMNS,
    }: { readonly tables: readonly SourceTable[]; readonly choice?: ColumnChoice | undefined },
  ): Promise<HeldByReading> {
    const views = tables.filter(({ kind }) => kind === 'view');
    const [grants, viewsOfGrants] = await inTransaction(planner, this.#settings, CATALOG, async () => [
      await findColumnGrants(
        planner,
        server,
        tables.filter(({ kind }) => kind !== 'query'),
      ),
      await viewsOfColumnGrants(
        planner,
        views.map(({ id }) => id),
      ),
    ]);
    const read = [...tables.filter(({ kind }) => kind === 'query'), ...views.filter((_, at) => viewsOfGrants.has(at))];
    const byReading = new Map(read.map((table) => [table, readOfNoRows(table.dataset)]));
    const problems: TableProblem[] = [];
    for (const [table, { readable, denied }] of grants) {
      const refused = choice.skipsUnreadable ? [] : wantedOf(denied, table, { choice, all: [...readable, ...denied] });
      if (refused.length > 0) problems.push({ id: table.id, error: columnsDenied(table.id, refused) });
      else if (readable[0] !== undefined) byReading.set(table, readOfNoRows(table.dataset, quoteName(readable[0])));
    }
    for (const [table, error] of byReading.size === 0 ? [] : await this.#lock(server, byReading)) {
      byReading.delete(table);
      problems.push({ id: table.id, error });
    }
    return { byReading, problems };
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
    const failures: LockFailures = new Map();
    for (const table of tables.keys()) {
      const error = await checkedQuery(client, table);
      if (error !== undefined) failures.set(table, error);
    }
    const locked = new Map([...tables].filter(([table]) => !failures.has(table)));
    for (const [table, error] of await lockByReading(client, locked, settings)) failures.set(table, error);
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

/** Those of the denied columns that are to be exported; a table without any fails when it is described. */
function wantedOf(
  denied: readonly string[],
  { id }: SourceTable,
  { choice, all }: { readonly choice: ColumnChoice; readonly all: readonly string[] },
): readonly string[] {
  try {
    const taken = choice.take(id, all);
    return denied.filter((name) => taken.has(name));
  } catch {
    return [];
  }
}

/** Why a query must not be run; undefined if it may, and for tables. */
async function checkedQuery(client: Client, { dataset, id }: SourceTable): Promise<LakeportError | undefined> {
  if (dataset.kind === 'table') return undefined;
  try {
    await client.query('SAVEPOINT checked');
    await checkQuery(client, dataset);
    await client.query('RELEASE SAVEPOINT checked');
    return undefined;
  } catch (thrown) {
    await client.query('ROLLBACK TO SAVEPOINT checked; RELEASE SAVEPOINT checked');
    return postgresError(thrown, { table: id });
  }
}

function givenUp(): LakeportError {
  return new LakeportError({ code: 'INTERRUPTED', message: 'Waiting for the locks was aborted' });
}
