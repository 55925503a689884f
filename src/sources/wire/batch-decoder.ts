import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { Kernels } from '../../kernels/kernels.js';
import type { RowSink } from '../../columns/row-sink.js';
import { type FieldDecoder, type Unrepresentable, UnrepresentableValue, type WireChunk } from './wire.js';

/** A batch with a larger row uses no dictionary: one entry would exceed every limit. */
const LARGE_BATCH_BYTES = 1 << 20;

/** A column bound to its decoder; once per read, never per value. */
export interface BoundField {
  readonly decode: FieldDecoder;
  /** Undefined if every value fits the Parquet type. */
  readonly isUnrepresentable: Unrepresentable | undefined;
  /** Whether `decode` also appends levels, and gets NULLs (negative offsets): lists have levels of their own. */
  readonly writesLevels?: boolean | undefined;
  /** Counts the values that the decoder itself writes as NULL. */
  readonly tally?: { unrepresentable: number } | undefined;
  /** Joins fragmented fields in place and corrects their offsets; gets NULLs too. */
  readonly gather?: FieldDecoder | undefined;
}

/** A scanner's result: the offset of row `r` of column `c` is at `c * stride + r`; negative for NULL. */
export interface FieldOffsets {
  readonly stride: number;
  readonly offsets: Int32Array;
  /** Number of rows found; 0 after decoding. */
  rows: number;
}

/** What to do with a value that does not fit the column's Parquet type. */
export interface UnrepresentablePolicy {
  readonly onUnrepresentable: 'error' | 'null';
  /** The error that names the column. */
  readonly explain: (cause: UnrepresentableValue, column: number) => Error;
}

const ONE = Int32Array.of(0);

/** Second pass over rows: decodes each column's fields into the column's buffer, in one loop. */
export class BatchDecoder {
  readonly #sink: RowSink;
  readonly #fields: readonly BoundField[];
  readonly #columns: readonly ColumnBuffer[];
  readonly #positions: readonly number[] | undefined;
  readonly #policy: UnrepresentablePolicy;
  /** One column's offsets without NULLs; in the kernels' memory, if there are kernels. */
  readonly #dense: Int32Array;
  readonly #kernels: Kernels | undefined;
  /** By column. */
  readonly #tallies: readonly { unrepresentable: number }[];
  /** Rows of the scanner's table that are already in the sink. */
  #done = 0;

  constructor(options: {
    readonly sink: RowSink;
    readonly fields: readonly BoundField[];
    /** Where each field's column is among the scanner's; by default they have all of them in common. */
    readonly positions?: readonly number[] | undefined;
    readonly policy: UnrepresentablePolicy;
    /** Maximum number of rows in a batch. */
    readonly capacity: number;
  }) {
    const { sink, fields } = options;
    this.#sink = sink;
    this.#fields = fields;
    this.#columns = fields.map((_, i) => columnOf(sink, i));
    this.#positions = options.positions;
    this.#policy = options.policy;
    this.#kernels = this.#columns[0]?.memory.kernels;
    // One more, which the kernel may write behind the last.
    const scratch = this.#kernels?.scratch('dense', (options.capacity + 1) * 4);
    this.#dense =
      scratch === undefined
        ? new Int32Array(options.capacity)
        : new Int32Array(scratch.buffer, scratch.byteOffset, options.capacity + 1);
    this.#tallies = fields.map(({ tally }) => tally ?? { unrepresentable: 0 });
  }

  /** Values written as NULL so far, by column name. */
  get unrepresentable(): Record<string, number> {
    return countsByName(
      this.#columns,
      this.#tallies.map(({ unrepresentable }) => unrepresentable),
    );
  }

