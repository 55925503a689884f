import { viewOf } from '../kernels/memory.js';
import type { BytesColumn } from './bytes-column.js';
import type { ColumnBuffer } from './column-buffer.js';
import type { Int64Column } from './int64-column.js';

/** Fills a column with one value: an entry of its dictionary, which no row is looked up in. */
export interface ConstantValues {
  /** Appends the value for so many rows. */
  append(rows: number): void;
}

/** @param value text for a column of strings, a whole number in digits for one of 64 bits */
export function constantValues(column: ColumnBuffer, value: string): ConstantValues {
  switch (column.kind) {
    case 'bytes':
      return new ConstantText(column, new TextEncoder().encode(value));
    case 'int64':
      return new ConstantNumber(column, BigInt(value));
    case 'int32':
    case 'fixed':
    case 'boolean':
      throw new TypeError(`No constant is written as ${column.kind}`);
    default:
      return column satisfies never;
  }
}

class ConstantText implements ConstantValues {
  readonly #column: BytesColumn;
  readonly #value: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(column: BytesColumn, value: Uint8Array<ArrayBuffer>) {
    this.#column = column;
    this.#value = value;
    this.#view = viewOf(value);
  }

  append(rows: number): void {
    const column = this.#column;
    const value = this.#value;
    column.levels.appendPresent(rows);
    if (column.usesDictionary) {
      const index = column.dictionary.intern(value, this.#view, 0, value.length);
      column.reserve(rows);
      column.indices.fill(index, column.valueCount, column.valueCount + rows);
    } else {
      column.reserveBytes(rows * (4 + value.length));
      for (let i = 0; i < rows; i++) {
        column.view.setInt32(column.byteLength, value.length, true);
        column.data.set(value, column.byteLength + 4);
        column.byteLength += 4 + value.length;
      }
    }
    column.valueCount += rows;
  }
}

class ConstantNumber implements ConstantValues {
  readonly #column: Int64Column;
  readonly #low: number;
  readonly #high: number;

  constructor(column: Int64Column, value: bigint) {
    this.#column = column;
    this.#low = Number(BigInt.asIntN(32, value));
    this.#high = Number(BigInt.asIntN(32, value >> 32n));
  }

  append(rows: number): void {
    const column = this.#column;
    column.levels.appendPresent(rows);
    column.reserve(rows);
    const { dictionary, valueCount: held } = column;
    if (column.usesDictionary) {
      column.indices.fill(dictionary.intern(this.#low, this.#high), held, held + rows);
    } else {
      for (let i = held; i < held + rows; i++) {
        column.words[i << 1] = this.#low;
        column.words[(i << 1) + 1] = this.#high;
      }
    }
    column.valueCount += rows;
  }
}
