import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { count } from '../../../text/quantities.js';
import type { Snapshot } from '../../source.js';
import { runInSavepoint } from '../connection/savepoint.js';
import type { PostgresSettings } from '../connection/settings.js';
import { begin } from '../connection/transaction.js';
import { inBatches } from './batches.js';
import { exporterOf, isInProgress, type LockedRelation, locksMissing, ownTransaction } from './held-locks.js';

/**
 * How a session comes to hold a snapshot and all locks of the session that has exported it, with no moment in between at
 * which nobody held them: so others can go on with it when that session ends.
 */

/** What a session may take of the server's lock table so, unless it needs only few locks. */
const SHARE = 1 / 4;
const FEW = 100;
/** Locks by reading know no NOWAIT. */
const LOCK_TIMEOUT_MS = 2_000;
/** The privilege is missing (42501), or the relation is of a kind that LOCK TABLE refuses (42809). */
const NOT_LOCKABLE = new Set(['42501', '42809']);

export interface LockPatience {
  /** By `performance.now()`: until then it waits for locks that others wait for; undefined if it waits for nobody. */
  readonly waitsUntil: number | undefined;
}

/**
 * Begins a transaction in the snapshot of another session.
 * @throws the driver's errors, and a LakeportError if no session shares it, or another server answers
 */
export async function joinSnapshot(
  client: Client,
  settings: PostgresSettings,
  { token, server }: Snapshot,
): Promise<void> {
  if (holderOf(token) === undefined) throw notKept('Its snapshot is not one that sessions share');
  await begin(client, settings, { mode: 'snapshot', snapshot: token, server, searchPath: 'pg_catalog' });
}

/**
 * Takes all locks of the session that has exported the snapshot, and exports the snapshot anew.
 * @param client has joined the snapshot
 * @returns the snapshot, with a token of this session
 * @throws the driver's errors, and a LakeportError if not all locks can be had, or that session has ended
 */
export async function holdToo(client: Client, snapshot: Snapshot, patience: LockPatience): Promise<Snapshot> {
  const holder = holderOf(snapshot.token) ?? '';
  const own = await ownTransaction(client);
  const missing = () => locksMissing(client, { of: holder, by: own });
  const wanted = await missing();
  await refuseTooMany(client, wanted.length);
  // What views and partitioned tables consist of is locked with them, whatever the user may do with it directly.
  await lock(
    client,
    wanted.filter(({ kind }) => kind === 'v' || kind === 'p').map(({ name }) => name),
    patience,
  );
  await lock(
    client,
    (await missing()).filter(({ kind }) => kind === 'r').map(({ name }) => `ONLY ${name}`),
    patience,
  );
  for (const { name } of await missing()) await lockByPlanning(client, name, patience);
  const left = await missing();
  if (left.length > 0) throw notKept(`${left[0]?.name ?? ''} could not be locked`);
  // If it is still in progress now, there was no moment at which nobody held the locks.
  if (!(await isInProgress(client, holder))) throw notKept('The session that held it has ended');
  const { rows } = await client.query<{ token: string }>('SELECT pg_catalog.pg_export_snapshot() AS token');
  return { ...snapshot, token: rows[0]?.token };
}

function holderOf(token: Snapshot['token']): string | undefined {
  return token === undefined ? undefined : exporterOf(token);
}

/** The lock table is shared by all sessions: a run must not be what fills it. */
async function refuseTooMany(client: Client, locks: number): Promise<void> {
  const { rows } = await client.query<{ room: number }>(
    `SELECT pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int4
            * (pg_catalog.current_setting('max_connections')::pg_catalog.int4
               + pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int4) AS room`,
  );
  const { room = 0 } = rows[0] ?? {};
  if (locks <= Math.max(FEW, room * SHARE)) return;
  throw notKept(
    `${count(locks)} locks are more than a quarter of the server's lock table`,
    'Raise max_locks_per_transaction of the server (needs a restart).',
  );
}

/**
 * Those that this user may not lock are left out. Whoever waits for a stronger lock waits for the whole run, so a session
 * that waits behind it may wait in vain.
 */
async function lock(client: Client, relations: readonly string[], patience: LockPatience): Promise<void> {
  const nowait = patience.waitsUntil === undefined ? ' NOWAIT' : '';
  await inBatches(relations, async (batch) => {
    const statement = `LOCK TABLE ${batch.join(', ')} IN ACCESS SHARE MODE${nowait}`;
    try {
      await runInSavepoint(client, `${lockTimeout(patience)}; ${statement}`);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && NOT_LOCKABLE.has(String(error.code))) return false;
      throw error;
    }
  });
}

/** For what LOCK TABLE refuses: materialized views, and tables of which the user may read only some columns. */
async function lockByPlanning(client: Client, relation: LockedRelation['name'], patience: LockPatience): Promise<void> {
  await client.query(`${lockTimeout(patience)}; EXPLAIN SELECT FROM ${relation}`);
}

function lockTimeout({ waitsUntil }: LockPatience): string {
  const left = waitsUntil === undefined ? LOCK_TIMEOUT_MS : Math.max(1, Math.ceil(waitsUntil - performance.now()));
  return `SET LOCAL lock_timeout = ${left}`;
}

function notKept(why: string, hint?: string): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_NOT_KEPT',
    message: `The run's snapshot cannot be kept here: ${why}`,
    hint,
  });
}
