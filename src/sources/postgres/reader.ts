import type pg from 'pg';
import { datasetId } from '../../model/dataset.js';
import type { Memory } from '../../kernels/kernels.js';
import type { RowSink } from '../../columns/row-sink.js';
import { LakeportError } from '../../errors.js';
import type { ReaderSettings, ReadRequest, ReadResult, SliceReader, Snapshot } from '../source.js';
import { abandon } from './connection/cancel.js';
import { connectPostgres, leave, type PostgresSettings, streamOf } from './connection/connection.js';
import { CopyChannel } from './copy/copy-channel.js';
import { CopyRead, type CopyReadResult } from './copy/copy-read.js';
import { registerCharacters } from './decode/encoded-text.js';
import { postgresError } from './errors.js';
import { quoteName } from './identifiers.js';
import { lockForRead } from './locking/locks.js';
import { setMaskSalt } from './columns/masks.js';
import { rowQuery } from './rows/row-locator.js';
import { connectToServer } from './connection/server-identity.js';
import { begin, type TransactionOptions } from './connection/transaction.js';

/**
 * Opens a reader's connection and puts it into the snapshot that all readers share.
 * @param memory of the kernels that are to decode the rows
 */
export async function openPostgresReader(
  { connection }: ReaderSettings<PostgresSettings>,
  snapshot: Snapshot,
  memory?: Memory,
): Promise<SliceReader> {
  const reader = new PostgresReader(connection, snapshot, memory);
  await reader.connect();
  return reader;
}

/** Time limit for locating a row. */
const LOCATE_MS = 5000;

interface RowPlace {
  readonly place: string;
  readonly relation: string;
}

function inRow(error: LakeportError, { place, relation }: RowPlace): LakeportError {
  const { message, context } = error;
  const row = `ctid ${place}${relation === context.table ? '' : ` of ${relation}`}`;
  return new LakeportError({
    ...error.toData(),
    message: `${message}, in the row with ${row}`,
    context: { ...context, row },
    cause: error.cause,
  });
}

interface OpenConnection {
  readonly client: pg.Client;
  readonly channel: CopyChannel;
}

/** Reads slices by binary COPY. After a failed read the connection, still in the COPY, is discarded and replaced. */
class PostgresReader implements SliceReader {
  readonly #settings: PostgresSettings;
  readonly #snapshot: Snapshot;
  readonly #memory: Memory | undefined;
  #open: OpenConnection | undefined;
  /** Connections of failed reads that are still closing. */
  readonly #abandoned = new Set<Promise<void>>();

  constructor(settings: PostgresSettings, snapshot: Snapshot, memory: Memory | undefined) {
    this.#memory = memory;
    this.#settings = settings;
    if (settings.characters !== undefined) registerCharacters(settings.characters);
    this.#snapshot = snapshot;
  }

