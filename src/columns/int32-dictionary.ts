import type { Kernels, Memory } from '../kernels/kernels.js';
import { grown, HEAP, integers } from '../kernels/memory.js';
import type { Dictionary } from './dictionary.js';

/** Distinct 32-bit values (integers, dates, the bits of floats), by open addressing over typed arrays. */
export class Int32Dictionary implements Dictionary {
  count = 0;
  readonly #memory: Memory;
  #keys: Int32Array<ArrayBuffer>;
  /** Index + 1 of the key in each slot; 0 is free. Always at least twice as many slots as keys. */
  #slots: Int32Array<ArrayBuffer>;
  #shift = 32 - 9;

  constructor(memory: Memory = HEAP) {
    this.#memory = memory;
    this.#keys = integers(memory, 256);
    this.#slots = integers(memory, 512).fill(0);
  }

  get byteLength(): number {
    return this.count * 4;
  }

  /** Distinct values by index; valid up to `count`. */
  get keys(): Int32Array {
    return this.#keys;
  }

  intern(key: number): number {
    const slots = this.#slots;
    const keys = this.#keys;
    const mask = slots.length - 1;
    // Fibonacci hashing: the high bits of the product are the well mixed ones.
    let slot = Math.imul(key, 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const entry = slots[slot] as number; // slot is masked, so it is within bounds
      if (entry === 0) return this.#add(key, slot);
      if (keys[entry - 1] === key) return entry - 1;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Looks up values at an address of the kernels' memory; their indices go to another.
   * @returns false if the dictionary is out of the kernels' reach
   */
  internAll(kernels: Kernels, values: number, count: number, indices: number): boolean {
    while (this.count + count >= this.#keys.length) this.#grow();
    const keys = kernels.address(this.#keys);
    const slots = kernels.address(this.#slots);
    if (keys < 0 || slots < 0) return false;
    this.count = kernels.run.intern32(values, count, indices, keys, this.count, slots, 32 - this.#shift);
    return true;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.#keys.buffer, this.#keys.byteOffset, this.byteLength);
  }

  clear(): void {
    this.count = 0;
    this.#slots.fill(0);
  }

  #add(key: number, slot: number): number {
    const index = this.count++;
    this.#keys[index] = key;
    this.#slots[slot] = index + 1;
    if (this.count === this.#keys.length) this.#grow();
    return index;
  }

  #grow(): void {
    const keys = grown(this.#memory, this.#keys, this.#keys.length * 2);
    this.#keys = keys;
    this.#memory.release(this.#slots);
    const slots = integers(this.#memory, keys.length * 2).fill(0);
    const mask = slots.length - 1;
    this.#shift--;
    for (let i = 0; i < this.count; i++) {
      let slot = Math.imul(keys[i] as number, 0x9e3779b1) >>> this.#shift; // i is below count
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = i + 1;
    }
    this.#slots = slots;
  }
}
