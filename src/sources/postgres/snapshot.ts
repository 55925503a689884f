import type { Client } from 'pg';
import type { Snapshot, SourceTable, TableProblem } from '../source.js';
import { nameHolders } from './lock-holders.js';
import { lockByPlan, lockTables } from './locks.js';
import type { ServerFacts } from './server.js';

/** What `Source.pin` gives. */
export interface Pinned {
  readonly snapshot: Snapshot;
  readonly problems: TableProblem[];
}

export interface PinOptions {
  readonly consistency: 'run' | 'none';
  readonly lockTimeoutMs: number;
}

/**
 * Fixes what the run sees, in the order of pg_dump: BEGIN, locks, snapshot. A REPEATABLE READ transaction takes its
 * snapshot with the first statement that needs one, which BEGIN, SET, SAVEPOINT and LOCK TABLE do not. So whatever
 * changed a table's shape or rewrote it is either in the snapshot or waits until the run has ended.
 * Works on a hot standby too. The client must not be in a transaction; with `run` it is left in one, which the snapshot
 * and the locks live as long as.
 */
export async function pinTables(
  client: Client,
  server: ServerFacts,
  tables: readonly SourceTable[],
  { consistency, lockTimeoutMs }: PinOptions,
): Promise<Pinned> {
  if (consistency === 'none') {
    const { rows } = await client.query<{ takenAt: string }>(`SELECT ${CLOCK} AS "takenAt"`);
    const takenAt = rows[0]?.takenAt ?? new Date().toISOString();
    return { snapshot: { consistency, token: undefined, id: undefined, takenAt }, problems: [] };
  }
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  const lockable = tables.filter(({ kind }) => kind !== 'materialized view' && kind !== 'foreign table');
  const others = tables.filter((table) => !lockable.includes(table));
  const failures = await lockTables(client, lockable, lockTimeoutMs);
  const snapshot = await exportSnapshot(client, server);
  for (const [table, error] of await lockByPlan(client, others, lockTimeoutMs)) failures.set(table, error);
  await nameHolders(client, server, failures);
  return { snapshot, problems: [...failures].map(([{ id }, error]) => ({ id, error })) };
}

const CLOCK = `pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.statement_timestamp()), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

async function exportSnapshot(client: Client, { version }: ServerFacts): Promise<Snapshot> {
  const current = version >= 130000 ? 'pg_current_snapshot' : 'txid_current_snapshot';
  const { rows } = await client.query<{ token: string; id: string; takenAt: string }>(
    `SELECT pg_catalog.pg_export_snapshot() AS token, pg_catalog.${current}()::pg_catalog.text AS id, ${CLOCK} AS "takenAt"`,
  );
  const [row] = rows;
  if (row === undefined) throw new TypeError('a SELECT of one row gave none');
  return { consistency: 'run', ...row };
}
