import { field, lengthBefore } from './fields';

/*
 * Byte strings into the PLAIN layout (their length in 4 bytes, little-endian, before each), and values of every kind into
 * dictionaries. The tables are those of src/columns, which grow them beforehand: there is always room for a whole batch.
 */

/** Values up to this length are copied by three stores whatever their length: a loop would be mispredicted. */
const SHORT: i32 = 48;
const MEDIUM: i32 = 160;
/** See NEAR_SLOTS in src/columns/bytes-dictionary.ts. */
const NEAR_BITS: u64 = 10;

/**
 * Bytes that these fields take in the PLAIN layout; -1: one is shorter than `skip`.
 * @param skip bytes to omit at the start of each
 * @param prefix how their lengths are written
 */
export function bytesLength(wire: usize, offsets: usize, count: i32, skip: i32, prefix: i32): i32 {
  let total: i64 = 0;
  let shortest = i32.MAX_VALUE;
  for (let i = 0; i < count; i++) {
    const length = lengthBefore(field(wire, offsets, i), prefix);
    shortest = min(shortest, length);
    total += length;
  }
  total += <i64>count * (4 - skip);
  return (count > 0 && shortest < skip) || total > i32.MAX_VALUE ? -1 : <i32>total;
}

/** @returns end of the values. Bytes behind it are overwritten: there must be room for 64 more. */
export function bytesPlain(
  wire: usize,
  offsets: usize,
  count: i32,
  skip: i32,
  prefix: i32,
  out: usize,
): usize {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const length = lengthBefore(at, prefix) - skip;
    const from: usize = at + skip;
    store<u32>(out, <u32>length);
    out += 4;
    if (length <= SHORT) {
      copy16(out, from);
      copy16(out + 16, from + 16);
      copy16(out + 32, from + 32);
    } else if (length <= MEDIUM) {
      for (let k = 0; k < length; k += 16) copy16(out + k, from + k);
    } else {
      memory.copy(out, from, length);
    }
    out += length;
  }
  return out;
}

// @ts-ignore: decorator
@inline
function copy16(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(to, v128.load(from));
  } else {
    const low = load<u64>(from);
    const high = load<u64>(from, 8);
    store<u64>(to, low);
    store<u64>(to, high, 8);
  }
}

/**
 * Looks up 32-bit values and adds those that are new.
 * @param indices out: one per value
 * @param slots index + 1 of the key in each, 0 if free; 2^bits of them
 * @param near index + 1 of the keys from `base` on, 16 bits each, 0 if unknown: numbers and dates that are close to each
 *   other are found there without a hash, in a part of it that fits the nearest cache. 0 for no such table
 * @returns keys in the dictionary
 */
export function intern32(
  values: usize,
  count: i32,
  indices: usize,
  keys: usize,
  keyCount: u32,
  slots: usize,
  bits: u32,
  near: usize,
  base: u32,
): u32 {
  const shift: u32 = 32 - bits;
  const mask: u32 = ((<u32>1) << bits) - 1;
  for (let i = 0; i < count; i++) {
    const value = load<u32>(values + ((<usize>i) << 2));
    const distance: u32 = value - base;
    const isNear = near != 0 && distance <= 0xffff;
    if (isNear) {
      const known: u32 = load<u16>(near + ((<usize>distance) << 1));
      if (known != 0) {
        store<u32>(indices + ((<usize>i) << 2), known - 1);
        continue;
      }
    }
    let slot: u32 = (value * 0x9e3779b1) >>> shift;
    let entry: u32 = 0;
    while (true) {
      entry = load<u32>(slots + ((<usize>slot) << 2));
      if (entry == 0) {
        store<u32>(keys + ((<usize>keyCount) << 2), value);
        entry = ++keyCount;
        store<u32>(slots + ((<usize>slot) << 2), entry);
        break;
      }
      if (load<u32>(keys + ((<usize>(entry - 1)) << 2)) == value) break;
      slot = (slot + 1) & mask;
    }
    store<u32>(indices + ((<usize>i) << 2), entry - 1);
    if (isNear && entry <= 0xffff) store<u16>(near + ((<usize>distance) << 1), entry);
  }
  return keyCount;
}

