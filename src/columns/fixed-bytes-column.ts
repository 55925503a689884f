import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';
import { FixedBytesDictionary } from './fixed-bytes-dictionary.js';
import { grown, viewOf } from '../kernels/memory.js';
import type { Kernels } from '../kernels/kernels.js';

/** Foreign keys in the order of their table repeat only after all its rows: 512 KiB of UUIDs. */
const FIRST_REVIEW = 1 << 15;

/**
 * FIXED_LEN_BYTE_ARRAY: UUIDs and decimals of more than 18 digits. Their bytes are assembled in `data`, from `end` on,
 * and then appended as plain values or looked up in the dictionary.
 */
export class FixedBytesColumn extends BaseColumn<FixedBytesDictionary> {
  readonly kind = 'fixed';
  declare readonly dictionary: FixedBytesDictionary;
  /** Bytes per value. */
  readonly width: number;
  /** Plain values up to `end`, followed by room for appended ones. */
  data: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #view = viewOf(this.data);

  constructor(options: ColumnBufferOptions) {
    const { length } = options.spec.type;
    if (length === undefined)
      throw new TypeError(`column ${options.spec.name}: a fixed length type without its length`);
    super(options, new FixedBytesDictionary(length, options.memory), FIRST_REVIEW);
    this.width = length;
  }

  /** Offset in `data` for the next value. */
  get end(): number {
    return this.usesDictionary ? 0 : this.plainLength;
  }

  get plainLength(): number {
    return this.valueCount * this.width;
  }

  plain(): Uint8Array {
    return this.data.subarray(0, this.plainLength);
  }

  override reserve(values: number): void {
    super.reserve(values);
    if (this.usesDictionary) this.#reserveBytes(values * this.width);
  }

  /** Appends `values` values written to `data` from `end` on. */
  take(values: number): void {
    if (this.usesDictionary && !this.internStored(values)) {
      const { data, dictionary, indices, valueCount, width } = this;
      for (let i = 0; i < values; i++) indices[valueCount + i] = dictionary.intern(data, this.#view, i * width);
    }
    this.valueCount += values;
  }

  protected reservePlain(values: number): void {
    this.#reserveBytes((this.valueCount + values) * this.width);
  }

  protected get valueBytes(): number {
    return this.width;
  }

  protected get store(): ArrayBufferView {
    return this.data;
  }

  protected intern(kernels: Kernels, values: number, count: number, indices: number): boolean {
    return this.dictionary.internAll(kernels, values, count, indices);
  }

  protected appendEntries(indices: Int32Array, count: number): void {
    this.reservePlain(count);
    const { data, width } = this;
    const entries = this.dictionary.plain();
    if (this.copyEntries(({ entriesFixed }) => entriesFixed, { entries, indices, count })) return;
    for (let i = 0; i < count; i++) {
      const start = (indices[i] as number) * width; // indices are the dictionary's own
      data.set(entries.subarray(start, start + width), i * width);
    }
  }

  protected clearValues(): void {
    // Only the count changes.
  }

  #reserveBytes(needed: number): void {
    if (needed <= this.data.length) return;
    const page = this.pageValues(this.width) * this.width;
    this.data = grown(this.memory, this.data, this.longer(this.data, { needed, first: 4096, page }));
    this.#view = viewOf(this.data);
  }
}
