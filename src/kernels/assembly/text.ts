import { field, lengthBefore } from './fields';

/*
 * Text in other encodings into the PLAIN layout, as UTF-8. Each returns the end of the values, or 0 if one is no text;
 * bytes behind the end are overwritten: there must be room for 64 more. `positions` gets the place of each value, relative
 * to `out`, behind its length.
 */

/** UTF-16, little-endian; at most 3 bytes a unit. */
export function fromUtf16(
  wire: usize,
  offsets: usize,
  count: i32,
  prefix: i32,
  out: usize,
  positions: usize,
): usize {
  let to: usize = out;
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const end = unitsToUtf8(at, lengthBefore(at, prefix), to + 4);
    if (end == 0) return 0;
    to = endValue(out, to, end, positions, i);
  }
  return to;
}

/** Bytes that are UTF-8 already, if they are. */
export function fromUtf8(wire: usize, offsets: usize, count: i32, prefix: i32, out: usize, positions: usize): usize {
  let to: usize = out;
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const end = checkedUtf8(at, lengthBefore(at, prefix), to + 4);
    if (end == 0) return 0;
    to = endValue(out, to, end, positions, i);
  }
  return to;
}

/**
 * Text in a code page of single bytes that has ASCII in its lower half.
 * @param table by byte, 4 bytes each: length of the character in UTF-8, 0 if there is none, then the character
 */
export function fromCodePage(
  wire: usize,
  offsets: usize,
  count: i32,
  prefix: i32,
  out: usize,
  positions: usize,
  table: usize,
): usize {
  let to: usize = out;
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const end = mapped(at, lengthBefore(at, prefix), to + 4, table);
    if (end == 0) return 0;
    to = endValue(out, to, end, positions, i);
  }
  return to;
}

// @ts-ignore: decorator
@inline
function endValue(out: usize, start: usize, end: usize, positions: usize, i: i32): usize {
  store<u32>(start, <u32>(end - start - 4));
  store<u32>(positions + ((<usize>i) << 2), <u32>(start + 4 - out));
  return end;
}

/** Characters converted one by one after a block that is not all ASCII. */
const STEP: usize = 16;

/** Copies ASCII in blocks. @returns how many bytes, all of `length` or as many as come in whole blocks */
// @ts-ignore: decorator
@inline
function copyAscii(from: usize, length: usize, to: usize): usize {
  let done: usize = 0;
  if (ASC_FEATURE_SIMD) {
    while (length - done >= 16) {
      const block = v128.load(from + done);
      if (i8x16.bitmask(block) != 0) return done;
      v128.store(to + done, block);
      done += 16;
    }
    // The rest, with bytes behind it that do not count.
    const block = v128.load(from + done);
    if ((i8x16.bitmask(block) & ((1 << (<i32>(length - done))) - 1)) != 0) return done;
    v128.store(to + done, block);
    return length;
  } else {
    while (length - done >= 8) {
      const block = load<u64>(from + done);
      if ((block & 0x8080808080808080) != 0) return done;
      store<u64>(to + done, block);
      done += 8;
    }
    const bits: u64 = (<u64>(length - done)) << 3;
    const block = load<u64>(from + done);
    if ((block & 0x8080808080808080 & (((<u64>1) << bits) - 1)) != 0) return done;
    store<u64>(to + done, block);
    return length;
  }
}

/** @returns the end; 0 if a byte has no character */
function mapped(from: usize, length: usize, to: usize, table: usize): usize {
  const last: usize = from + length;
  while (true) {
    const run = copyAscii(from, last - from, to);
    from += run;
    to += run;
    if (from == last) return to;
    const stop: usize = min(last, from + STEP);
    for (; from < stop; from++) {
      const byte: u32 = load<u8>(from);
      if (byte < 0x80) {
        store<u8>(to++, <u8>byte);
        continue;
      }
      const entry = load<u32>(table + ((<usize>byte) << 2));
      if ((entry & 0xff) == 0) return 0;
      store<u32>(to, entry >>> 8);
      to += entry & 0xff;
    }
  }
}

