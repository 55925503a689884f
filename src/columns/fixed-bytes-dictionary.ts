import type { Dictionary } from './dictionary.js';
import { slotsOf } from './hash-slots.js';

/** Distinct values of a fixed width of at least 4 bytes: UUIDs, large decimals. */
export class FixedBytesDictionary implements Dictionary {
  count = 0;
  readonly #width: number;
  /** PLAIN layout: the values one after the other. */
  #data: Uint8Array;
  #view: DataView;
  #hashes = new Int32Array(256);
  /** Index + 1 of the value in each slot; 0 is free. Always at least twice as many slots as values. */
  #slots = new Int32Array(512);

  constructor(width: number) {
    this.#width = width;
    this.#data = new Uint8Array(256 * width);
    this.#view = new DataView(this.#data.buffer);
  }

  get byteLength(): number {
    return this.count * this.#width;
  }

  /** @param view over the same bytes as `source` */
  intern(source: Uint8Array, view: DataView, start: number): number {
    const hash = hashBytes(view, start, this.#width);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = slots[slot] as number; // slot is masked, so it is within bounds
      if (entry === 0) return this.#add(source, start, hash, slot);
      if (this.#hashes[entry - 1] === hash && this.#equals(entry - 1, view, start)) return entry - 1;
      slot = (slot + 1) & mask;
    }
  }

  plain(): Uint8Array {
    return this.#data.subarray(0, this.byteLength);
  }

  clear(): void {
    this.count = 0;
    this.#slots.fill(0);
  }

  #equals(index: number, view: DataView, start: number): boolean {
    const own = this.#view;
    const at = index * this.#width;
    const last = this.#width - 4;
    for (let i = 0; i < last; i += 4) if (own.getInt32(at + i) !== view.getInt32(start + i)) return false;
    return own.getInt32(at + last) === view.getInt32(start + last);
  }

  #add(source: Uint8Array, start: number, hash: number, slot: number): number {
    const index = this.count++;
    const width = this.#width;
    const at = index * width;
    for (let k = 0; k < width; k++) this.#data[at + k] = source[start + k] as number; // within the value
    this.#hashes[index] = hash;
    this.#slots[slot] = index + 1;
    if (this.count === this.#hashes.length) this.#grow();
    return index;
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    const data = new Uint8Array(capacity * this.#width);
    data.set(this.#data);
    this.#data = data;
    this.#view = new DataView(data.buffer);
    const hashes = new Int32Array(capacity);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#slots = slotsOf(hashes, this.count);
  }
}

/** Four bytes at a time; the last four may overlap the previous ones. */
function hashBytes(view: DataView, start: number, width: number): number {
  let hash = width;
  const last = start + width - 4;
  for (let at = start; at < last; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ view.getInt32(last), 0x9e3779b1);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
