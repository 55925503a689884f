import type { Dictionary } from './dictionary.js';

/** Distinct 32-bit values (integers, dates, the bits of floats), by open addressing over typed arrays. */
export class Int32Dictionary implements Dictionary {
  count = 0;
  #keys = new Int32Array(256);
  /** Index + 1 of the key in each slot; 0 is free. Always at least twice as many slots as keys. */
  #slots = new Int32Array(512);
  #shift = 32 - 9;

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

  plain(): Uint8Array {
    return new Uint8Array(this.#keys.buffer, 0, this.byteLength);
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
    const keys = new Int32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const slots = new Int32Array(keys.length * 2);
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
