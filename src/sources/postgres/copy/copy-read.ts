import type { Connection, Submittable } from 'pg';
import type { RowSink } from '../../../columns/row-sink.js';
import type { ReadRequest } from '../../source.js';
import { BatchDecoder, columnOf, countsByName } from '../../wire/batch-decoder.js';
import type { UnrepresentableValue } from '../../wire/wire.js';
import { bindField, type PostgresField } from '../decode/decoders.js';
import { unrepresentableError } from '../columns/unrepresentable-error.js';
import type { CopyChannel, CopyReceiver } from './copy-channel.js';
import type { ReceiveBuffer } from './receive-buffer.js';
import { COPY_DATA, MESSAGE_HEADER_BYTES, RowScanner } from './row-scanner.js';

const READY_FOR_QUERY = 0x5a; // 'Z'

export interface CopyReadResult {
  /** From the server's `COPY n`. */
  readonly rows: number;
  readonly bytes: number;
  readonly unrepresentable: Readonly<Record<string, number>>;
  readonly lostBounds: Readonly<Record<string, number>>;
}

/**
 * Reads one `COPY … TO STDOUT (FORMAT binary)` into a sink. The driver takes it for a query without rows: it sees the
 * messages that start and end the COPY, and errors, but none of the data.
 */
export class CopyRead implements CopyReceiver, Submittable {
  readonly result: Promise<CopyReadResult>;
  readonly #text: string;
  readonly #channel: CopyChannel;
  readonly #sink: RowSink;
  readonly #scanner: RowScanner;
  readonly #fields: readonly PostgresField[];
  readonly #decoder: BatchDecoder;
  #resolve: (result: CopyReadResult) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #rows: number | undefined;
  #bytes = 0;
  /** Bytes of rows that are scanned but not decoded. */
  #batchBytes = 0;
  #isMidBatch = false;
  #isOver = false;
  /** Bytes of a message that are still to be discarded. */
  #unwantedBytes = 0;

