/*
 * Parquet's encodings of values besides PLAIN and dictionaries (Encodings.md of the format). Output may be overwritten
 * up to 16 bytes behind its end.
 */

/** Values per block of DELTA_BINARY_PACKED and per miniblock, as parquet-mr and arrow write them. */
const BLOCK: u32 = 128;
const MINIBLOCKS: u32 = 4;
const MINIBLOCK: u32 = BLOCK / MINIBLOCKS;

// @ts-ignore: decorator
@inline
function varint64(out: usize, value: u64): usize {
  while (value > 0x7f) {
    store<u8>(out++, (<u32>value & 0x7f) | 0x80);
    value >>>= 7;
  }
  store<u8>(out++, <u32>value);
  return out;
}

// @ts-ignore: decorator
@inline
function zigzag64(out: usize, value: i64): usize {
  return varint64(out, (<u64>value << 1) ^ <u64>(value >> 63));
}

/** Differences of one miniblock from the least one, least significant bit first, padded with zeros. */
// @ts-ignore: decorator
@inline
function packed<T extends number>(out: usize, at: usize, end: usize, before: T, least: T, width: u32): usize {
  const packedEnd: usize = out + (<usize>(MINIBLOCK / 8)) * <usize>width;
  let previous = before;
  let word: u64 = 0;
  let bits: u32 = 0;
  for (; at < end; at += sizeof<T>()) {
    const value = load<T>(at);
    const difference: u64 = sizeof<T>() == 4 ? <u64>(<u32>(value - previous - least)) : <u64>(value - previous - least);
    previous = value;
    word |= difference << bits;
    const total = bits + width;
    if (total >= 64) {
      store<u64>(out, word);
      out += 8;
      // A shift by 64 would shift by 0.
      word = bits == 0 ? 0 : difference >> (64 - bits);
      bits = total - 64;
    } else {
      bits = total;
    }
  }
  while (out < packedEnd) {
    store<u8>(out++, <u32>word & 0xff);
    word >>= 8;
  }
  return packedEnd;
}

/**
 * DELTA_BINARY_PACKED: the first value, then blocks of the least difference, the widths of four miniblocks, and these.
 * Differences wrap around as the format wants.
 */
// @ts-ignore: decorator
@inline
function delta<T extends number>(out: usize, values: usize, count: u32): usize {
  out = varint64(out, BLOCK);
  out = varint64(out, MINIBLOCKS);
  out = varint64(out, count);
  let previous = load<T>(values);
  out = zigzag64(out, <i64>previous);
  const end: usize = values + (<usize>count) * sizeof<T>();
  let at: usize = values + sizeof<T>();
  while (at < end) {
    const blockEnd = min(at + BLOCK * sizeof<T>(), end);
    let least = <T>(load<T>(at) - previous);
    let before = previous;
    for (let next = at; next < blockEnd; next += sizeof<T>()) {
      const value = load<T>(next);
      const difference = <T>(value - before);
      least = difference < least ? difference : least;
      before = value;
    }
    out = zigzag64(out, <i64>least);
    let widths = out;
    store<u32>(widths, 0);
    out += 4;
    while (at < blockEnd) {
      const miniblockEnd = min(at + MINIBLOCK * sizeof<T>(), blockEnd);
      let bits: u64 = 0;
      before = previous;
      for (let next = at; next < miniblockEnd; next += sizeof<T>()) {
        const value = load<T>(next);
        bits |= sizeof<T>() == 4 ? <u64>(<u32>(value - before - least)) : <u64>(value - before - least);
        before = value;
      }
      const width = 64 - <u32>clz<u64>(bits);
      store<u8>(widths++, width);
      out = packed<T>(out, at, miniblockEnd, previous, least, width);
      previous = before;
      at = miniblockEnd;
    }
  }
  return out;
}

/** @param count at least 1. @returns end of the output */
export function delta32(out: usize, values: usize, count: u32): usize {
  return delta<i32>(out, values, count);
}

/** @param count at least 1. @returns end of the output */
export function delta64(out: usize, values: usize, count: u32): usize {
  return delta<i64>(out, values, count);
}

/** BYTE_STREAM_SPLIT: the first bytes of all values, then their second bytes … @param width 4 or 8 */
export function streamSplit(out: usize, values: usize, count: u32, width: u32): void {
  for (let byte: u32 = 0; byte < width; byte++) {
    let from = values + byte;
    const end: usize = out + count;
    for (; out < end; out++, from += width) store<u8>(out, load<u8>(from));
  }
}

/** Lengths of PLAIN byte arrays. @returns their number */
export function plainLengths(data: usize, length: usize, lengths: usize): u32 {
  const end = data + length;
  let to = lengths;
  for (let at = data; at < end; to += 4) {
    const bytes = load<u32>(at);
    store<u32>(to, bytes);
    at += 4 + bytes;
  }
  return <u32>((to - lengths) >>> 2);
}

/** Bytes that two strings begin with alike, at most `most`. */
// @ts-ignore: decorator
@inline
function sharedPrefix(a: usize, b: usize, most: u32): u32 {
  let shared: u32 = 0;
  while (shared + 8 <= most) {
    const difference = load<u64>(a + shared) ^ load<u64>(b + shared);
    if (difference != 0) return shared + (<u32>ctz<u64>(difference) >>> 3);
    shared += 8;
  }
  while (shared < most && load<u8>(a + shared) == load<u8>(b + shared)) shared++;
  return shared;
}

/**
 * For DELTA_BYTE_ARRAY: how many bytes each PLAIN byte array shares with the one before it, and how many follow.
 * @returns number of the values
 */
export function plainPrefixes(data: usize, length: usize, prefixes: usize, suffixes: usize): u32 {
  const end = data + length;
  let before = data;
  let beforeLength: u32 = 0;
  let count: usize = 0;
  for (let at = data; at < end; count++) {
    const bytes = load<u32>(at);
    const shared = sharedPrefix(before + 4, at + 4, min(beforeLength, bytes));
    store<u32>(prefixes + (count << 2), shared);
    store<u32>(suffixes + (count << 2), bytes - shared);
    before = at;
    beforeLength = bytes;
    at += 4 + bytes;
  }
  return <u32>count;
}

/**
 * The bytes of PLAIN byte arrays without their first ones, one behind the other.
 * @param prefixes how many bytes to omit of each; 0 to omit none
 * @param suffixes how many follow
 * @returns end of the output
 */
export function suffixBytes(out: usize, data: usize, count: u32, prefixes: usize, suffixes: usize): usize {
  let at = data;
  for (let i: usize = 0; i < count; i++) {
    const prefix: usize = prefixes == 0 ? 0 : load<u32>(prefixes + (i << 2));
    const bytes: usize = load<u32>(suffixes + (i << 2));
    at += 4 + prefix;
    if (bytes <= 16) {
      store<u64>(out, load<u64>(at));
      store<u64>(out, load<u64>(at, 8), 8);
    } else {
      memory.copy(out, at, bytes);
    }
    out += bytes;
    at += bytes;
  }
  return out;
}
