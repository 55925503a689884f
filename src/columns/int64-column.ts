import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';
import { Int64Dictionary } from './int64-dictionary.js';
import { grown } from '../kernels/memory.js';
import type { Kernels } from '../kernels/kernels.js';

/** INT64 and DOUBLE (by its bits), as pairs of 32-bit words: no BigInt for a value. */
export class Int64Column extends BaseColumn<Int64Dictionary> {
  readonly kind = 'int64';
  declare readonly dictionary: Int64Dictionary;
  /** Low word, high word of each plain value: those held, while not `usesDictionary`, and room for more from `end` on. */
  words: Int32Array<ArrayBuffer> = new Int32Array(0);
  protected readonly valueBytes = 8;

  constructor(options: ColumnBufferOptions) {
    super(options, new Int64Dictionary(options.memory));
  }

  get plainLength(): number {
    return this.valueCount * 8;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.words.buffer, this.words.byteOffset, this.plainLength);
  }

  /** Position of the next value, whose words are at twice that index. */
  get end(): number {
    return this.usesDictionary ? 0 : this.valueCount;
  }

  override reserve(values: number): void {
    super.reserve(values);
    if (this.usesDictionary) this.#reserveWords(values * 2);
  }

  /** Appends the values written to `words` from `end` up to this position. */
  takeTo(end: number): void {
    if (!this.usesDictionary) {
      this.valueCount = end;
      return;
    }
    if (!this.internStored(end)) {
      const { dictionary, indices, valueCount, words } = this;
      for (let i = 0; i < end; i++) {
        // i is below end.
        indices[valueCount + i] = dictionary.intern(words[i << 1] as number, words[(i << 1) + 1] as number);
      }
    }
    this.valueCount += end;
  }

  protected reservePlain(values: number): void {
    this.#reserveWords((this.valueCount + values) * 2);
  }

  #reserveWords(needed: number): void {
    if (needed <= this.words.length) return;
    const { words } = this;
    this.words = grown(this.memory, words, this.longer(words, { needed, first: 2048, page: this.pageValues(8) * 2 }));
  }

  protected get store(): ArrayBufferView {
    return this.words;
  }

  protected intern(kernels: Kernels, values: number, count: number, indices: number): boolean {
    return this.dictionary.internAll(kernels, values, count, indices);
  }

  protected appendEntries(indices: Int32Array, count: number): void {
    this.reservePlain(count);
    const entries = this.dictionary.words;
    if (this.copyEntries(({ entries64 }) => entries64, { entries, indices, count })) return;
    for (let i = 0; i < count; i++) {
      const at = (indices[i] as number) << 1; // indices are the dictionary's own
      this.words[i << 1] = entries[at] as number;
      this.words[(i << 1) + 1] = entries[at + 1] as number;
    }
  }

  protected clearValues(): void {
    // Only the count changes.
  }
}
