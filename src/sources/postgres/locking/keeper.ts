import type { Client } from 'pg';
import type { LakeportError } from '../../../errors.js';
import type { ReaderSettings, Snapshot, SnapshotKeeper } from '../../source.js';
import { connectPostgres, discard, leave } from '../connection/connection.js';
import { connectToServer } from '../connection/server-identity.js';
import type { PostgresSettings } from '../connection/settings.js';
import { postgresError } from '../errors.js';
import { holdToo, joinSnapshot } from './hold-too.js';
import { transactionStart } from './snapshot.js';

/**
 * Holds a snapshot and the locks of the session that has exported it, for as long as the keeper is open: others can
 * import the snapshot from here when that session has ended.
 * @throws LakeportError if the snapshot is gone, or not all of its locks can be had at once
 */
export async function keepPostgresSnapshot(
  { connection: settings }: ReaderSettings<PostgresSettings>,
  snapshot: Snapshot,
): Promise<SnapshotKeeper> {
  const first = (client: Client) => joinSnapshot(client, settings, snapshot);
  const client = await connectToServer(settings, (chosen) => connectPostgres(chosen, { first }));
  try {
    const held = await holdToo(client, snapshot, { waitsUntil: undefined });
    return new PostgresKeeper(client, { snapshot: held, start: await transactionStart(client) });
  } catch (thrown) {
    // Not `leave`: the locks must go at once.
    discard(client);
    throw postgresError(thrown, { entry: settings.entryId });
  }
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

  onLost(listener: (why: LakeportError) => void): void {
    let said: unknown;
    this.#client.on('error', (error) => (said ??= error));
    this.#client.once('end', () => listener(postgresError(said ?? new Error('Connection terminated unexpectedly'))));
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
