import { randomUUID } from 'node:crypto';
import pg, { type Client } from 'pg';
import type { Snapshot, SourceTable, TableProblem } from '../../source.js';
import { exporterOf, isInProgress, locksMissing, ownTransaction } from './held-locks.js';
import { nameHolders } from './lock-holders.js';
import { lockByReading, lockTables, readOfNoRows } from './locks.js';
import type { ServerFacts } from '../connection/server-facts.js';
import type { PostgresSettings } from '../connection/settings.js';
import { applySettings, beginBeforeSnapshot, CATALOG, inTransaction } from '../connection/transaction.js';

/** Result of `Source.pin`. */
export interface Pinned {
  readonly snapshot: Snapshot;
  readonly problems: TableProblem[];
}

export interface Pinning {
  readonly tables: readonly SourceTable[];
  readonly settings: PostgresSettings;
  /** Tables and queries that are already locked, and can only be locked by reading: with a read of no rows. */
  readonly byReading: ReadonlyMap<SourceTable, string>;
  readonly earlier?: Snapshot | undefined;
}

/** Start time of the transaction, which no other transaction shares. */
export async function transactionStart(client: Client): Promise<string> {
  const { rows } = await client.query<{ start: string }>(
    'SELECT pg_catalog.transaction_timestamp()::pg_catalog.text AS start',
  );
  return rows[0]?.start ?? '';
}

/**
 * Fixes what the run sees, in pg_dump's order: BEGIN, locks, snapshot. A REPEATABLE READ transaction takes its snapshot
 * with the first statement that needs one, which BEGIN, SET, SAVEPOINT and LOCK TABLE do not. So any change of a table's
 * definition or rewrite of it is either in the snapshot or waits until the run has ended.
 * Works on a hot standby too. The client must not be in a transaction; it is left in one that holds the snapshot and the
 * locks.
 * @param pinning.earlier a snapshot to import, in place of a new one
 */
export async function pinTables(client: Client, server: ServerFacts, pinning: Pinning): Promise<Pinned> {
  const { tables, settings, byReading, earlier } = pinning;
  await beginBeforeSnapshot(client, settings, server);
  const lockable = tables.filter(
    (table) => table.kind !== 'materialized view' && table.kind !== 'foreign table' && !byReading.has(table),
  );
  const failures = await lockTables(client, lockable, settings);
  const isPlain = (table: SourceTable) =>
    !table.isForeign && (table.kind === 'table' || table.kind === 'partitioned table') && !byReading.has(table);
  const others = new Map(
    tables
      .filter((table) => !isPlain(table) && !failures.has(table))
      .map((table) => [table, byReading.get(table) ?? readOfNoRows(table.dataset)] as const),
  );
  if (earlier !== undefined) {
    await client.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(earlier.token ?? '')}`);
  }
  const snapshot = await exportSnapshot(client, server);
  if (others.size > 0) {
    // With the readers' settings: a view's functions may resolve names through the user's search_path.
    await applySettings(client, settings, {});
    for (const [table, error] of await lockByReading(client, others, settings)) failures.set(table, error);
  }
  await applySettings(client, settings, { searchPath: 'pg_catalog' });
  await nameHolders(client, server, failures);
  return { snapshot, problems: [...failures].map(([{ id }, error]) => ({ id, error })) };
}

/**
 * As `pinTables`, with the snapshot of another session, which must hold the locks of these tables too: then there is no
 * moment since the snapshot was taken at which nobody held them.
 * @returns undefined if it cannot be had any more
 * @throws the driver's errors; the transaction must then be rolled back, as without an answer
 */
export async function takeOverTables(
  client: Client,
  server: ServerFacts,
  pinning: Pinning & { readonly earlier: Snapshot },
): Promise<Pinned | undefined> {
  const { settings, earlier } = pinning;
  const holder = exporterOf(earlier.token ?? '');
  if (holder === undefined) return undefined;
  const isThere = () => isInProgress(client, holder);
  // Before anything waits for locks.
  if (!(await inTransaction(client, settings, CATALOG, isThere))) return undefined;
  const pinned = await pinTables(client, server, pinning);
  const own = await ownTransaction(client);
  if ((await locksMissing(client, { of: own, by: holder })).length > 0) return undefined;
  if (!(await isThere())) return undefined;
  const { takenAt, moment } = earlier;
  return { ...pinned, snapshot: { ...pinned.snapshot, takenAt, moment } };
}

/** The server's time, for runs without a shared snapshot. */
export async function noSnapshot(client: Client): Promise<Snapshot> {
  const { rows } = await client.query<{ takenAt: string }>(`SELECT ${CLOCK} AS "takenAt"`);
  const takenAt = rows[0]?.takenAt ?? new Date().toISOString();
  return { consistency: 'none', token: undefined, id: undefined, takenAt };
}

const CLOCK = `pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.statement_timestamp()), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

async function exportSnapshot(client: Client, { version, identity }: ServerFacts): Promise<Snapshot> {
  const current = version >= 130000 ? 'pg_current_snapshot' : 'txid_current_snapshot';
  const { rows } = await client.query<{ token: string; id: string; takenAt: string }>(
    `SELECT pg_catalog.pg_export_snapshot() AS token, pg_catalog.${current}()::pg_catalog.text AS id, ${CLOCK} AS "takenAt"`,
  );
  const [row] = rows;
  if (row === undefined) throw new TypeError('A SELECT of one row returned none');
  return { consistency: 'run', server: identity, ...row, moment: randomUUID() };
}
