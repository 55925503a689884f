/*
 * Split-block Bloom filters (BloomFilter.md of the format): 32-byte blocks of eight words, of which a value sets one bit
 * each; values are hashed by xxHash64, seed 0, over their PLAIN bytes without a length.
 */

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

// @ts-ignore: decorator
@inline
function round(sum: u64, input: u64): u64 {
  return rotl<u64>(sum + input * P2, 31) * P1;
}

// @ts-ignore: decorator
@inline
function merged(hash: u64, sum: u64): u64 {
  return (hash ^ round(0, sum)) * P1 + P4;
}

// @ts-ignore: decorator
@inline
function avalanche(hash: u64): u64 {
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

// @ts-ignore: decorator
@inline
function hash32(value: u32): u64 {
  return avalanche(rotl<u64>((P5 + 4) ^ (<u64>value * P1), 23) * P2 + P3);
}

// @ts-ignore: decorator
@inline
function hash64(value: u64): u64 {
  return avalanche(rotl<u64>((P5 + 8) ^ round(0, value), 27) * P1 + P4);
}

/** xxHash64 with seed 0. */
export function xxHash64(at: usize, length: u32): u64 {
  const end = at + length;
  let hash: u64;
  if (length >= 32) {
    let a: u64 = P1 + P2;
    let b: u64 = P2;
    let c: u64 = 0;
    let d: u64 = 0 - P1;
    const last = end - 32;
    do {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
      at += 32;
    } while (at <= last);
    hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
    hash = merged(merged(merged(merged(hash, a), b), c), d);
  } else {
    hash = P5;
  }
  hash += length;
  for (; at + 8 <= end; at += 8) hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * P1 + P4;
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * P5), 11) * P1;
  return avalanche(hash);
}

// @ts-ignore: decorator
@inline
function set(block: usize, word: usize, key: u32, salt: u32): void {
  const at = block + (word << 2);
  store<u32>(at, load<u32>(at) | ((<u32>1) << ((key * salt) >>> 27)));
}

// @ts-ignore: decorator
@inline
function insert(filter: usize, blocks: u32, hash: u64): void {
  const block: usize = filter + (<usize>(((hash >> 32) * <u64>blocks) >> 32) << 5);
  const key = <u32>hash;
  set(block, 0, key, 0x47b6137b);
  set(block, 1, key, 0x44974d91);
  set(block, 2, key, 0x8824ad5b);
  set(block, 3, key, 0xa2b7289d);
  set(block, 4, key, 0x705495c7);
  set(block, 5, key, 0x2df1424b);
  set(block, 6, key, 0x9efc4947);
  set(block, 7, key, 0x5c6bfb31);
}

/** Numbers of `width` bytes, 4 or 8, or other values of one width. */
export function bloomFixed(values: usize, count: u32, width: u32, filter: usize, blocks: u32): void {
  const end = values + (<usize>count) * (<usize>width);
  if (width == 4) for (let at = values; at < end; at += 4) insert(filter, blocks, hash32(load<u32>(at)));
  else if (width == 8) for (let at = values; at < end; at += 8) insert(filter, blocks, hash64(load<u64>(at)));
  else for (let at = values; at < end; at += width) insert(filter, blocks, xxHash64(at, width));
}

/** Floats: of either zero both, and of any NaN the usual ones, as readers that look for one take them for the same. */
export function bloomFloats(values: usize, count: u32, filter: usize, blocks: u32): void {
  const end = values + ((<usize>count) << 2);
  for (let at = values; at < end; at += 4) {
    const bits = load<u32>(at);
    const value = load<f32>(at);
    insert(filter, blocks, hash32(bits));
    if (value == 0) insert(filter, blocks, hash32(bits ^ 0x80000000));
    else if (value != value) {
      insert(filter, blocks, hash32(0x7fc00000));
      insert(filter, blocks, hash32(0xffc00000));
    }
  }
}

/** The same for doubles. */
export function bloomDoubles(values: usize, count: u32, filter: usize, blocks: u32): void {
  const end = values + ((<usize>count) << 3);
  for (let at = values; at < end; at += 8) {
    const bits = load<u64>(at);
    const value = load<f64>(at);
    insert(filter, blocks, hash64(bits));
    if (value == 0) insert(filter, blocks, hash64(bits ^ 0x8000000000000000));
    else if (value != value) {
      insert(filter, blocks, hash64(0x7ff8000000000000));
      insert(filter, blocks, hash64(0xfff8000000000000));
    }
  }
}

/** PLAIN byte arrays. */
export function bloomBytes(data: usize, length: usize, filter: usize, blocks: u32): void {
  const end = data + length;
  for (let at = data; at < end; ) {
    const bytes = load<u32>(at);
    insert(filter, blocks, xxHash64(at + 4, bytes));
    at += 4 + bytes;
  }
}

/** Share of values that are not there, but that a filter of half the blocks would take for there. */
export function bloomFoldedRate(filter: usize, blocks: u32): f64 {
  let sum: f64 = 0;
  const end = filter + ((<usize>blocks) << 5);
  for (let at = filter; at < end; at += 64) {
    let rate: f64 = 1;
    for (let word: usize = 0; word < 32; word += 4) {
      rate *= <f64>popcnt<u32>(load<u32>(at + word) | load<u32>(at + 32 + word)) / 32;
    }
    sum += rate;
  }
  return sum / <f64>(blocks >>> 1);
}

/** Halves the blocks, of which there is an even number: a value's block is the higher half of its hash, scaled. */
export function bloomFold(filter: usize, blocks: u32): void {
  const end = filter + ((<usize>blocks) << 5);
  let to = filter;
  for (let at = filter; at < end; at += 64) {
    for (let word: usize = 0; word < 32; word += 8) {
      store<u64>(to + word, load<u64>(at + word) | load<u64>(at + 32 + word));
    }
    to += 32;
  }
}