  /**
   * Decodes the rows of the table and empties it. If it returns a promise, the sink must be awaited, and the rest is decoded
   * by calling again.
   * @param wireBytes of the batch, if it may have a row of any size
   * @throws as the policy decides for an unrepresentable value
   */
  decode(table: FieldOffsets, wire: WireChunk, wireBytes = 0): Promise<void> | undefined {
    if (wireBytes > LARGE_BATCH_BYTES) for (const column of this.#columns) column.abandonDictionary();
    while (this.#done < table.rows) {
      const from = this.#done;
      const to = Math.min(table.rows, from + this.#sink.room);
      this.#fields.forEach((field, i) => {
        const base = (this.#positions?.[i] ?? i) * table.stride;
        this.#decodeColumn(i, field, table.offsets, wire, base + from, base + to);
      });
      this.#done = to;
      const wait = this.#sink.commit(to - from);
      if (wait !== undefined) return wait;
    }
    this.#done = 0;
    table.rows = 0;
    return undefined;
  }

  /** Decodes a single field of a row; a negative offset is a NULL. */
  decodeField(index: number, wire: WireChunk, offset: number): void {
    const field = this.#fields[index];
    if (field === undefined) throw new TypeError('A row has more fields than columns');
    ONE[0] = offset;
    this.#decodeColumn(index, field, ONE, wire, 0, 1);
  }

  /** Writes NULL in place of a value. @throws if the policy is to stop */
  refuse(index: number, cause: UnrepresentableValue): void {
    if (this.#policy.onUnrepresentable === 'error') throw this.#policy.explain(cause, index);
    this.#count(index, 1);
    ONE[0] = -1;
    columnOf(this.#sink, index).levels.appendOffsets(ONE, 0, 1);
  }

  #decodeColumn(
    index: number,
    field: BoundField,
    offsets: Int32Array,
    wire: WireChunk,
    from: number,
    to: number,
  ): void {
    const { levels } = columnOf(this.#sink, index);
    const { decode, isUnrepresentable } = field;
    try {
      field.gather?.(wire, offsets, from, to);
      if (isUnrepresentable !== undefined && this.#policy.onUnrepresentable === 'null')
        this.#count(index, dropUnrepresentable(isUnrepresentable, offsets, wire, from, to));
      if (field.writesLevels === true) {
        decode(wire, offsets, from, to);
        return;
      }
      const nulls = levels.appendOffsets(offsets, from, to);
      if (nulls === 0) {
        decode(wire, offsets, from, to);
        return;
      }
      if (levels.maxDefinition === 0) throw new Error('NULL in a column declared NOT NULL');
      const count = this.#compact(offsets, from, to);
      if (count > 0) decode(wire, this.#dense, 0, count);
    } catch (thrown) {
      if (thrown instanceof UnrepresentableValue) throw this.#policy.explain(thrown, index);
      throw thrown;
    }
  }

  /** Moves the offsets that are not NULL to `#dense`. @returns how many */
  #compact(offsets: Int32Array, from: number, to: number): number {
    const dense = this.#dense;
    const kernels = this.#kernels;
    const address = kernels?.address(offsets) ?? -1;
    if (kernels !== undefined && address >= 0 && kernels.address(dense) >= 0) {
      return kernels.run.dense(address + from * 4, to - from, dense.byteOffset);
    }
    let count = 0;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number; // i is within bounds
      dense[count] = offset;
      count += offset < 0 ? 0 : 1;
    }
    return count;
  }

  #count(index: number, values: number): void {
    const tally = this.#tallies[index];
    if (tally !== undefined) tally.unrepresentable += values;
  }
}

/** Nonzero counts, by column name. */
export function countsByName(columns: readonly ColumnBuffer[], counts: readonly number[]): Record<string, number> {
  const named = columns.map(({ spec }, i) => [spec.name, counts[i] ?? 0] as const);
  return Object.fromEntries(named.filter(([, count]) => count > 0));
}

/** @throws TypeError if the sink belongs to another read, which is a bug */
export function columnOf(sink: RowSink, index: number): ColumnBuffer {
  const column = sink.columns[index];
  if (column === undefined) throw new TypeError('The sink has fewer columns than the read');
  return column;
}

/** Turns them into NULLs. @returns how many */
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
