import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';
import { Int32Dictionary } from './int32-dictionary.js';
import { grown } from '../kernels/memory.js';
import type { Kernels } from '../kernels/kernels.js';

/** INT32 and FLOAT (by its bits). */
export class Int32Column extends BaseColumn<Int32Dictionary> {
  readonly kind = 'int32';
  declare readonly dictionary: Int32Dictionary;
  /** Plain values; valid up to `valueCount`, while not `usesDictionary`. */
  values: Int32Array<ArrayBuffer> = new Int32Array(0);
  protected readonly valueBytes = 4;

  constructor(options: ColumnBufferOptions) {
    super(options, new Int32Dictionary(options.memory));
  }

  get plainLength(): number {
    return this.valueCount * 4;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.values.buffer, this.values.byteOffset, this.plainLength);
  }

  protected reservePlain(values: number): void {
    const needed = this.valueCount + values;
    if (needed <= this.values.length) return;
    this.values = grown(this.memory, this.values, Math.max(needed, this.values.length * 2, 1024));
  }

  protected get store(): ArrayBufferView {
    return this.values;
  }

  protected intern(kernels: Kernels, values: number, count: number, indices: number): boolean {
    return this.dictionary.internAll(kernels, values, count, indices);
  }

  protected appendEntries(indices: Int32Array, count: number): void {
    this.reservePlain(count);
    const { keys } = this.dictionary;
    for (let i = 0; i < count; i++) this.values[i] = keys[indices[i] as number] as number; // indices are the dictionary's own
  }

  protected clearValues(): void {
    // Only the count changes.
  }
}
