import { BytesDictionary } from './bytes-dictionary.js';
import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';

/** A buffer grown beyond this by a huge value is not kept for the next page. */
const KEPT_CAPACITY = 4 << 20;

/** BYTE_ARRAY: each value follows its length in 4 bytes, little-endian. */
export class BytesColumn extends BaseColumn<BytesDictionary> {
  readonly kind = 'bytes';
  declare readonly dictionary: BytesDictionary;
  /** PLAIN bytes; valid up to `byteLength`, while not `usesDictionary`. */
  data = new Uint8Array(0);
  /** Over the same bytes as `data`. */
  view = new DataView(this.data.buffer);
  byteLength = 0;

  constructor(options: ColumnBufferOptions) {
    super(options, new BytesDictionary());
  }

  get plainLength(): number {
    return this.byteLength;
  }

  plain(): Uint8Array {
    return this.data.subarray(0, this.byteLength);
  }

  /** Makes room for plain values whose lengths, with 4 bytes for each, sum up to `bytes`. */
  reserveBytes(bytes: number): void {
    const needed = this.byteLength + bytes;
    if (needed <= this.data.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.data.length * 2, this.data.length + (64 << 20)), 4096));
    grown.set(this.data.subarray(0, this.byteLength));
    this.data = grown;
    this.view = new DataView(grown.buffer);
  }

  protected reservePlain(): void {
    // `reserveBytes` makes the room, in bytes.
  }

  protected appendEntries(indices: Int32Array, count: number): void {
    const { dictionary } = this;
    const entries = dictionary.plain();
    const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    for (let i = 0; i < count; i++) {
      const start = dictionary.offset(indices[i] as number); // indices are the dictionary's own
      const length = 4 + view.getInt32(start, true);
      this.reserveBytes(length);
      this.data.set(entries.subarray(start, start + length), this.byteLength);
      this.byteLength += length;
    }
  }

  protected clearValues(): void {
    this.byteLength = 0;
    if (this.data.length > KEPT_CAPACITY) {
      this.data = new Uint8Array(0);
      this.view = new DataView(this.data.buffer);
    }
  }
}
