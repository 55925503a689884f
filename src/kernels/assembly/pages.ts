/*
 * Parquet's RLE / bit-packing hybrid (Encodings.md, "RLE = 3"), byte for byte as src/parquet/rle.ts writes it.
 */

// @ts-ignore: decorator
@inline
function varint(out: usize, value: u32): usize {
  while (value > 0x7f) {
    store<u8>(out++, (value & 0x7f) | 0x80);
    value >>>= 7;
  }
  store<u8>(out++, value);
  return out;
}

function run(out: usize, value: u32, count: u32, width: u32): usize {
  out = varint(out, count << 1);
  for (let bits: u32 = 0; bits < width; bits += 8) {
    store<u8>(out++, value & 0xff);
    value >>>= 8;
  }
  return out;
}

/** Shortest run that is worth the headers it needs, its own and that of the packed run behind it. */
// @ts-ignore: decorator
@inline
function worthwhileRun(width: u32): u32 {
  return 8 + (32 + width - 1) / width;
}

/** Values least significant bit first; the last group of 8 is padded with zeros. */
function packed32(out: usize, from: usize, to: usize, width: u32): usize {
  if (from == to) return out;
  const groups: u32 = ((<u32>((to - from) >>> 2)) + 7) >>> 3;
  out = varint(out, (groups << 1) | 1);
  const end: usize = out + <usize>(groups * width);
  let at = from;
  if (width <= 16) {
    const w: u64 = width;
    for (; at + 32 <= to; at += 32) {
      // In pairs, to shorten the chain.
      const a: u64 = <u64>load<u32>(at) | (<u64>load<u32>(at, 4) << w);
      const b: u64 = <u64>load<u32>(at, 8) | (<u64>load<u32>(at, 12) << w);
      const c: u64 = <u64>load<u32>(at, 16) | (<u64>load<u32>(at, 20) << w);
      const d: u64 = <u64>load<u32>(at, 24) | (<u64>load<u32>(at, 28) << w);
      const low: u64 = a | (b << (2 * w));
      const high: u64 = c | (d << (2 * w));
      if (width <= 8) {
        store<u64>(out, low | (high << (4 * w)));
      } else if (width == 16) {
        store<u64>(out, low);
        store<u64>(out, high, 8);
      } else {
        store<u64>(out, low | (high << (4 * w)));
        store<u64>(out, high >> (64 - 4 * w), 8);
      }
      out += width;
    }
  }
  // The rest, and wider ones.
  let word: u64 = 0;
  let bits: u32 = 0;
  for (; at < to; at += 4) {
    word |= <u64>load<u32>(at) << bits;
    bits += width;
    if (bits >= 32) {
      store<u32>(out, <u32>word);
      out += 4;
      word >>= 32;
      bits -= 32;
    }
  }
  while (out < end) {
    store<u8>(out++, <u32>word & 0xff);
    word >>= 8;
  }
  return end;
}

/**
 * @param width 1 to 31 bits
 * @returns end of the output. Bytes behind it are overwritten: there must be room for 16 more.
 */
export function hybrid32(out: usize, values: usize, count: i32, width: u32): usize {
  const worthwhile: usize = (<usize>worthwhileRun(width)) << 2;
  const end: usize = values + ((<usize>count) << 2);
  let from = values;
  let at = values;
  while (at + 32 <= end) {
    const value = load<u32>(at);
    const twice: u64 = (<u64>value << 32) | value;
    const difference =
      (load<u64>(at) ^ twice) | (load<u64>(at, 8) ^ twice) | (load<u64>(at, 16) ^ twice) | (load<u64>(at, 24) ^ twice);
    if (difference != 0) {
      at += 32;
      continue;
    }
    let runEnd = at + 32;
    while (runEnd < end && load<u32>(runEnd) == value) runEnd += 4;
    if (runEnd - at < worthwhile && runEnd < end) {
      at += 32;
      continue;
    }
    out = packed32(out, from, at, width);
    out = run(out, value, <u32>((runEnd - at) >>> 2), width);
    at = runEnd;
    from = runEnd;
  }
  return packed32(out, from, end, width);
}

/** @param width 1 or 2: levels */
function packed8(out: usize, from: usize, to: usize, width: u32): usize {
  if (from == to) return out;
  const groups: u32 = ((<u32>(to - from)) + 7) >>> 3;
  out = varint(out, (groups << 1) | 1);
  const end: usize = out + <usize>(groups * width);
  let at = from;
  if (width == 1) {
    // Eight bytes of 0 or 1 to the eight bits of one.
    for (; at + 8 <= to; at += 8) store<u8>(out++, <u32>((load<u64>(at) * 0x0102040810204080) >> 56));
  }
  let word: u64 = 0;
  let bits: u32 = 0;
  for (; at < to; at++) {
    word |= <u64>load<u8>(at) << bits;
    bits += width;
    if (bits >= 32) {
      store<u32>(out, <u32>word);
      out += 4;
      word >>= 32;
      bits -= 32;
    }
  }
  while (out < end) {
    store<u8>(out++, <u32>word & 0xff);
    word >>= 8;
  }
  return end;
}

