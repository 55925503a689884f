import { datasetId } from '../../../model/dataset.js';
import { tableName } from '../../../model/table.js';
import type { RowSink } from '../../../columns/row-sink.js';
import { LakeportError } from '../../../errors.js';
import type { ReadRequest, ReadResult } from '../../source.js';
import type { MssqlClient, StatementParameters } from '../connection/client.js';
import { bindField, type MssqlField } from '../decode/decoders.js';
import type { UnrepresentableValue } from '../../wire/wire.js';
import { readColumnTypes } from '../tds/column-types.js';
import { RowStream } from '../tds/row-stream.js';
import { displayWireType, type WireType } from '../tds/wire-type.js';

/** Streams a slice's query into a sink. */
export class SliceRead {
  /** Rejects with the abort reason if the read was aborted, otherwise with the driver's or the server's error. */
  readonly result: Promise<ReadResult>;
  /** Settles when the connection is done with the query. */
  readonly ended: Promise<void>;
  readonly #client: MssqlClient;
  readonly #stream: RowStream;
  #reject: (reason: unknown) => void = () => undefined;

  /** @param parameters of the slice's query */
  constructor(client: MssqlClient, request: ReadRequest, sink: RowSink, parameters: StatementParameters = {}) {
    this.#client = client;
    const stream = new RowStream({
      sink,
      policy: {
        onUnrepresentable: request.onUnrepresentable,
        explain: (cause, index) => unrepresentable(cause, index, request),
      },
      readColumns: (input) => readColumnTypes(input, client.parserOptions),
      bind: (types) => bindFields(types, request, sink),
      onFailure: (error) => this.giveUp(error),
    });
    this.#stream = stream;
    const done = client.stream(request.slice.query, (response) => stream.filter(response), parameters);
    this.ended = done.then(
      () => undefined,
      () => undefined,
    );
    this.result = new Promise((resolve, reject) => {
      this.#reject = reject;
      done.then(({ rows }) => {
        resolve({ rows: rows ?? stream.rows, bytes: stream.bytes, unrepresentable: stream.unrepresentable });
      }, reject);
    });
    // A failed read writes no more rows to the sink.
    this.result.catch(() => stream.stop());
  }

  /** Ends the read with this reason and cancels its query on the server. */
  giveUp(reason: unknown): void {
    this.#reject(reason);
    this.#stream.stop();
    this.#client.cancel();
  }
}

function bindFields(types: readonly WireType[], { columns, dataset }: ReadRequest, sink: RowSink): MssqlField[] {
  if (types.length !== columns.length) {
    throw changed(`The result has ${types.length} columns instead of ${columns.length}`);
  }
  return columns.map(({ spec, decoder }, i) => {
    const [type, column] = [types[i], sink.columns[i]];
    if (type === undefined || column === undefined) throw new TypeError('The sink has fewer columns than the read');
    const field = bindField(decoder, column, type);
    if (field !== undefined) return field;
    const arrived = displayWireType(type);
    throw changed(`Column ${spec.name} (${spec.sourceType}) arrives as ${arrived}`).within({
      table: tableName(datasetId(dataset)),
      column: spec.name,
    });
  });
}

function changed(message: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_CHANGED',
    message,
    hint: 'Its columns changed after planning: run again',
  });
}

function unrepresentable(cause: UnrepresentableValue, index: number, request: ReadRequest): Error {
  const spec = request.columns[index]?.spec;
  if (spec === undefined) return cause;
  const { name, sourceType, type } = spec;
  const table = tableName(datasetId(request.dataset));
  const isTime = type.logical?.kind === 'timestamp';
  const ways = [
    '--on-unrepresentable null writes such values as NULL and counts them',
    isTime
      ? '--timestamp-unit us writes all years, without the seventh digit'
      : 'or export a view that selects the column as varbinary (with --include-views)',
  ];
  return new LakeportError({
    code: 'UNREPRESENTABLE_VALUE',
    message: `Column ${name} (${sourceType}) of ${table} holds ${cause.message}`,
    hint: ways.join('; '),
    context: { table, column: name, slice: request.slice.index },
    cause,
  });
}
