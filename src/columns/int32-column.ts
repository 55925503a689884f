import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';
import { Int32Dictionary } from './int32-dictionary.js';
import { grown } from '../kernels/memory.js';
import type { Kernels } from '../kernels/kernels.js';

/** Most columns of a table in which each may use a little more memory. */
const FEW_COLUMNS = 64;

/** INT32 and FLOAT (by its bits). */
export class Int32Column extends BaseColumn<Int32Dictionary> {
  readonly kind = 'int32';
  declare readonly dictionary: Int32Dictionary;
  /** Plain values: those held, while not `usesDictionary`, and room for more from `end` on. */
  values: Int32Array<ArrayBuffer> = new Int32Array(0);
  protected readonly valueBytes = 4;

  constructor(options: ColumnBufferOptions) {
    const { memory, tableColumns = 1 } = options;
    super(options, new Int32Dictionary(memory, { hasNear: tableColumns <= FEW_COLUMNS }));
  }

  get plainLength(): number {
    return this.valueCount * 4;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.values.buffer, this.values.byteOffset, this.plainLength);
  }

  /** Index in `values` for the next value. */
  get end(): number {
    return this.usesDictionary ? 0 : this.valueCount;
  }

  override reserve(values: number): void {
    super.reserve(values);
    if (this.usesDictionary) this.#reserveValues(values);
  }

  /** Appends the values written to `values` from `end` up to this index. */
  takeTo(end: number): void {
    if (!this.usesDictionary) {
      this.valueCount = end;
      return;
    }
    if (!this.internStored(end)) {
      const { dictionary, indices, valueCount, values } = this;
      for (let i = 0; i < end; i++) indices[valueCount + i] = dictionary.intern(values[i] as number); // i is below end
    }
    this.valueCount += end;
  }

  protected reservePlain(values: number): void {
    this.#reserveValues(this.valueCount + values);
  }

  #reserveValues(needed: number): void {
    if (needed <= this.values.length) return;
    const { values } = this;
    this.values = grown(this.memory, values, this.longer(values, { needed, first: 1024, page: this.pageValues(4) }));
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
    if (this.copyEntries(({ entries32 }) => entries32, { entries: keys, indices, count })) return;
    for (let i = 0; i < count; i++) this.values[i] = keys[indices[i] as number] as number; // indices are the dictionary's own
  }

  protected clearValues(): void {
    // Only the count changes.
  }
}
