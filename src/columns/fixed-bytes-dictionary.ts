import type { Kernels, Memory } from '../kernels/kernels.js';
import { grown, HEAP, integers, viewOf } from '../kernels/memory.js';
import { hashBytes, slotsOf } from './bytes-hash.js';
import type { Dictionary } from './dictionary.js';

/** Distinct values of a fixed width of at least 4 bytes: UUIDs, large decimals. */
export class FixedBytesDictionary implements Dictionary {
  count = 0;
  readonly #width: number;
  /** PLAIN layout: the values one after the other. */
  #data: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #hashes: Int32Array<ArrayBuffer>;
  /** Index + 1 of the value in each slot; 0 is free. Always at least twice as many slots as values. */
  #slots: Int32Array<ArrayBuffer>;
  readonly #memory: Memory;

  constructor(width: number, memory: Memory = HEAP) {
    this.#width = width;
    this.#memory = memory;
    this.#data = memory.bytes(256 * width);
    this.#view = viewOf(this.#data);
    this.#hashes = integers(memory, 256);
    this.#slots = integers(memory, 512).fill(0);
  }

  get byteLength(): number {
    return this.count * this.#width;
  }

  /** @param view over the same bytes as `source` */
  intern(source: Uint8Array, view: DataView, start: number): number {
    const hash = hashBytes(source, view, start, this.#width);
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

  /**
   * Looks up values at an address of the kernels' memory; their indices go to another.
   * @returns false if the dictionary is out of the kernels' reach
   */
  internAll(kernels: Kernels, values: number, count: number, indices: number): boolean {
    while (this.count + count >= this.#hashes.length) this.#grow();
    const data = kernels.address(this.#data);
    const hashes = kernels.address(this.#hashes);
    const slots = kernels.address(this.#slots);
    if (Math.min(data, hashes, slots) < 0) return false;
    const mask = this.#slots.length - 1;
    this.count = kernels.run.internFixed(values, count, this.#width, indices, data, hashes, slots, mask, this.count);
    return true;
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
    this.#data = grown(this.#memory, this.#data, capacity * this.#width);
    this.#view = viewOf(this.#data);
    this.#hashes = grown(this.#memory, this.#hashes, capacity);
    this.#memory.release(this.#slots);
    this.#slots = slotsOf(this.#memory, this.#hashes, this.count);
  }
}
