import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { count } from '../../../text/quantities.js';
import type { ReaderSettings, Snapshot, SnapshotKeeper } from '../../source.js';
import { connectPostgres, discard, leave } from '../connection/connection.js';
import { connectToServer } from '../connection/server-identity.js';
import type { PostgresSettings } from '../connection/settings.js';
import { begin } from '../connection/transaction.js';
import { postgresError } from '../errors.js';
import { exporterOf, isInProgress, type LockedRelation, locksMissing, ownTransaction } from './held-locks.js';
import { transactionStart } from './snapshot.js';

/** Relations per statement, each with a savepoint. */
const BATCH = 500;
/** What a keeper may take of the server's lock table, unless it needs only few locks. */
const SHARE = 1 / 4;
const FEW = 100;
/** Locks by reading know no NOWAIT. */
const LOCK_TIMEOUT_MS = 2_000;
/** The privilege is missing (42501), or the relation is of a kind that LOCK TABLE refuses (42809). */
const NOT_LOCKABLE = new Set(['42501', '42809']);

/**
 * Holds a snapshot and the locks of the session that has exported it, for as long as the keeper is open: others can
 * import the snapshot from here when that session has ended.
 * @throws LakeportError if the snapshot is gone, or not all of its locks can be had at once
 */
export async function keepPostgresSnapshot(
  { connection: settings }: ReaderSettings<PostgresSettings>,
  snapshot: Snapshot,
): Promise<SnapshotKeeper> {
  const holder = snapshot.token === undefined ? undefined : exporterOf(snapshot.token);
  if (holder === undefined) throw notKept('Its snapshot is not one that sessions share');
  const { token, server } = snapshot;
  const first = (client: Client) =>
    begin(client, settings, { mode: 'snapshot', snapshot: token, server, searchPath: 'pg_catalog' });
  const client = await connectToServer(settings, (chosen) => connectPostgres(chosen, { first }));
  try {
    return await keep(client, { snapshot, holder });
  } catch (thrown) {
    // Not `leave`: the locks must go at once.
    discard(client);
    throw postgresError(thrown, { entry: settings.entryId });
  }
}

interface Held {
  readonly snapshot: Snapshot;
  /** The transaction that holds it. */
  readonly holder: string;
}

/** @param client in the snapshot */
async function keep(client: Client, { snapshot, holder }: Held): Promise<SnapshotKeeper> {
  const own = await ownTransaction(client);
  const missing = () => locksMissing(client, { of: holder, by: own });
  const wanted = await missing();
  await refuseTooMany(client, wanted.length);
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  // What views and partitioned tables consist of is locked with them, whatever the user may do with it directly.
  await lock(
    client,
    wanted.filter(({ kind }) => kind === 'v' || kind === 'p').map(({ name }) => name),
  );
  await lock(
    client,
    (await missing()).filter(({ kind }) => kind === 'r').map(({ name }) => `ONLY ${name}`),
  );
  for (const { name } of await missing()) await lockByPlanning(client, name);
  const left = await missing();
  if (left.length > 0) throw notKept(`${left[0]?.name ?? ''} could not be locked`);
  // If it is still in progress now, there was no moment at which nobody held the locks.
  if (!(await isInProgress(client, holder))) throw notKept('The session that held it has ended');
  const { rows } = await client.query<{ token: string }>('SELECT pg_catalog.pg_export_snapshot() AS token');
  const start = await transactionStart(client);
  return new PostgresKeeper(client, { snapshot: { ...snapshot, token: rows[0]?.token }, start });
}

class PostgresKeeper implements SnapshotKeeper {
  readonly snapshot: Snapshot;
  readonly #client: Client;
  readonly #start: string;

  constructor(client: Client, { snapshot, start }: { readonly snapshot: Snapshot; readonly start: string }) {
    this.#client = client;
    this.snapshot = snapshot;
    this.#start = start;
  }

  onLost(listener: () => void): void {
    this.#client.once('end', listener);
  }

  async isHeld(): Promise<boolean> {
    // After a pooler has reconnected, another transaction may answer.
    return (await transactionStart(this.#client).catch(() => undefined)) === this.#start;
  }

  async close(): Promise<void> {
    this.#client.removeAllListeners('end');
    await leave(this.#client);
  }
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
 * Without waiting: whoever waits for a stronger lock waits for the whole run, and a keeper behind it would, too. Those
 * that this user may not lock are left out.
 */
async function lock(client: Client, relations: readonly string[]): Promise<void> {
  for (let start = 0; start < relations.length; start += BATCH) {
    await lockBatch(client, relations.slice(start, start + BATCH));
  }
}

async function lockBatch(client: Client, batch: readonly string[]): Promise<void> {
  const statement = `LOCK TABLE ${batch.join(', ')} IN ACCESS SHARE MODE NOWAIT`;
  try {
    await client.query(`SAVEPOINT keeper; ${statement}; RELEASE SAVEPOINT keeper`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NOT_LOCKABLE.has(String(error.code)))) throw error;
    await client.query('ROLLBACK TO SAVEPOINT keeper; RELEASE SAVEPOINT keeper');
    if (batch.length === 1) return;
    const middle = batch.length >> 1;
    await lockBatch(client, batch.slice(0, middle));
    await lockBatch(client, batch.slice(middle));
  }
}

/** For what LOCK TABLE refuses: materialized views, and tables of which the user may read only some columns. */
async function lockByPlanning(client: Client, relation: LockedRelation['name']): Promise<void> {
  await client.query(`EXPLAIN SELECT FROM ${relation}`);
}

function notKept(why: string, hint?: string): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_NOT_KEPT',
    message: `The run's snapshot cannot be kept here: ${why}`,
    hint,
  });
}
