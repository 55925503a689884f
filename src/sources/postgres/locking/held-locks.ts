import type { Client } from 'pg';

/**
 * Whether other sessions still hold their locks, and which these are. A transaction is found by its exported snapshot,
 * whose id begins with the transaction's own, so it is never confused with a later one of the same session, as behind a
 * pooler.
 */

/** What a session locks for its run: tables and views. Foreign tables have no rows in a snapshot. */
const LOCKED = `
  SELECT l.relation
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
    JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'v', 'm')
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE l.locktype = 'relation' AND l.granted AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     AND l.virtualtransaction =`;

export interface LockedRelation {
  /** Quoted, with its schema. */
  readonly name: string;
  /** `pg_class.relkind`. */
  readonly kind: 'r' | 'p' | 'v' | 'm';
}

/**
 * The transaction that has exported a snapshot, as `pg_locks.virtualtransaction` names it; undefined for what is no id
 * of an exported snapshot.
 */
export function exporterOf(token: string): string | undefined {
  const [, session, transaction] = /^([0-9A-F]{8})-([0-9A-F]{8})-\d+$/.exec(token) ?? [];
  if (session === undefined || transaction === undefined) return undefined;
  return `${parseInt(session, 16)}/${parseInt(transaction, 16)}`;
}

/** Whether a transaction is in progress, and so holds all the locks that it has taken. */
export async function isInProgress(client: Client, transaction: string): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_catalog.pg_locks WHERE locktype = 'virtualxid' AND granted
        AND virtualtransaction = $1 AND virtualxid = $1`,
    [transaction],
  );
  return rows.length > 0;
}

/** Relations that one transaction holds locked and another does not. Call it with nothing but the catalog in the path. */
export async function locksMissing(
  client: Client,
  { of: holder, by: other }: { readonly of: string; readonly by: string | undefined },
): Promise<readonly LockedRelation[]> {
  const { rows } = await client.query<LockedRelation>(
    `SELECT c.oid::pg_catalog.regclass::pg_catalog.text AS name, c.relkind AS kind
       FROM (${LOCKED} $1 EXCEPT ${LOCKED} $2) AS missing JOIN pg_catalog.pg_class AS c ON c.oid = missing.relation
      ORDER BY c.oid`,
    [holder, other ?? ''],
  );
  return rows;
}

/** The transaction of this session. */
export async function ownTransaction(client: Client): Promise<string> {
  const { rows } = await client.query<{ own: string }>(
    `SELECT virtualtransaction AS own FROM pg_catalog.pg_locks
      WHERE locktype = 'virtualxid' AND granted AND pid = pg_catalog.pg_backend_pid()`,
  );
  return rows[0]?.own ?? '';
}