/** @returns the end; 0 if the bytes are not UTF-8 (Unicode 15, table 3-7) */
function checkedUtf8(from: usize, length: usize, to: usize): usize {
  const last: usize = from + length;
  while (true) {
    const run = copyAscii(from, last - from, to);
    from += run;
    to += run;
    if (from == last) return to;
    const stop: usize = min(last, from + STEP);
    while (from < stop) {
      const lead: u32 = load<u8>(from);
      const size: usize = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
      if (size == 0 || size > last - from) return 0;
      const bytes = load<u32>(from);
      if (size > 1) {
        const second: u32 = (bytes >>> 8) & 0xff;
        // Shorter forms, surrogates, and what is past U+10FFFF.
        const least: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const most: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (second < least || second > most) return 0;
        if (size > 2 && (bytes & 0x00c00000) != 0x00800000) return 0;
        if (size > 3 && (bytes & 0xc0000000) != 0x80000000) return 0;
      }
      store<u32>(to, bytes);
      from += size;
      to += size;
    }
  }
}

/** Units that no ASCII character has. */
const NOT_ASCII: u64 = 0xff80ff80ff80ff80;

/** Converts ASCII in blocks. @returns how many of the `units`, all or as many as come in whole blocks */
// @ts-ignore: decorator
@inline
function narrowAscii(from: usize, units: usize, to: usize): usize {
  let done: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const high = i16x8.splat(<i16>0xff80);
    while (units - done >= 8) {
      const block = v128.load(from + (done << 1));
      if (v128.any_true(v128.and(block, high))) return done;
      v128.store64_lane(to + done, i8x16.narrow_i16x8_u(block, block), 0);
      done += 8;
    }
    const rest = i16x8.lt_u(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>(units - done)));
    const block = v128.and(v128.load(from + (done << 1)), rest);
    if (v128.any_true(v128.and(block, high))) return done;
    v128.store64_lane(to + done, i8x16.narrow_i16x8_u(block, block), 0);
    return units;
  } else {
    while (units - done >= 4) {
      let block = load<u64>(from + (done << 1));
      if ((block & NOT_ASCII) != 0) return done;
      block = (block | (block >> 8)) & 0x0000ffff0000ffff;
      store<u32>(to + done, <u32>(block | (block >> 16)));
      done += 4;
    }
    return done;
  }
}

/** @returns the end; 0 if half a character is left alone */
function unitsToUtf8(from: usize, length: usize, to: usize): usize {
  if ((length & 1) != 0) return 0;
  const last: usize = from + length;
  while (true) {
    const run = narrowAscii(from, (last - from) >>> 1, to);
    from += run << 1;
    to += run;
    if (from == last) return to;
    const stop: usize = min(last, from + STEP);
    while (from < stop) {
      const unit: u32 = load<u16>(from);
      from += 2;
      if (unit < 0x80) {
        store<u8>(to, <u8>unit);
        to++;
      } else if (unit < 0x800) {
        store<u16>(to, <u16>(0x80c0 | (unit >>> 6) | ((unit & 0x3f) << 8)));
        to += 2;
      } else if ((unit & 0xf800) != 0xd800) {
        store<u32>(to, 0x8080e0 | (unit >>> 12) | (((unit >>> 6) & 0x3f) << 8) | ((unit & 0x3f) << 16));
        to += 3;
      } else {
        if ((unit & 0xfc00) != 0xd800 || from == last) return 0;
        const next: u32 = load<u16>(from);
        if ((next & 0xfc00) != 0xdc00) return 0;
        from += 2;
        const point: u32 = 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff);
        store<u32>(
          to,
          0x808080f0 |
            (point >>> 18) |
            (((point >>> 12) & 0x3f) << 8) |
            (((point >>> 6) & 0x3f) << 16) |
            ((point & 0x3f) << 24),
        );
        to += 4;
      }
    }
  }
}
