import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { RowSink } from '../../../columns/row-sink.js';
import type { BoundField } from '../decode/decoders.js';
import { UnrepresentableValue, type WireChunk } from '../decode/wire.js';
import { gatherChunks } from './chunks.js';
import type { RowScanner } from './row-scanner.js';
import { CHUNKS } from './wire-type.js';

/** What is to be done with a value that the column's Parquet type lacks. */
export interface UnrepresentablePolicy {
  readonly onUnrepresentable: 'error' | 'null';
  /** The error that says which column it was. */
  readonly explain: (cause: UnrepresentableValue, column: ColumnBuffer) => Error;
}

const ONE = Int32Array.of(0);

/** Second pass over rows: each column's fields, found by the scanner, go into the column's buffer. */
export class RowDecoder {
  readonly #sink: RowSink;
  readonly #fields: readonly BoundField[];
  readonly #policy: UnrepresentablePolicy;
  /** Offsets of one column without its NULLs. */
  readonly #dense: Int32Array;
  readonly #unrepresentable = new Map<string, number>();
  /** Rows of the scanner's table that are in the sink already. */
  #done = 0;

  constructor(options: {
    readonly sink: RowSink;
    readonly fields: readonly BoundField[];
    readonly policy: UnrepresentablePolicy;
    readonly capacity: number;
  }) {
    this.#sink = options.sink;
    this.#fields = options.fields;
    this.#policy = options.policy;
    this.#dense = new Int32Array(options.capacity);
  }

  /** Values written as NULL so far, by column name. */
  get unrepresentable(): Record<string, number> {
    return Object.fromEntries(this.#unrepresentable);
  }

  /**
   * Decodes the scanner's rows and empties it. Where a promise comes back, the sink must be waited for, and the rest
   * is decoded by another call.
   */
  decode(scanner: RowScanner, wire: WireChunk): Promise<void> | undefined {
    while (this.#done < scanner.rows) {
      const from = this.#done;
      const to = Math.min(scanner.rows, from + this.#sink.room);
      this.#fields.forEach((field, i) => {
        const base = i * scanner.capacity;
        this.#decodeColumn(field, this.column(i), scanner.offsets, wire, base + from, base + to);
      });
      this.#done = to;
      const wait = this.#sink.commit(to - from);
      if (wait !== undefined) return wait;
    }
    this.#done = 0;
    scanner.rows = 0;
    return undefined;
  }

  /** The field of a row that is decoded by itself; a negative offset is a NULL. */
  decodeField(index: number, wire: WireChunk, offset: number): void {
    const field = this.#fields[index];
    if (field === undefined) throw new TypeError('a row with more fields than columns');
    ONE[0] = offset;
    this.#decodeColumn(field, this.column(index), ONE, wire, 0, 1);
  }

  column(index: number): ColumnBuffer {
    const column = this.#sink.columns[index];
    if (column === undefined) throw new TypeError('the sink has fewer columns than the read');
    return column;
  }

  /** Writes NULL in place of a value. @throws where the policy is to stop */
  refuse(column: ColumnBuffer, cause: UnrepresentableValue): void {
    if (this.#policy.onUnrepresentable === 'error') throw this.#policy.explain(cause, column);
    this.#count(column, 1);
    ONE[0] = -1;
    column.levels.appendOffsets(ONE, 0, 1);
  }

  #decodeColumn(
    field: BoundField,
    column: ColumnBuffer,
    offsets: Int32Array,
    wire: WireChunk,
    from: number,
    to: number,
  ): void {
    if (field.layout === CHUNKS) gatherAll(wire, offsets, from, to);
    try {
      if (this.#policy.onUnrepresentable === 'null' && field.isUnrepresentable !== undefined) {
        this.#dropUnrepresentable(column, field.isUnrepresentable, offsets, wire, from, to);
      }
      const nulls = column.levels.appendOffsets(offsets, from, to);
      if (nulls === 0) {
        field.decode(wire, offsets, from, to);
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
      if (count > 0) field.decode(wire, dense, 0, count);
    } catch (thrown) {
      if (thrown instanceof UnrepresentableValue) throw this.#policy.explain(thrown, column);
      throw thrown;
    }
  }

  #dropUnrepresentable(
    column: ColumnBuffer,
    isUnrepresentable: NonNullable<BoundField['isUnrepresentable']>,
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
    if (dropped > 0) this.#count(column, dropped);
  }

  #count(column: ColumnBuffer, values: number): void {
    const { name } = column.spec;
    this.#unrepresentable.set(name, (this.#unrepresentable.get(name) ?? 0) + values);
  }
}

function gatherAll(wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    if (offset >= 0) offsets[i] = gatherChunks(wire, offset);
  }
}
