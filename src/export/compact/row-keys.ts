import type { ColumnBuffer } from '../../columns/column-buffer.js';
import { viewOf } from '../../kernels/memory.js';
import type { KeyBytes } from './key-index.js';

/**
 * The keys of a batch of rows, as bytes that are equal where the keys are: for each column whether there is a value, and
 * the value in PLAIN encoding. NULL equals NULL, 0.0 equals -0.0, and NaN equals NaN, as databases group them.
 */
export class RowKeys implements KeyBytes {
  bytes = new Uint8Array(4096);
  /** Over the same bytes. */
  view = viewOf(this.bytes);
  /** Of each key in the bytes, and the end of the last. */
  offsets = new Int32Array(1025);
  readonly #columns: readonly ColumnBuffer[];

  /** @param columns without dictionaries: none of them has started a row group */
  constructor(columns: readonly ColumnBuffer[]) {
    this.#columns = columns;
  }

  /** Takes the keys of the rows that the columns hold, and clears them. */
  take(rows: number): void {
    if (this.offsets.length <= rows) this.offsets = new Int32Array(rows * 2 + 1);
    const { offsets } = this;
    const columns = this.#columns.map((column) => new HeldValues(column));
    let at = 0;
    for (let row = 0; row < rows; row++) {
      offsets[row] = at;
      for (const column of columns) {
        const length = column.lengthAt(row);
        if (at + 1 + length > this.bytes.length) this.#grow(at + 1 + length);
        this.bytes[at++] = length < 0 ? 0 : 1;
        if (length > 0) at = column.takeTo(this.bytes, this.view, at);
      }
    }
    offsets[rows] = at;
    for (const column of this.#columns) column.clearPage();
  }

  #grow(needed: number): void {
    const longer = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    longer.set(this.bytes);
    this.bytes = longer;
    this.view = viewOf(longer);
  }
}

/** A NaN of each width, instead of those of other bits. */
const NAN32 = 0x7fc0_0000;
const NAN64_HIGH = 0x7ff8_0000;

/** The values that a column holds, one after the other. */
class HeldValues {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #levels: Uint8Array | undefined;
  readonly #physical: ColumnBuffer['spec']['type']['physical'];
  /** Of each value; undefined for byte arrays, which have their length before them. */
  readonly #width: number | undefined;
  #at = 0;
  #length = 0;

  constructor(column: ColumnBuffer) {
    this.#bytes = column.kind === 'boolean' ? column.values : column.plain();
    this.#view = viewOf(this.#bytes);
    this.#levels = column.levels.definition;
    this.#physical = column.spec.type.physical;
    this.#width = widthOf(column);
  }

  /** Bytes of the next value, negative for NULL. */
  lengthAt(row: number): number {
    if (this.#levels?.[row] === 0) return -1;
    this.#length = this.#width ?? 4 + this.#view.getInt32(this.#at, true);
    return this.#length;
  }

  /** Copies the value whose length was asked for. @returns its end */
  takeTo(out: Uint8Array, view: DataView, at: number): number {
    const length = this.#length;
    const from = this.#at;
    const end = at + length;
    if (length === 4 || length === 8) {
      view.setInt32(at, this.#view.getInt32(from));
      if (length === 8) view.setInt32(at + 4, this.#view.getInt32(from + 4));
      if (this.#physical === 'FLOAT') unifyFloat(view, at);
      else if (this.#physical === 'DOUBLE') unifyDouble(view, at);
    } else for (let i = 0; i < length; i++) out[at + i] = this.#bytes[from + i] as number; // within the value
    this.#at = from + length;
    return end;
  }
}

function widthOf(column: ColumnBuffer): number | undefined {
  switch (column.kind) {
    case 'boolean':
      return 1;
    case 'int32':
      return 4;
    case 'int64':
      return 8;
    case 'fixed':
      return column.width;
    case 'bytes':
      return undefined;
    default:
      return column satisfies never;
  }
}

function unifyFloat(view: DataView, at: number): void {
  const value = view.getFloat32(at, true);
  if (value === 0) view.setInt32(at, 0);
  else if (Number.isNaN(value)) view.setInt32(at, NAN32, true);
}

function unifyDouble(view: DataView, at: number): void {
  const value = view.getFloat64(at, true);
  if (value !== 0 && !Number.isNaN(value)) return;
  view.setInt32(at, 0);
  view.setInt32(at + 4, value === 0 ? 0 : NAN64_HIGH, true);
}
