import type { Kernels, Memory } from '../kernels/kernels.js';
import { grown, HEAP, integers } from '../kernels/memory.js';
import type { Dictionary } from './dictionary.js';

/** Distinct 64-bit values (integers, timestamps, decimals, the bits of doubles) as pairs of 32-bit words. */
export class Int64Dictionary implements Dictionary {
  count = 0;
  /** Low word, high word of each value: the little-endian layout of PLAIN. */
  #words: Int32Array<ArrayBuffer>;
  #slots: Int32Array<ArrayBuffer>;
  #shift = 32 - 9;
  readonly #memory: Memory;

  constructor(memory: Memory = HEAP) {
    this.#memory = memory;
    this.#words = integers(memory, 512);
    this.#slots = integers(memory, 512).fill(0);
  }

  get byteLength(): number {
    return this.count * 8;
  }

  /** Low and high words by index; valid up to `2 * count`. */
  get words(): Int32Array {
    return this.#words;
  }

  intern(low: number, high: number): number {
    const slots = this.#slots;
    const words = this.#words;
    const mask = slots.length - 1;
    let slot = hash(low, high) >>> this.#shift;
    for (;;) {
      const entry = slots[slot] as number; // slot is masked, so it is within bounds
      if (entry === 0) return this.#add(low, high, slot);
      const at = (entry - 1) << 1;
      if (words[at] === low && words[at + 1] === high) return entry - 1;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Looks up values at an address of the kernels' memory; their indices go to another.
   * @returns false if the dictionary is out of the kernels' reach
   */
  internAll(kernels: Kernels, values: number, count: number, indices: number): boolean {
    while ((this.count + count) * 2 >= this.#words.length) this.#grow();
    const keys = kernels.address(this.#words);
    const slots = kernels.address(this.#slots);
    if (keys < 0 || slots < 0) return false;
    this.count = kernels.run.intern64(values, count, indices, keys, this.count, slots, 32 - this.#shift);
    return true;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.#words.buffer, this.#words.byteOffset, this.byteLength);
  }

  clear(): void {
    this.count = 0;
    this.#slots.fill(0);
  }

  #add(low: number, high: number, slot: number): number {
    const index = this.count++;
    this.#words[index << 1] = low;
    this.#words[(index << 1) + 1] = high;
    this.#slots[slot] = index + 1;
    if (this.count * 2 === this.#words.length) this.#grow();
    return index;
  }

  #grow(): void {
    const words = grown(this.#memory, this.#words, this.#words.length * 2);
    this.#words = words;
    this.#memory.release(this.#slots);
    const slots = integers(this.#memory, words.length).fill(0);
    const mask = slots.length - 1;
    this.#shift--;
    for (let i = 0; i < this.count; i++) {
      let slot = hash(words[i << 1] as number, words[(i << 1) + 1] as number) >>> this.#shift; // i is below count
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = i + 1;
    }
    this.#slots = slots;
  }
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(high ^ (low >>> 15), 0x85ebca6b) ^ low;
  return Math.imul(mixed, 0x9e3779b1);
}