/** Like `hybrid32`, for levels: one byte a value, below `2 ** width`. @param width 1 or 2 */
export function hybrid8(out: usize, values: usize, count: i32, width: u32): usize {
  const worthwhile: usize = <usize>worthwhileRun(width);
  const end: usize = values + <usize>count;
  let from = values;
  let at = values;
  while (at + 8 <= end) {
    const value = <u32>load<u8>(at);
    if (load<u64>(at) != <u64>value * 0x0101010101010101) {
      at += 8;
      continue;
    }
    let runEnd = at + 8;
    while (runEnd < end && <u32>load<u8>(runEnd) == value) runEnd++;
    if (runEnd - at < worthwhile && runEnd < end) {
      at += 8;
      continue;
    }
    out = packed8(out, from, at, width);
    out = run(out, value, <u32>(runEnd - at), width);
    at = runEnd;
    from = runEnd;
  }
  return packed8(out, from, end, width);
}

/** Marks with 1 the entries that `indices` refer to. @param marks a byte for each entry */
export function markUsed(indices: usize, count: i32, marks: usize, entries: i32): void {
  memory.fill(marks, 0, entries);
  const end: usize = indices + ((<usize>count) << 2);
  let part: usize = 1 << 12;
  while (indices < end) {
    const until = min(end, indices + part);
    for (; indices < until; indices += 4) store<u8>(marks + load<u32>(indices), 1);
    // A small dictionary's entries are all used after a fraction of a page.
    if (areAllMarked(marks, entries)) return;
    part <<= 1;
  }
}

function areAllMarked(marks: usize, entries: i32): bool {
  for (let i: usize = 0; i < <usize>entries; i++) if (load<u8>(marks + i) == 0) return false;
  return true;
}

/**
 * Entries that are marked, one behind the other.
 * @param marks a byte for each entry: 1, or 0
 * @param out room for all entries
 * @returns how many they are
 */
export function gatherUsed32(entries: usize, count: i32, marks: usize, out: usize): i32 {
  let used: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    // Without a branch, which would be mispredicted.
    store<u32>(out + (used << 2), load<u32>(entries + (i << 2)));
    used += load<u8>(marks + i);
  }
  return <i32>used;
}

/** Like `gatherUsed32`, for 64-bit values. */
export function gatherUsed64(entries: usize, count: i32, marks: usize, out: usize): i32 {
  let used: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    store<u64>(out + (used << 3), load<u64>(entries + (i << 3)));
    used += load<u8>(marks + i);
  }
  return <i32>used;
}

/** Values of a dictionary's entries, given by their `indices`, in the PLAIN layout. @param out room for them */
export function entries32(entries: usize, indices: usize, count: i32, out: usize): void {
  const end: usize = indices + ((<usize>count) << 2);
  for (; indices < end; indices += 4) {
    store<u32>(out, load<u32>(entries + ((<usize>load<u32>(indices)) << 2)));
    out += 4;
  }
}

/** Like `entries32`, for 64-bit values. */
export function entries64(entries: usize, indices: usize, count: i32, out: usize): void {
  const end: usize = indices + ((<usize>count) << 2);
  for (; indices < end; indices += 4) {
    store<u64>(out, load<u64>(entries + ((<usize>load<u32>(indices)) << 3)));
    out += 8;
  }
}

/** Like `entries32`, for values of `width` bytes. */
export function entriesFixed(entries: usize, indices: usize, count: i32, out: usize, width: i32): void {
  const end: usize = indices + ((<usize>count) << 2);
  for (; indices < end; indices += 4) {
    memory.copy(out, entries + <usize>load<u32>(indices) * width, width);
    out += width;
  }
}

/** Bytes that `entriesBytes` writes; -1: more than an array can hold. */
export function entriesLength(entries: usize, offsets: usize, indices: usize, count: i32): i32 {
  const end: usize = indices + ((<usize>count) << 2);
  let total: i64 = <i64>count * 4;
  for (; indices < end; indices += 4) {
    total += load<u32>(entries + load<u32>(offsets + ((<usize>load<u32>(indices)) << 2)));
  }
  return total > i32.MAX_VALUE ? -1 : <i32>total;
}

/** Like `entries32`, for byte strings. @param offsets of the entries' lengths, which precede their bytes */
export function entriesBytes(
  entries: usize,
  offsets: usize,
  indices: usize,
  count: i32,
  out: usize,
): void {
  const end: usize = indices + ((<usize>count) << 2);
  for (; indices < end; indices += 4) {
    const from: usize = entries + load<u32>(offsets + ((<usize>load<u32>(indices)) << 2));
    const length: usize = 4 + load<u32>(from);
    memory.copy(out, from, length);
    out += length;
  }
}
