import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { RowSink } from '../../../columns/row-sink.js';
import type { ReadColumn, ReadRequest } from '../../source.js';
import { unrepresentableError } from '../unrepresentable-error.js';
import type { ArrayTally } from '../decode/arrays.js';
import { bindDecoder, unrepresentableBy } from '../decode/decoders.js';
import { type FieldDecoder, type Unrepresentable, UnrepresentableValue, type WireChunk } from '../decode/wire.js';
import type { RowScanner } from './row-scanner.js';

/** A batch with a row larger than this takes no dictionary: one entry alone would exceed every bound. */
const LARGE_BATCH_BYTES = 1 << 20;

interface BoundColumn {
  readonly source: ReadColumn;
  readonly tally: ArrayTally;
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
  /** Rows of the scanner's table that are in the sink already. */
  #done = 0;

  constructor(request: ReadRequest, sink: RowSink, capacity: number) {
    this.#request = request;
    this.#sink = sink;
    this.#dense = new Int32Array(capacity);
    const { onUnrepresentable } = request;
    this.#columns = request.columns.map((source, i) => {
      const { decoder } = source;
      const column = sink.columns[i];
      if (column === undefined) throw new TypeError('the sink has fewer columns than the read');
      const tally = { unrepresentable: 0, lostBounds: 0 };
      return {
        source,
        tally,
        column,
        decode: bindDecoder(decoder, column, { onUnrepresentable, tally }),
        isArray: decoder.kind === 'array',
        isUnrepresentable: onUnrepresentable === 'null' ? unrepresentableBy(decoder) : undefined,
      };
    });
  }

  /** Values written as NULL so far, by column name. */
  get unrepresentable(): Record<string, number> {
    return this.#counted(({ tally }) => tally.unrepresentable);
  }

  /** Arrays so far whose bounds are given up, by column name. */
  get lostBounds(): Record<string, number> {
    return this.#counted(({ tally }) => tally.lostBounds);
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
        bound.tally.unrepresentable += dropUnrepresentable(isUnrepresentable, offsets, wire, from, to);
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
      if (thrown instanceof UnrepresentableValue) throw unrepresentableError(thrown, bound.source, this.#request);
      throw thrown;
    }
  }

  #counted(count: (column: BoundColumn) => number): Record<string, number> {
    const counts = this.#columns.map((bound) => [bound.source.spec.name, count(bound)] as const);
    return Object.fromEntries(counts.filter(([, number]) => number > 0));
  }
}

/** Makes NULLs of them. @returns of how many */
function dropUnrepresentable(
  isUnrepresentable: Unrepresentable,
  offsets: Int32Array,
  wire: WireChunk,
  from: number,
  to: number,
): number {
  let dropped = 0;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    if (offset < 0 || !isUnrepresentable(wire, offset)) continue;
    offsets[i] = -1;
    dropped++;
  }
  return dropped;
}
