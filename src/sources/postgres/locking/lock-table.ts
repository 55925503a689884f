import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { count } from '../../../text/quantities.js';

/**
 * The server's lock table, which all its sessions share: it has room for `max_locks_per_transaction` locks for each session
 * that the server allows, and a run holds one for each table.
 */

/** For the locks of others, and those that readers take besides. */
const RESERVE = 1.25;

/**
 * The error of a server whose lock table cannot take a run's tables, with the setting that it needs.
 * @param client not in a transaction
 */
export async function lockTableFull(client: Client, error: LakeportError, tables: number): Promise<LakeportError> {
  const { rows } = await client.query<{ locks: number; sessions: number }>(
    `SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int4 AS locks,
            pg_catalog.current_setting('max_connections')::pg_catalog.int4
              + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int4 AS sessions`,
  );
  const [server] = rows;
  if (server === undefined) return error;
  const { locks, sessions } = server;
  const needed = Math.max(locks + 1, Math.ceil((tables * RESERVE) / sessions));
  return new LakeportError({
    ...error.toData(),
    message: `The server cannot lock ${count(tables)} tables at once: its lock table is full (max_locks_per_transaction = ${locks}, ${sessions} sessions)`,
    hint:
      `Set max_locks_per_transaction of the server to ${needed} or more (needs a restart); ` +
      'or export fewer tables at a time with --include; or pass --consistency none, which holds no locks and no snapshot',
    cause: error,
  });
}

/** Whether the server has no room for another lock; other shortages of memory have other hints. */
export function isLockTableFull({ code, hint }: LakeportError): boolean {
  return code === 'SOURCE_OUT_OF_MEMORY' && hint?.includes('max_locks_per_transaction') === true;
}
