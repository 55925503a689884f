import { datasetId } from '../../model/dataset.js';
import type { RowSink } from '../../columns/row-sink.js';
import { LakeportError } from '../../errors.js';
import type { ReaderSettings, ReadRequest, ReadResult, SliceReader, Snapshot } from '../source.js';
import type { MssqlClient } from './connection/client.js';
import { connectMssql, type ConnectOptions, type MssqlSettings } from './connection/connection.js';
import { mssqlError } from './errors.js';
import { isIsolationRefused, isolationOf } from './connection/isolation.js';
import { maskParameters } from './columns/masks.js';
import { SliceRead } from './rows/slice-read.js';

/** Opens a reader's connection. Each of its queries sees the database as of the query's start, if the server allows it. */
export async function openMssqlReader(
  { connection }: ReaderSettings<MssqlSettings>,
  snapshot: Snapshot,
): Promise<SliceReader> {
  const reader = new MssqlReader(connection, snapshot);
  await reader.connect();
  return reader;
}

/** Reads each slice with one query. After a failed read the connection is discarded and replaced. */
class MssqlReader implements SliceReader {
  readonly #settings: MssqlSettings;
  readonly #isolation: ConnectOptions['isolation'];
  #client: MssqlClient | undefined;
  /** Cleanup of earlier connections that is still in progress on the server. */
  #ending: Promise<unknown> = Promise.resolve();

  constructor(settings: MssqlSettings, snapshot: Snapshot) {
    this.#settings = settings;
    this.#isolation = isolationOf(snapshot);
  }

  async connect(): Promise<MssqlClient> {
    this.#client ??= await connectMssql(this.#settings, { isolation: this.#isolation });
    return this.#client;
  }

  async read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    signal.throwIfAborted();
    try {
      return await this.#readWith(await this.connect(), request, sink, signal);
    } catch (thrown) {
      if (!isIsolationRefused(thrown, this.#isolation) || signal.aborted) throw this.#explain(thrown, request, signal);
    }
    try {
      const client = await connectMssql(this.#settings, { isolation: 'read committed' });
      return await this.#readWith(client, request, sink, signal).finally(() => client.close());
    } catch (thrown) {
      throw this.#explain(thrown, request, signal);
    }
  }

  async close(): Promise<void> {
    await this.#ending;
    this.#client?.close();
    this.#client = undefined;
  }

  async #readWith(client: MssqlClient, request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    const { statementTimeoutMs, maskSalt } = this.#settings;
    const read = new SliceRead(client, request, sink, maskParameters(request.slice.query, maskSalt));
    const timer =
      statementTimeoutMs === undefined
        ? undefined
        : setTimeout(() => read.giveUp(timedOut(statementTimeoutMs)), statementTimeoutMs);
    const abort = (): void => read.giveUp(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await read.result;
    } catch (thrown) {
      // The protocol state of the connection is unknown.
      if (this.#client === client) this.#client = undefined;
      this.#ending = read.ended.then(() => client.close());
      throw thrown;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  #explain(thrown: unknown, { dataset, slice }: ReadRequest, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    return mssqlError(thrown, { entry: this.#settings.entryId, table: datasetId(dataset), slice: slice.index });
  }
}

function timedOut(milliseconds: number): LakeportError {
  return new LakeportError({
    code: 'SOURCE_STATEMENT_CANCELED',
    message: `The read took longer than ${milliseconds / 1000} s`,
    hint: 'Raise "statement_timeout" of the entry',
  });
}
