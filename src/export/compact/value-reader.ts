import type { ColumnBuffer } from '../../columns/column-buffer.js';
import { viewOf } from '../../kernels/memory.js';
import { appendBytes } from './append-bytes.js';

const VALUE = new Int32Array([0]);
const NULL = new Int32Array([-1]);

/** Takes the values of a key apart, as `RowKeys` has put them together. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(key: Uint8Array) {
    this.#bytes = key;
    this.#view = viewOf(key);
  }

  /** Appends the next value, one row, to its column. */
  appendTo(column: ColumnBuffer): void {
    const isNull = this.#bytes[this.#at++] === 0;
    column.levels.appendOffsets(isNull ? NULL : VALUE, 0, 1);
    if (isNull) return;
    column.reserve(1);
    switch (column.kind) {
      case 'boolean':
        column.values[column.valueCount++] = this.#bytes[this.#take(1)] ?? 0;
        break;
      case 'int32':
        column.values[column.end] = this.#view.getInt32(this.#take(4), true);
        column.takeTo(column.end + 1);
        break;
      case 'int64': {
        const at = this.#take(8);
        column.words[column.end << 1] = this.#view.getInt32(at, true);
        column.words[(column.end << 1) + 1] = this.#view.getInt32(at + 4, true);
        column.takeTo(column.end + 1);
        break;
      }
      case 'fixed': {
        const at = this.#take(column.width);
        column.data.set(this.#bytes.subarray(at, at + column.width), column.end);
        column.take(1);
        break;
      }
      case 'bytes': {
        const length = this.#view.getInt32(this.#take(4), true);
        appendBytes(column, { bytes: this.#bytes, view: this.#view, start: this.#take(length), length });
        break;
      }
      default:
        column satisfies never;
    }
  }

  /** Goes on by so many bytes. @returns where they begin */
  #take(length: number): number {
    this.#at += length;
    return this.#at - length;
  }
}
