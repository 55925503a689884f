import type { Dictionary } from './dictionary.js';
import { slotsOf } from './hash-slots.js';

/**
 * Distinct byte strings. A value is hashed and compared in place in the source's buffer, so known values are never
 * copied.
 */
export class BytesDictionary implements Dictionary {
  count = 0;
  byteLength = 0;
  /** PLAIN layout: 4 bytes of length, little-endian, then the value. */
  #data = new Uint8Array(4096);
  #view = new DataView(this.#data.buffer);
  /** Start of each entry's length field in the data. */
  #offsets = new Int32Array(256);
  #hashes = new Int32Array(256);
  #slots = new Int32Array(512);

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

  plain(): Uint8Array {
    return this.#data.subarray(0, this.byteLength);
  }

  clear(): void {
    this.count = 0;
    this.byteLength = 0;
    this.#slots.fill(0);
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
    const data = new Uint8Array(Math.max(needed, this.#data.length * 2));
    data.set(this.#data);
    this.#data = data;
    this.#view = new DataView(data.buffer);
  }

  #growTable(): void {
    const capacity = this.#hashes.length * 2;
    const hashes = new Int32Array(capacity);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const offsets = new Int32Array(capacity);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    this.#slots = slotsOf(hashes, this.count);
  }
}

/** Four bytes at a time; the last four may overlap the previous ones, which is cheaper than a loop over the rest. */
function hashBytes(source: Uint8Array, view: DataView, start: number, length: number): number {
  let hash = length;
  if (length < 4) {
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (source[start + i] as number), 0x9e3779b1); // within length
  } else {
    const last = start + length - 4;
    for (let at = start; at < last; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ view.getInt32(last), 0x9e3779b1);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