/** Like `intern32`, for 64-bit values. */
export function intern64(
  values: usize,
  count: i32,
  indices: usize,
  keys: usize,
  keyCount: u32,
  slots: usize,
  bits: u32,
): u32 {
  const shift: u32 = 32 - bits;
  const mask: u32 = ((<u32>1) << bits) - 1;
  for (let i = 0; i < count; i++) {
    const value = load<u64>(values + ((<usize>i) << 3));
    const low = <u32>value;
    const mixed: u32 = ((<u32>(value >> 32) ^ (low >>> 15)) * 0x85ebca6b) ^ low;
    let slot: u32 = (mixed * 0x9e3779b1) >>> shift;
    while (true) {
      const entry = load<u32>(slots + ((<usize>slot) << 2));
      if (entry == 0) {
        store<u64>(keys + ((<usize>keyCount) << 3), value);
        store<u32>(indices + ((<usize>i) << 2), keyCount);
        store<u32>(slots + ((<usize>slot) << 2), ++keyCount);
        break;
      }
      if (load<u64>(keys + ((<usize>(entry - 1)) << 3)) == value) {
        store<u32>(indices + ((<usize>i) << 2), entry - 1);
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  return keyCount;
}

/** The hash of src/columns/bytes-hash.ts: 4 bytes at a time, the last of which may overlap those before. */
// @ts-ignore: decorator
@inline
function hashBytes(at: usize, length: i32): u32 {
  let hash: u32 = <u32>length;
  if (length < 4) {
    for (let i = 0; i < length; i++) hash = (hash ^ load<u8>(at + i)) * 0x9e3779b1;
  } else {
    const last: usize = at + length - 4;
    for (; at < last; at += 4) {
      hash = (hash ^ load<u32>(at)) * 0x9e3779b1;
      hash ^= hash >>> 15;
    }
    hash = (hash ^ load<u32>(last)) * 0x9e3779b1;
  }
  hash ^= hash >>> 16;
  hash *= 0x85ebca6b;
  return hash ^ (hash >>> 13);
}

// @ts-ignore: decorator
@inline
function areEqual(a: usize, b: usize, length: i32): bool {
  if (length >= 8) {
    const last = length - 8;
    let difference: u64 = load<u64>(a + last) ^ load<u64>(b + last);
    for (let i = 0; i < last; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
    return difference == 0;
  }
  if (length >= 4) {
    const last = length - 4;
    return ((load<u32>(a) ^ load<u32>(b)) | (load<u32>(a + last) ^ load<u32>(b + last))) == 0;
  }
  for (let i = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** A few bytes of the value, and its length, to one of the 2^NEAR_BITS slots of `near`. */
// @ts-ignore: decorator
@inline
function nearSlot(first: u64, last: u64, length: i32): usize {
  const mixed: u64 = (first ^ rotl(last, 29)) + <u64>length;
  return (<usize>((mixed * 0x9e3779b97f4a7c15) >> (64 - NEAR_BITS))) << 1;
}

/**
 * Like `intern32`, for byte strings in place.
 * @param data of the entries in the PLAIN layout, `dataLength` bytes so far; room for the whole batch
 * @param entries offset of each entry in `data`, at its length
 * @param mask one less than the number of slots, by the hash's low bits
 * @param near index + 1 of a value that was met before with these first and last bytes, 16 bits in each of 2^NEAR_BITS
 *   slots, 0 if there is none: a column of few values needs no hash of all their bytes. 0 for no such table
 */
export function internBytes(
  wire: usize,
  offsets: usize,
  count: i32,
  skip: i32,
  prefix: i32,
  indices: usize,
  data: usize,
  dataLength: u32,
  entries: usize,
  hashes: usize,
  slots: usize,
  mask: u32,
  entryCount: u32,
  near: usize,
): u32 {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const length = lengthBefore(at, prefix) - skip;
    const from: usize = at + skip;
    let nearAt: usize = 0;
    if (near != 0) {
      // What is behind a short value is cut off.
      const isShort = length < 8;
      const used: u64 = isShort ? ((<u64>1) << (<u64>length << 3)) - 1 : -1;
      const first: u64 = load<u64>(from) & used;
      const last: u64 = isShort ? 0 : load<u64>(from + length - 8);
      nearAt = near + nearSlot(first, last, length);
      const candidate: u32 = load<u16>(nearAt);
      if (candidate != 0) {
        const own: usize = data + load<u32>(entries + ((<usize>(candidate - 1)) << 2));
        if (
          load<i32>(own) == length &&
          (load<u64>(own, 4) & used) == first &&
          (isShort || areEqual(own + 4, from, length))
        ) {
          store<u32>(indices + ((<usize>i) << 2), candidate - 1);
          continue;
        }
      }
    }
    const hash = hashBytes(from, length);
    let slot: u32 = hash & mask;
    let entry: u32 = 0;
    while (true) {
      entry = load<u32>(slots + ((<usize>slot) << 2));
      if (entry == 0) {
        store<u32>(entries + ((<usize>entryCount) << 2), dataLength);
        store<u32>(hashes + ((<usize>entryCount) << 2), hash);
        entry = ++entryCount;
        store<u32>(slots + ((<usize>slot) << 2), entry);
        store<u32>(data + dataLength, <u32>length);
        memory.copy(data + dataLength + 4, from, length);
        dataLength += 4 + length;
        break;
      }
      const known: usize = <usize>(entry - 1) << 2;
      if (load<u32>(hashes + known) == hash) {
        const own: usize = data + load<u32>(entries + known);
        if (load<i32>(own) == length && areEqual(own + 4, from, length)) break;
      }
      slot = (slot + 1) & mask;
    }
    store<u32>(indices + ((<usize>i) << 2), entry - 1);
    if (nearAt != 0 && entry <= 0xffff) store<u16>(nearAt, entry);
  }
  return entryCount;
}

/** Like `internBytes`, for values of `width` bytes, at least 4, one behind the other. */
export function internFixed(
  values: usize,
  count: i32,
  width: i32,
  indices: usize,
  data: usize,
  hashes: usize,
  slots: usize,
  mask: u32,
  entryCount: u32,
): u32 {
  for (let i = 0; i < count; i++) {
    const from: usize = values + <usize>(i * width);
    const hash = hashBytes(from, width);
    let slot: u32 = hash & mask;
    while (true) {
      const entry = load<u32>(slots + ((<usize>slot) << 2));
      if (entry == 0) {
        memory.copy(data + <usize>(entryCount * width), from, width);
        store<u32>(hashes + ((<usize>entryCount) << 2), hash);
        store<u32>(indices + ((<usize>i) << 2), entryCount);
        store<u32>(slots + ((<usize>slot) << 2), ++entryCount);
        break;
      }
      const known: u32 = entry - 1;
      if (load<u32>(hashes + ((<usize>known) << 2)) == hash && areEqual(data + <usize>(known * width), from, width)) {
        store<u32>(indices + ((<usize>i) << 2), known);
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  return entryCount;
}
