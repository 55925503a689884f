import type { Kernels, LengthPrefix, Memory } from '../kernels/kernels.js';
import { grown, HEAP, integers, viewOf } from '../kernels/memory.js';
import { hashBytes, slotsOf } from './bytes-hash.js';
import type { Dictionary } from './dictionary.js';

/** Slots of the kernel's table of values met before; with more values than this, it is of no use. */
const NEAR_SLOTS = 1 << 10;

/** A batch of fields on the wire, by addresses in the kernels' memory. */
export interface WireFields {
  readonly wire: number;
  /** Of the fields, relative to the wire. */
  readonly offsets: number;
  readonly count: number;
  /** Bytes to omit at the start of each. */
  readonly skip: number;
  readonly prefix: LengthPrefix;
  /** That all of them take in the PLAIN layout. */
  readonly bytes: number;
}

/**
 * Distinct byte strings. A value is hashed and compared in place in the source's buffer, so known values are never
 * copied.
 */
export class BytesDictionary implements Dictionary {
  count = 0;
  byteLength = 0;
  /** PLAIN layout: 4 bytes of length, little-endian, then the value. */
  #data: Uint8Array<ArrayBuffer>;
  #view: DataView;
  /** Start of each entry's length field in the data. */
  #offsets: Int32Array<ArrayBuffer>;
  #hashes: Int32Array<ArrayBuffer>;
  #slots: Int32Array<ArrayBuffer>;
  /** For the kernel: index + 1 of a value for some of its bytes, in 16 bits; 0 if there is none. */
  readonly #near: Uint8Array<ArrayBuffer> | undefined;
  readonly #memory: Memory;

  constructor(memory: Memory = HEAP) {
    this.#memory = memory;
    this.#data = memory.bytes(4096);
    this.#view = viewOf(this.#data);
    this.#offsets = integers(memory, 256);
    this.#hashes = integers(memory, 256);
    this.#slots = integers(memory, 512).fill(0);
    this.#near = memory.kernels === undefined ? undefined : memory.bytes(NEAR_SLOTS * 2).fill(0);
  }

  /** Offset of entry `index` in `plain()`, at its length field. */
  offset(index: number): number {
    return this.#offsets[index] as number; // the caller's index is below count
  }

  /** @param view over the same bytes as `source` */
  intern(source: Uint8Array, view: DataView, start: number, length: number): number {
    const hash = hashBytes(source, view, start, length);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = slots[slot] as number; // slot is masked, so it is within bounds
      if (entry === 0) return this.#add(source, start, length, hash, slot);
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, source, view, start, length)) return entry - 1;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Looks up fields of the wire by a kernel.
   * @param indices address for the indices
   * @returns false if the dictionary is out of the kernels' reach
   */
  internAll(kernels: Kernels, fields: WireFields, indices: number): boolean {
    const { wire, offsets, count, skip, prefix, bytes } = fields;
    while (this.count + count >= this.#hashes.length) this.#growTable();
    if (this.byteLength + bytes > this.#data.length) this.#growData(this.byteLength + bytes);
    const data = kernels.address(this.#data);
    const entries = kernels.address(this.#offsets);
    const hashes = kernels.address(this.#hashes);
    const slots = kernels.address(this.#slots);
    if (Math.min(data, entries, hashes, slots) < 0) return false;
    const near = this.#near === undefined || this.count > NEAR_SLOTS ? 0 : Math.max(0, kernels.address(this.#near));
    const { run } = kernels;
    const { byteLength, count: known } = this;
    // prettier-ignore
    const entryCount = run.internBytes(
      wire, offsets, count, skip, prefix, indices, data, byteLength, entries, hashes, slots, this.#slots.length - 1, known, near,
    );
    if (entryCount > this.count) {
      this.count = entryCount;
      const last = this.offset(entryCount - 1);
      this.byteLength = last + 4 + this.#view.getInt32(last, true);
    }
    return true;
  }

  /**
   * By a kernel, the bytes that entries take in the PLAIN layout.
   * @param indices address of the entries' indices
   * @returns -1 if the dictionary is out of the kernels' reach
   */
  lengthOf(kernels: Kernels, indices: number, count: number): number {
    const [data, offsets] = [kernels.address(this.#data), kernels.address(this.#offsets)];
    return Math.min(data, offsets) < 0 ? -1 : kernels.run.entriesLength(data, offsets, indices, count);
  }

  /** Copies them there, once `lengthOf` has told how much room they need. All are addresses. */
  copyTo(
    kernels: Kernels,
    { indices, count, out }: { readonly indices: number; readonly count: number; readonly out: number },
  ): void {
    kernels.run.entriesBytes(kernels.address(this.#data), kernels.address(this.#offsets), indices, count, out);
  }

  plain(): Uint8Array {
    return this.#data.subarray(0, this.byteLength);
  }

  clear(): void {
    this.count = 0;
    this.byteLength = 0;
    this.#slots.fill(0);
    this.#near?.fill(0);
  }

  #equals(index: number, source: Uint8Array, view: DataView, start: number, length: number): boolean {
    const own = this.#view;
    const offset = this.#offsets[index] as number; // index is below count
    if (own.getInt32(offset, true) !== length) return false;
    const at = offset + 4;
    if (length < 4) {
      for (let i = 0; i < length; i++) if (this.#data[at + i] !== source[start + i]) return false;
      return true;
    }
    const last = length - 4;
    for (let i = 0; i < last; i += 4) if (own.getInt32(at + i) !== view.getInt32(start + i)) return false;
    return own.getInt32(at + last) === view.getInt32(start + last);
  }

  #add(source: Uint8Array, start: number, length: number, hash: number, slot: number): number {
    const index = this.count++;
    const end = this.byteLength + 4 + length;
    if (end > this.#data.length) this.#growData(end);
    this.#view.setInt32(this.byteLength, length, true);
    this.#data.set(source.subarray(start, start + length), this.byteLength + 4);
    this.#offsets[index] = this.byteLength;
    this.#hashes[index] = hash;
    this.#slots[slot] = index + 1;
    this.byteLength = end;
    if (this.count === this.#hashes.length) this.#growTable();
    return index;
  }

  #growData(needed: number): void {
    this.#data = grown(this.#memory, this.#data, Math.max(needed, this.#data.length * 2));
    this.#view = viewOf(this.#data);
  }

  #growTable(): void {
    const capacity = this.#hashes.length * 2;
    this.#hashes = grown(this.#memory, this.#hashes, capacity);
    this.#offsets = grown(this.#memory, this.#offsets, capacity);
    this.#memory.release(this.#slots);
    this.#slots = slotsOf(this.#memory, this.#hashes, this.count);
  }
}
