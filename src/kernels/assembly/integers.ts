import { swap16, swap32, swap64 } from './bytes-order';
import { field } from './fields';

/*
 * Numbers of a fixed width into the PLAIN layout: little-endian, one behind the other. A decoder that returns false has written nothing that counts.
 */

/** boolean: one byte a value, 0 or 1. */
export function booleans(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) store<u8>(out + i, load<u8>(field(wire, offsets, i)) != 0 ? 1 : 0);
  return true;
}

/** smallint, widened. */
export function int16Plain(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) {
    store<i32>(out + ((<usize>i) << 2), <i32>(<i16>swap16(load<u16>(field(wire, offsets, i)))));
  }
  return true;
}

/**
 * integer, the bits of a real, and dates: `add` moves the epoch.
 * @param bounded whether the least and the greatest number stand for infinities, which have no form here
 */
export function int32Plain(wire: usize, offsets: usize, count: i32, out: usize, add: i32, bounded: bool): bool {
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const order = i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    const plus = i32x4.splat(add);
    const least = i32x4.splat(i32.MIN_VALUE);
    const most = i32x4.splat(i32.MAX_VALUE);
    let infinite = i32x4.splat(0);
    for (; i + 4 <= count; i += 4) {
      let v: v128 = v128.load32_zero(field(wire, offsets, i));
      v = v128.load32_lane(field(wire, offsets, i + 1), v, 1);
      v = v128.load32_lane(field(wire, offsets, i + 2), v, 2);
      v = v128.load32_lane(field(wire, offsets, i + 3), v, 3);
      v = i8x16.swizzle(v, order);
      infinite = v128.or(infinite, v128.or(i32x4.eq(v, least), i32x4.eq(v, most)));
      v128.store(out + ((<usize>i) << 2), i32x4.add(v, plus));
    }
    if (bounded && v128.any_true(infinite)) return false;
  }
  for (; i < count; i++) {
    const v = <i32>swap32(load<u32>(field(wire, offsets, i)));
    if (bounded && (v == i32.MIN_VALUE || v == i32.MAX_VALUE)) return false;
    store<i32>(out + ((<usize>i) << 2), v + add);
  }
  return true;
}

/**
 * bigint, the bits of a double, times and timestamps: `add` moves the epoch.
 * @param least and `most`: the values that can be represented; all of them if `bounded` is false
 */
export function int64Plain(
  wire: usize,
  offsets: usize,
  count: i32,
  out: usize,
  add: i64,
  bounded: bool,
  least: i64,
  most: i64,
): bool {
  let fits = true;
  for (let i = 0; i < count; i++) {
    const v = <i64>swap64(load<u64>(field(wire, offsets, i)));
    fits = fits && v >= least && v <= most;
    store<i64>(out + ((<usize>i) << 3), v + add);
  }
  return fits || !bounded;
}

/** oid: unsigned. */
export function oidPlain(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) {
    store<u64>(out + ((<usize>i) << 3), <u64>swap32(load<u32>(field(wire, offsets, i))));
  }
  return true;
}

/** Whether each of the fields begins with this byte. */
export function beginWith(wire: usize, offsets: usize, count: i32, byte: u32): bool {
  let all = true;
  for (let i = 0; i < count; i++) all = all && load<u8>(field(wire, offsets, i)) == byte;
  return all;
}

/** uuid: 16 bytes as they are. */
export function fixed16Plain(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) {
    const from = field(wire, offsets, i);
    const to = out + ((<usize>i) << 4);
    store<u64>(to, load<u64>(from));
    store<u64>(to, load<u64>(from, 8), 8);
  }
  return true;
}
