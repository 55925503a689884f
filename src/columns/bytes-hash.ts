import type { Memory } from '../kernels/kernels.js';
import { integers } from '../kernels/memory.js';

/*
 * Hash tables of byte strings by open addressing. The kernel `internBytes` works on the same tables, so that a dictionary
 * can be used from both sides.
 */

/**
 * Four bytes at a time; the last four may overlap the previous ones, which is cheaper than a loop over the rest.
 * @param view over the same bytes as `source`
 */
export function hashBytes(source: Uint8Array, view: DataView, start: number, length: number): number {
  let hash = length;
  if (length < 4) {
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (source[start + i] as number), 0x9e3779b1); // within length
  } else {
    const last = start + length - 4;
    for (let at = start; at < last; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ view.getInt32(last, true), 0x9e3779b1);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/**
 * The slots of the table, built from the values' hashes: index + 1 of the value in each, 0 if free.
 * @param hashes of the values; the table has twice as many slots, a power of two
 */
export function slotsOf(memory: Memory, hashes: Int32Array, count: number): Int32Array<ArrayBuffer> {
  const slots = integers(memory, hashes.length * 2).fill(0);
  const mask = slots.length - 1;
  for (let i = 0; i < count; i++) {
    let slot = (hashes[i] as number) & mask; // i is below count
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = i + 1;
  }
  return slots;
}
