/**
 * The slots of an open-addressing hash table, built from the values' hashes: index + 1 of the value in each, 0 if free.
 * @param hashes of the values; the table has twice as many slots, a power of two
 */
export function slotsOf(hashes: Int32Array, count: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(hashes.length * 2);
  const mask = slots.length - 1;
  for (let i = 0; i < count; i++) {
    let slot = (hashes[i] as number) & mask; // i is below count
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = i + 1;
  }
  return slots;
}