  constructor(options: {
    readonly request: ReadRequest;
    readonly sink: RowSink;
    readonly channel: CopyChannel;
    /** Encoding of the text in rows, if it is not the session's. */
    readonly encoding?: string | undefined;
    /** In a transaction that outlives the read, gives up the locks that the read takes. */
    readonly releasesLocks: boolean;
  }) {
    const { request, sink, channel, encoding, releasesLocks } = options;
    const copy = inEncoding(encoding, `COPY (${request.slice.query}) TO STDOUT (FORMAT binary)`);
    this.#text = releasesLocks ? inSavepoint(copy) : copy;
    this.#channel = channel;
    this.#sink = sink;
    this.#scanner = new RowScanner(request.columns.length, sink.columns[0]?.memory.kernels);
    const { onUnrepresentable } = request;
    this.#fields = request.columns.map(({ decoder }, i) =>
      bindField(decoder, columnOf(sink, i), { onUnrepresentable }),
    );
    this.#decoder = new BatchDecoder({
      sink,
      fields: this.#fields,
      policy: { onUnrepresentable, explain: (cause, column) => explain(cause, column, request) },
      capacity: this.#scanner.capacity,
    });
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get holdsBytes(): boolean {
    return !this.#isOver && this.#scanner.rows > 0;
  }

  /** Whether the read has failed. Anything that still arrives is discarded. */
  get isOver(): boolean {
    return this.#isOver;
  }

  receive(buffer: ReceiveBuffer, forward: (message: Uint8Array) => void): Promise<void> | number {
    if (this.#isMidBatch && !this.#isOver) {
      const wait = this.release(buffer);
      if (wait !== undefined) return wait;
    }
    for (;;) {
      if (this.#isOver) return this.#throwAway(buffer, forward);
      const before = buffer.start;
      const end = this.#scanner.scan(buffer);
      this.#batchBytes += buffer.start - before;
      if (end.kind === 'incomplete') return end.messageBytes;
      const wait = this.release(buffer);
      if (wait !== undefined) return wait;
      if (end.kind === 'full') continue;
      if (this.#pass(end.messageBytes, buffer, forward)) return 0;
    }
  }

  /** Forwards a complete message. @returns whether it is the last one */
  #pass(messageBytes: number, buffer: ReceiveBuffer, forward: (message: Uint8Array) => void): boolean {
    const message = buffer.bytes.subarray(buffer.start, buffer.start + messageBytes);
    buffer.start += messageBytes;
    const isLast = message[0] === READY_FOR_QUERY;
    if (isLast) this.#channel.end();
    forward(message);
    return isLast;
  }

  /** After a failure only the driver's messages matter. */
  #throwAway(buffer: ReceiveBuffer, forward: (message: Uint8Array) => void): number {
    for (;;) {
      const unwanted = Math.min(this.#unwantedBytes, buffer.end - buffer.start);
      buffer.start += unwanted;
      this.#unwantedBytes -= unwanted;
      const held = buffer.end - buffer.start;
      if (this.#unwantedBytes > 0 || held < MESSAGE_HEADER_BYTES) return 0;
      const messageBytes = 1 + buffer.view.getInt32(buffer.start + 1);
      if (messageBytes < MESSAGE_HEADER_BYTES) throw new Error('the message has no length');
      if (buffer.bytes[buffer.start] === COPY_DATA) this.#unwantedBytes = messageBytes;
      else if (held < messageBytes) return messageBytes;
      else if (this.#pass(messageBytes, buffer, forward)) return 0;
    }
  }

  release(buffer: ReceiveBuffer): Promise<void> | undefined {
    const wait = this.#decoder.decode(this.#scanner, buffer, this.#batchBytes);
    this.#isMidBatch = wait !== undefined;
    if (wait === undefined) {
      this.#bytes += this.#batchBytes;
      this.#sink.received?.(this.#batchBytes);
      this.#batchBytes = 0;
    }
    return wait;
  }

  /** Ends the read with this error. The connection is in the middle of a COPY and cannot be reused. */
  fail(error: unknown): void {
    this.#isOver = true;
    this.#reject(error);
  }

  submit(connection: Connection): void {
    this.#channel.begin(this);
    connection.query(this.#text);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    const [, rows] = /^COPY (\d+)$/.exec(message.text) ?? [];
    if (rows !== undefined) this.#rows = Number(rows);
  }

  /** Called by the driver when this query ends in an error of the server or the connection. */
  handleError(error: unknown): void {
    this.fail(error);
  }

  handleReadyForQuery(): void {
    if (this.#rows === undefined) this.#reject(new Error('COPY ended without a count'));
    else {
      const { unrepresentable } = this.#decoder;
      this.#resolve({ rows: this.#rows, bytes: this.#bytes, unrepresentable, lostBounds: this.#lostBounds() });
    }
  }

  /** Arrays whose bounds were dropped so far, by column name. */
  #lostBounds(): Record<string, number> {
    return countsByName(
      this.#sink.columns,
      this.#fields.map(({ tally }) => tally.lostBounds),
    );
  }

  handleRowDescription(): void {
    // COPY has none.
  }

  handleDataRow(): void {
    // COPY has none.
  }

  handleEmptyQuery(): void {
    // COPY is never empty.
  }

  handlePortalSuspended(): void {
    // COPY has no portal.
  }

  handleCopyInResponse(): void {
    // It goes the other way.
  }

  handleCopyData(): void {
    // Taken by the channel before the driver sees it.
  }
}

function explain(cause: UnrepresentableValue, index: number, request: ReadRequest): Error {
  const column = request.columns[index];
  return column === undefined ? cause : unrepresentableError(cause, column, request);
}

/**
 * A transaction holds its locks on tables, indexes and TOAST tables until it ends, and the server has room for a limited
 * number of them. Rolling back to a savepoint gives them up. In one message, it costs no round trip.
 */
function inSavepoint(statements: string): string {
  return `SAVEPOINT slice; ${statements}; ROLLBACK TO SAVEPOINT slice; RELEASE SAVEPOINT slice`;
}

/** One message with several statements: the server parses all of it as UTF-8, but sends rows in the other encoding. */
function inEncoding(encoding: string | undefined, copy: string): string {
  if (encoding === undefined) return copy;
  return `SET LOCAL client_encoding = ${encoding}; ${copy}; SET LOCAL client_encoding = 'UTF8'`;
}
