import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';
import { Int64Dictionary } from './int64-dictionary.js';

/** INT64 and DOUBLE (by its bits), as pairs of 32-bit words: no BigInt for a value. */
export class Int64Column extends BaseColumn<Int64Dictionary> {
  readonly kind = 'int64';
  declare readonly dictionary: Int64Dictionary;
  /** Low word, high word of each plain value; valid up to `2 * valueCount`, while not `usesDictionary`. */
  words = new Int32Array(0);

  constructor(options: ColumnBufferOptions) {
    super(options, new Int64Dictionary());
  }

  get plainLength(): number {
    return this.valueCount * 8;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.words.buffer, 0, this.plainLength);
  }

  protected reservePlain(values: number): void {
    const needed = (this.valueCount + values) * 2;
    if (needed <= this.words.length) return;
    const grown = new Int32Array(Math.max(needed, this.words.length * 2, 2048));
    grown.set(this.words);
    this.words = grown;
  }

  protected appendEntries(indices: Int32Array, count: number): void {
    this.reservePlain(count);
    const entries = this.dictionary.words;
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
