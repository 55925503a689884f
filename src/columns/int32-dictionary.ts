import type { Kernels, Memory } from '../kernels/kernels.js';
import { grown, HEAP, integers } from '../kernels/memory.js';
import type { Dictionary } from './dictionary.js';

/** Most keys in the kernel's table of keys that are close to each other. */
const NEAR_KEYS = 1 << 16;

/** Distinct 32-bit values (integers, dates, the bits of floats), by open addressing over typed arrays. */
export class Int32Dictionary implements Dictionary {
  count = 0;
  readonly #memory: Memory;
  #keys: Int32Array<ArrayBuffer>;
  /** Index + 1 of the key in each slot; 0 is free. Always at least twice as many slots as keys. */
  #slots: Int32Array<ArrayBuffer>;
  #shift = 32 - 9;
  /** For the kernel: index + 1 of the keys from `#base` on; 0 if unknown. */
  readonly #near: Uint8Array | undefined;
  #base = 0;
  #isNearEmpty = true;

  /** @param options.hasNear whether the kernel may keep a table of keys that are close to each other, of 128 KiB */
  constructor(memory: Memory = HEAP, options: { readonly hasNear?: boolean | undefined } = {}) {
    this.#memory = memory;
    this.#near = options.hasNear === true && memory.kernels !== undefined ? memory.bytes(NEAR_KEYS * 2) : undefined;
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
    const near = this.#near === undefined ? -1 : kernels.address(this.#near);
    if (this.#isNearEmpty && near >= 0) {
      this.#isNearEmpty = false;
      this.#near?.fill(0);
      this.#base = kernels.view.getInt32(values, true) - NEAR_KEYS / 2;
    }
    const keys = kernels.address(this.#keys);
    const slots = kernels.address(this.#slots);
    if (keys < 0 || slots < 0) return false;
    const bits = 32 - this.#shift;
    const { run } = kernels;
    this.count = run.intern32(values, count, indices, keys, this.count, slots, bits, Math.max(near, 0), this.#base);
    return true;
  }

  plain(): Uint8Array {
    return new Uint8Array(this.#keys.buffer, this.#keys.byteOffset, this.byteLength);
  }

  clear(): void {
    this.count = 0;
    this.#isNearEmpty = true;
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