  async connect(): Promise<OpenConnection> {
    if (this.#open !== undefined) return this.#open;
    const { token } = this.#snapshot;
    // Without a snapshot, the host that the planner reads is as good as any.
    const settings = token === undefined ? { ...this.#settings, others: [] } : this.#settings;
    const open = await connectToServer(settings, (chosen) => this.#connectTo(chosen)).catch((thrown: unknown) => {
      throw this.#explain(thrown);
    });
    this.#open = open;
    const { client, channel } = open;
    // The next read opens a new one.
    client.once('end', () => {
      channel.close();
      if (this.#open === open) this.#open = undefined;
    });
    return open;
  }

  async #connectTo(settings: PostgresSettings): Promise<OpenConnection> {
    const channel = new CopyChannel(this.#memory);
    const { token, server } = this.#snapshot;
    const first = (client: pg.Client) => {
      channel.attach(streamOf(client));
      return token === undefined
        ? Promise.resolve()
        : this.#begin(client, { mode: 'snapshot', snapshot: token, server });
    };
    try {
      return { client: await connectPostgres(settings, { sockets: channel.sockets, first }), channel };
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  async read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    signal.throwIfAborted();
    const { client, channel } = await this.connect();
    signal.throwIfAborted();
    const { characters } = this.#settings;
    const isShared = this.#snapshot.token !== undefined;
    const encoding = characters?.encoding;
    const copy = new CopyRead({ request, sink, channel, encoding, releasesLocks: isShared });
    const abort = (): void => copy.fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const reading = isShared ? this.#copy(client, copy) : this.#copyAlone(client, copy, request);
      // An abort also ends the wait for what precedes the COPY.
      return await Promise.race([reading, copy.result.then(() => reading)]);
    } catch (thrown) {
      copy.fail(thrown);
      this.#abandon();
      if (signal.aborted) throw thrown;
      const table = datasetId(request.dataset);
      const error = postgresError(thrown, { entry: this.#settings.entryId, table, slice: request.slice.index });
      throw error.code === 'UNREPRESENTABLE_VALUE' ? await this.#locate(error, request, signal) : error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    const { client } = this.#open ?? {};
    this.#open = undefined;
    await Promise.all([client && leave(client), ...this.#abandoned]);
  }

  /** Closes the connection in the background; only `close` waits for it. */
  #abandon(): void {
    const { client, channel } = this.#open ?? {};
    this.#open = undefined;
    if (client === undefined) return;
    channel?.goOn();
    const ended: Promise<void> = abandon(client, this.#settings).finally(() => this.#abandoned.delete(ended));
    this.#abandoned.add(ended);
  }

  async #begin(client: pg.Client, options: TransactionOptions): Promise<void> {
    await begin(client, this.#settings, options);
    await setMaskSalt(client, this.#settings.maskSalt);
  }

  #copy(client: pg.Client, copy: CopyRead): Promise<CopyReadResult> {
    if (!copy.isOver) client.query(copy);
    return copy.result;
  }

  /**
   * In its own transaction. The lock comes first: a COPY that waits for one would use a snapshot from before the wait, and
   * would see no rows of a table that was refilled meanwhile, by TRUNCATE and INSERT in one transaction.
   */
  async #copyAlone(client: pg.Client, copy: CopyRead, { dataset, columns }: ReadRequest): Promise<CopyReadResult> {
    await this.#begin(client, { mode: 'read' });
    await lockForRead(client, dataset, columns[0] === undefined ? '*' : quoteName(columns[0].spec.name));
    const result = await this.#copy(client, copy);
    await client.query('COMMIT');
    return result;
  }

  /** The error with the location of a row that explains it, if it is found quickly. */
  async #locate(error: LakeportError, request: ReadRequest, signal: AbortSignal): Promise<LakeportError> {
    const query = rowQuery(request, error.context.column ?? '');
    if (query === undefined) return error;
    const stop = AbortSignal.any([signal, AbortSignal.timeout(LOCATE_MS)]);
    try {
      const { client } = await this.connect();
      const isStopped = new Promise<never>((_, reject) => {
        stop.addEventListener('abort', () => reject(new Error('No row was found in time')), { once: true });
      });
      const { rows } = await Promise.race([this.#find(client, query), isStopped]);
      return rows[0] === undefined ? error : inRow(error, rows[0]);
    } catch {
      // The error is clear enough without it.
      this.#abandon();
      return error;
    }
  }

  async #find(client: pg.Client, query: string): Promise<pg.QueryResult<RowPlace>> {
    if (this.#snapshot.token !== undefined) return client.query<RowPlace>(query);
    await this.#begin(client, { mode: 'read' });
    const found = await client.query<RowPlace>(query);
    await client.query('COMMIT');
    return found;
  }

  #explain(thrown: unknown): LakeportError {
    const error = postgresError(thrown, { entry: this.#settings.entryId });
    const { detail } = error.context;
    // invalid_parameter_value, undefined_object, object_not_in_prerequisite_state: the snapshot does not exist (any more).
    if (!['22023', '42704', '55000'].some((state) => detail?.includes(state))) return error;
    return new LakeportError({
      code: 'SNAPSHOT_NOT_FOUND',
      message: `The run's snapshot can't be used by a second connection: ${error.message}`,
      hint: 'Connect directly or through a pooler that only uses this server; --consistency none reads without a snapshot',
      context: error.context,
      cause: thrown,
    });
  }
}
