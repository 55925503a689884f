import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { RowSink } from '../../../columns/row-sink.js';
import { LakeportError } from '../../../errors.js';
import type { ReadRequest } from '../../source.js';
import { bindDecoder, type Unrepresentable, unrepresentableBy } from '../decode/decoders.js';
import { type FieldDecoder, UndecodableText, UnrepresentableValue, type WireChunk } from '../decode/wire.js';
import type { RowScanner } from './row-scanner.js';

/** A batch with a row larger than this takes no dictionary: one entry alone would exceed every bound. */
const LARGE_BATCH_BYTES = 1 << 20;

interface BoundColumn {
  readonly column: ColumnBuffer;
  readonly decode: FieldDecoder;
  readonly isArray: boolean;
  /** Given where unrepresentable values are to be written as NULL. */
  readonly isUnrepresentable: Unrepresentable | undefined;
}

/** Second pass over a binary COPY: each column's fields, found by the scanner, go into the column's buffer. */
export class RowDecoder {
  readonly #request: ReadRequest;
  readonly #sink: RowSink;
  readonly #columns: readonly BoundColumn[];
  /** Offsets of one column without its NULLs. */
  readonly #dense: Int32Array;
  readonly #unrepresentable = new Map<string, number>();
  /** Rows of the scanner's table that are in the sink already. */
  #done = 0;

  constructor(request: ReadRequest, sink: RowSink, capacity: number) {
    this.#request = request;
    this.#sink = sink;
    this.#dense = new Int32Array(capacity);
    this.#columns = request.columns.map(({ decoder }, i) => {
      const column = sink.columns[i];
      if (column === undefined) throw new TypeError('the sink has fewer columns than the read');
      return {
        column,
        decode: bindDecoder(decoder, column),
        isArray: decoder.kind === 'array',
        isUnrepresentable: request.onUnrepresentable === 'null' ? unrepresentableBy(decoder) : undefined,
      };
    });
  }

  /** Values written as NULL so far, by column name. */
  get unrepresentable(): Record<string, number> {
    return Object.fromEntries(this.#unrepresentable);
  }

  /**
   * Decodes the scanner's rows and empties it. Where a promise comes back, the sink must be waited for, and the rest
   * is decoded by another call.
   * @throws LakeportError UNREPRESENTABLE_VALUE
   */
  decode(scanner: RowScanner, wire: WireChunk, wireBytes: number): Promise<void> | undefined {
    if (wireBytes > LARGE_BATCH_BYTES) for (const { column } of this.#columns) column.abandonDictionary();
    while (this.#done < scanner.rows) {
      const from = this.#done;
      const to = Math.min(scanner.rows, from + this.#sink.room);
      this.#columns.forEach((bound, i) => {
        this.#decodeColumn(bound, scanner.offsets, wire, i * scanner.capacity + from, i * scanner.capacity + to);
      });
      this.#done = to;
      const wait = this.#sink.commit(to - from);
      if (wait !== undefined) return wait;
    }
    this.#done = 0;
    scanner.rows = 0;
    return undefined;
  }

  #decodeColumn(bound: BoundColumn, offsets: Int32Array, wire: WireChunk, from: number, to: number): void {
    const { column, decode, isArray, isUnrepresentable } = bound;
    try {
      if (isUnrepresentable !== undefined)
        this.#dropUnrepresentable(column, isUnrepresentable, offsets, wire, from, to);
      if (isArray) {
        decode(wire, offsets, from, to);
        return;
      }
      const nulls = column.levels.appendOffsets(offsets, from, to);
      if (nulls === 0) {
        decode(wire, offsets, from, to);
        return;
      }
      if (column.levels.maxDefinition === 0) throw new Error('NULL in a column that is declared NOT NULL');
      const dense = this.#dense;
      let count = 0;
      for (let i = from; i < to; i++) {
        const offset = offsets[i] as number; // i is within bounds
        dense[count] = offset;
        count += offset < 0 ? 0 : 1;
      }
      if (count > 0) decode(wire, dense, 0, count);
    } catch (thrown) {
      if (thrown instanceof UnrepresentableValue) throw this.#unrepresentableError(thrown, column);
      throw thrown;
    }
  }

  #dropUnrepresentable(
    column: ColumnBuffer,
    isUnrepresentable: Unrepresentable,
    offsets: Int32Array,
    wire: WireChunk,
    from: number,
    to: number,
  ): void {
    let dropped = 0;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number; // i is within bounds
      if (offset < 0 || !isUnrepresentable(wire, offset)) continue;
      offsets[i] = -1;
      dropped++;
    }
    if (dropped === 0) return;
    const { name } = column.spec;
    this.#unrepresentable.set(name, (this.#unrepresentable.get(name) ?? 0) + dropped);
  }

  #unrepresentableError(cause: UnrepresentableValue, column: ColumnBuffer): LakeportError {
    const { table, slice } = this.#request;
    const { name, sourceType, list } = column.spec;
    const isText = cause instanceof UndecodableText;
    const ways = [
      '--on_unrepresentable null writes such values as NULL and counts them',
      ...(isText && cause.encoding === 'UTF-8'
        ? ['"source_encoding" of the entry, such as "LATIN1", decodes the text of a database without an encoding']
        : []),
      ...(sourceType.startsWith('numeric') ? ['--unbounded_numeric text keeps every number as text'] : []),
      isText
        ? 'or correct the text in the database'
        : `or export a view that selects ${list ? 'the array' : 'the column'} as text (with --include_views)`,
    ];
    return new LakeportError({
      code: isText ? 'TEXT_NOT_DECODABLE' : 'UNREPRESENTABLE_VALUE',
      exit: 'unrepresentable',
      message: `Column ${name} (${sourceType}) of ${table.schema}.${table.name} holds ${cause.message}`,
      hint: ways.join('; '),
      context: { table: `${table.schema}.${table.name}`, column: name, slice: slice.index },
      cause,
    });
  }
}
