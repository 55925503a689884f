import type pg from 'pg';
import type { RowSink } from '../../columns/row-sink.js';
import { LakeportError } from '../../errors.js';
import type { ReaderSettings, ReadRequest, ReadResult, SliceReader, Snapshot } from '../source.js';
import { requestCancel } from './cancel.js';
import { connectPostgres, discard, type PostgresSettings, streamOf } from './connection.js';
import { CopyChannel } from './copy/copy-channel.js';
import { CopyRead } from './copy/copy-read.js';
import { postgresError } from './errors.js';

/** Opens a reader's connection and puts it into the snapshot that all readers share. */
export async function openPostgresReader(settings: ReaderSettings, snapshot: Snapshot): Promise<SliceReader> {
  // The settings are those that this engine's source gave out.
  const reader = new PostgresReader(settings.connection as PostgresSettings, snapshot);
  await reader.connect();
  return reader;
}

interface OpenConnection {
  readonly client: pg.Client;
  readonly channel: CopyChannel;
}

/** Reads slices by binary COPY. After a failed read the connection, in mid-COPY, is thrown away and made anew. */
class PostgresReader implements SliceReader {
  readonly #settings: PostgresSettings;
  readonly #snapshot: Snapshot;
  #open: OpenConnection | undefined;

  constructor(settings: PostgresSettings, snapshot: Snapshot) {
    this.#settings = settings;
    this.#snapshot = snapshot;
  }

  async connect(): Promise<OpenConnection> {
    if (this.#open !== undefined) return this.#open;
    const channel = new CopyChannel();
    const client = await connectPostgres(this.#settings, { stream: () => channel.createSocket() });
    try {
      channel.attach(streamOf(client));
      await this.#enterSnapshot(client);
    } catch (thrown) {
      discard(client);
      throw this.#explain(thrown);
    }
    this.#open = { client, channel };
    return this.#open;
  }

  async read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    signal.throwIfAborted();
    const { client, channel } = await this.connect();
    const copy = new CopyRead({ request, sink, channel });
    const abort = (): void => copy.fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      client.query(copy);
      return await copy.result;
    } catch (thrown) {
      this.#open = undefined;
      requestCancel(client, this.#settings);
      discard(client);
      if (signal.aborted) throw thrown;
      const { table, slice } = request;
      throw postgresError(thrown, { entry: this.#settings.entryId, table, slice: slice.index });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    const { client } = this.#open ?? {};
    this.#open = undefined;
    try {
      await client?.end();
    } catch {
      // It is gone already.
    }
  }

  async #enterSnapshot(client: pg.Client): Promise<void> {
    const { token } = this.#snapshot;
    if (token === undefined) return;
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(token)}`);
  }

  #explain(thrown: unknown): LakeportError {
    const error = postgresError(thrown, { entry: this.#settings.entryId });
    const { detail } = error.context;
    // invalid_parameter_value, undefined_object, object_not_in_prerequisite_state: the snapshot is not there (any more).
    if (!['22023', '42704', '55000'].some((state) => detail?.includes(state))) return error;
    return new LakeportError({
      ...error.toData(),
      code: 'SNAPSHOT_NOT_FOUND',
      exit: 'unreachable',
      message: `The run's snapshot can't be used by a second connection: ${error.message}`,
      hint: 'connect to the server itself or through a pooler in session mode; --consistency none reads without a snapshot',
      cause: thrown,
    });
  }
}
