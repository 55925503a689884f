import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { RowSink } from '../../columns/row-sink.js';
import { LakeportError } from '../../errors.js';
import type { ReaderSettings, ReadRequest, ReadResult, SliceReader, Snapshot } from '../source.js';
import type { MssqlClient } from './client.js';
import { connectMssql, type ConnectOptions, type MssqlSettings } from './connection.js';
import { type BoundField, bindField } from './decode/decoders.js';
import type { UnrepresentableValue } from './decode/wire.js';
import { errorNumber, mssqlError } from './errors.js';
import { displayTable } from './identifiers.js';
import { ROW_VERSIONS } from './snapshot.js';
import { readColumnTypes } from './tds/column-types.js';
import { RowStream } from './tds/row-stream.js';
import { displayWireType, type WireType } from './tds/wire-type.js';

/** Opens a reader's connection, each of whose queries sees the database as it was at the query's start, where it can. */
export async function openMssqlReader(settings: ReaderSettings, snapshot: Snapshot): Promise<SliceReader> {
  // The settings are those that this engine's source gave out.
  const reader = new MssqlReader(settings.connection as MssqlSettings, snapshot);
  await reader.connect();
  return reader;
}

/** A memory-optimized table, which has snapshots of its own, refuses those of the session. */
const MEMORY_OPTIMIZED = new Set([41332, 41333]);

/** Reads slices, each by one query. After a failed read the connection is thrown away and made anew. */
class MssqlReader implements SliceReader {
  readonly #settings: MssqlSettings;
  readonly #snapshot: Snapshot;
  #client: MssqlClient | undefined;
  /** What is being canceled on the server still. */
  #ending: Promise<unknown> = Promise.resolve();

  constructor(settings: MssqlSettings, snapshot: Snapshot) {
    this.#settings = settings;
    this.#snapshot = snapshot;
  }

  async connect(isolation: ConnectOptions['isolation'] = this.#isolation): Promise<MssqlClient> {
    this.#client ??= await connectMssql(this.#settings, { isolation });
    return this.#client;
  }

  async read(request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    signal.throwIfAborted();
    const client = await this.connect();
    try {
      return await this.#readWith(client, request, sink, signal);
    } catch (thrown) {
      const isRefused = MEMORY_OPTIMIZED.has(errorNumber(thrown) ?? 0) && this.#isolation === 'snapshot';
      if (!isRefused || signal.aborted) throw this.#explain(thrown, request, signal);
    }
    try {
      const plain = await connectMssql(this.#settings, { isolation: 'read committed' });
      return await this.#readWith(plain, request, sink, signal).finally(() => plain.close());
    } catch (thrown) {
      throw this.#explain(thrown, request, signal);
    }
  }

  async close(): Promise<void> {
    await this.#ending;
    this.#client?.close();
    this.#client = undefined;
  }

  get #isolation(): ConnectOptions['isolation'] {
    return this.#snapshot.token === ROW_VERSIONS ? 'snapshot' : 'read committed';
  }

  async #readWith(client: MssqlClient, request: ReadRequest, sink: RowSink, signal: AbortSignal): Promise<ReadResult> {
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        stream.stop();
        client.cancel();
        finish();
        reject(asError(reason));
      };
      const stream = new RowStream({
        sink,
        policy: {
          onUnrepresentable: request.onUnrepresentable,
          explain: (cause, column) => unrepresentable(cause, column, request),
        },
        readColumns: (input) => readColumnTypes(input, client.parserOptions),
        bind: (types) => bindFields(types, request, sink),
        onFailure: giveUp,
      });
      const { statementTimeoutMs } = this.#settings;
      const timer =
        statementTimeoutMs === undefined
          ? undefined
          : setTimeout(() => giveUp(timedOut(statementTimeoutMs)), statementTimeoutMs);
      const abort = (): void => giveUp(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      };
      const done = client.stream(request.slice.query, (response) => stream.filter(response));
      this.#ending = done.catch(() => undefined);
      done.then(
        ({ rows }) => {
          finish();
          resolve({ rows: rows ?? stream.rows, bytes: stream.bytes, unrepresentable: stream.unrepresentable });
        },
        (error: unknown) => {
          stream.stop();
          finish();
          this.#discard(client);
          reject(asError(error));
        },
      );
    });
  }

  #discard(client: MssqlClient): void {
    client.close();
    if (this.#client === client) this.#client = undefined;
  }

  #explain(thrown: unknown, { table, slice }: ReadRequest, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    return mssqlError(thrown, { entry: this.#settings.entryId, table, slice: slice.index });
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function bindFields(types: readonly WireType[], { columns, table }: ReadRequest, sink: RowSink): BoundField[] {
  if (types.length !== columns.length)
    throw changed(`a result of ${types.length} columns instead of ${columns.length}`);
  return columns.map(({ spec, decoder }, i) => {
    const [type, column] = [types[i], sink.columns[i]];
    if (type === undefined || column === undefined) throw new TypeError('the sink has fewer columns than the read');
    const field = bindField(decoder, column, type);
    if (field !== undefined) return field;
    const arrived = displayWireType(type);
    throw changed(`Column ${spec.name} (${spec.sourceType}) arrives as ${arrived}`).within({
      table: displayTable(table),
      column: spec.name,
    });
  });
}

function changed(message: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_CHANGED',
    exit: 'tables-failed',
    message,
    hint: 'its shape changed after it was planned: run again; an encrypted column can be left out by a view',
  });
}

function timedOut(milliseconds: number): LakeportError {
  return new LakeportError({
    code: 'SOURCE_STATEMENT_CANCELED',
    exit: 'tables-failed',
    message: `the read took longer than ${milliseconds / 1000} s`,
    hint: 'raise "statement_timeout" of the entry',
  });
}

function unrepresentable(cause: UnrepresentableValue, column: ColumnBuffer, request: ReadRequest): LakeportError {
  const { name, sourceType, type } = column.spec;
  const table = displayTable(request.table);
  const isTime = type.logical?.kind === 'timestamp';
  const ways = [
    '--on_unrepresentable null writes such values as NULL and counts them',
    isTime
      ? '--timestamp_unit us writes all years, without the seventh digit'
      : 'or export a view that selects the column as varbinary (with --include_views)',
  ];
  return new LakeportError({
    code: 'UNREPRESENTABLE_VALUE',
    exit: 'unrepresentable',
    message: `Column ${name} (${sourceType}) of ${table} holds ${cause.message}`,
    hint: ways.join('; '),
    context: { table, column: name, slice: request.slice.index },
    cause,
  });
}
