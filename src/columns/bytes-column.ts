import { type Kernels, LENGTH_PREFIX } from '../kernels/kernels.js';
import { viewOf } from '../kernels/memory.js';
import { BytesDictionary, type WireFields } from './bytes-dictionary.js';
import { type ColumnBufferOptions } from './base-column.js';
import { BaseColumn } from './base-column.js';

/** A buffer grown beyond this by a huge value is not kept for the next page. */
const KEPT_CAPACITY = 4 << 20;

/** BYTE_ARRAY: each value follows its length in 4 bytes, little-endian. */
export class BytesColumn extends BaseColumn<BytesDictionary> {
  readonly kind = 'bytes';
  declare readonly dictionary: BytesDictionary;
  /** PLAIN bytes; valid up to `byteLength`, while not `usesDictionary`. */
  data: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Over the same bytes as `data`. */
  view = viewOf(this.data);
  byteLength = 0;

  constructor(options: ColumnBufferOptions) {
    super(options, new BytesDictionary(options.memory));
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
    const { data, memory } = this;
    const usual = this.longer(data, { needed, first: 4096, page: this.page.bytes });
    const longer = memory.bytes(Math.max(needed, Math.min(usual, data.length + (64 << 20))));
    longer.set(data.subarray(0, this.byteLength));
    memory.release(data);
    this.data = longer;
    this.view = viewOf(longer);
  }

  /**
   * Appends fields of the wire by a kernel, where everything is in its reach.
   * @returns false if the values have to be appended in TypeScript
   */
  fillBytes(fields: Omit<WireFields, 'bytes'>): boolean {
    const { kernels } = this.memory;
    if (kernels === undefined) return false;
    const { wire, offsets, count, skip, prefix } = fields;
    const bytes = kernels.run.bytesLength(wire, offsets, count, skip, prefix);
    if (bytes < 0) return false;
    if (this.usesDictionary) return this.#internFields(kernels, { wire, offsets, count, skip, prefix, bytes });
    this.reserveBytes(bytes);
    const address = kernels.address(this.data);
    if (address < 0) return false;
    this.byteLength = kernels.run.bytesPlain(wire, offsets, count, skip, prefix, address + this.byteLength) - address;
    this.valueCount += count;
    return true;
  }

  /**
   * Appends values that a kernel makes of others, text in another encoding.
   * @param count of the values, and the most `bytes` that they can take in the PLAIN layout
   * @param write writes them in that layout to an address, and the place of each, from there on, to another; returns their
   *   end, 0 if it can't, and then nothing is appended
   * @returns false if the values have to be appended in TypeScript
   */
  fillMade(
    { count, bytes }: { readonly count: number; readonly bytes: number },
    write: (out: number, positions: number) => number,
  ): boolean {
    const { kernels } = this.memory;
    const positions = kernels?.scratch('positions', count * 4)?.byteOffset;
    if (kernels === undefined || positions === undefined) return false;
    if (this.usesDictionary) {
      const out = kernels.scratch('text', bytes)?.byteOffset;
      const end = out === undefined ? 0 : write(out, positions);
      if (out === undefined || end === 0) return false;
      const prefix = LENGTH_PREFIX.littleEndian32;
      return this.#internFields(kernels, { wire: out, offsets: positions, count, skip: 0, prefix, bytes: end - out });
    }
    this.reserveBytes(bytes);
    const address = kernels.address(this.data);
    const end = address < 0 ? 0 : write(address + this.byteLength, positions);
    if (end === 0) return false;
    this.byteLength = end - address;
    this.valueCount += count;
    return true;
  }

  #internFields(kernels: Kernels, fields: WireFields): boolean {
    this.reserve(fields.count);
    const indices = kernels.address(this.indices) + this.valueCount * 4;
    if (indices < 0 || !this.dictionary.internAll(kernels, fields, indices)) return false;
    this.valueCount += fields.count;
    return true;
  }

  protected readonly valueBytes = 0;

  protected get store(): ArrayBufferView {
    return this.data;
  }

  protected intern(): boolean {
    return false;
  }

  protected reservePlain(): void {
    // `reserveBytes` makes the room, in bytes.
  }

  protected appendEntries(indices: Int32Array, count: number): void {
    const { dictionary } = this;
    const { kernels } = this.memory;
    if (kernels !== undefined && this.#copyEntries(kernels, indices, count)) return;
    const entries = dictionary.plain();
    const view = viewOf(entries);
    for (let i = 0; i < count; i++) {
      const start = dictionary.offset(indices[i] as number); // indices are the dictionary's own
      const length = 4 + view.getInt32(start, true);
      this.reserveBytes(length);
      this.data.set(entries.subarray(start, start + length), this.byteLength);
      this.byteLength += length;
    }
  }

  #copyEntries(kernels: Kernels, indices: Int32Array, count: number): boolean {
    const { dictionary } = this;
    const at = kernels.address(indices);
    const length = at < 0 ? -1 : dictionary.lengthOf(kernels, at, count);
    if (length < 0) return false;
    this.reserveBytes(length);
    const out = kernels.address(this.data);
    if (out < 0) return false;
    dictionary.copyTo(kernels, { indices: at, count, out: out + this.byteLength });
    this.byteLength += length;
    return true;
  }

  protected clearValues(): void {
    this.byteLength = 0;
    if (this.data.length > KEPT_CAPACITY) {
      this.memory.release(this.data);
      this.data = new Uint8Array(0);
      this.view = viewOf(this.data);
    }
  }
}
