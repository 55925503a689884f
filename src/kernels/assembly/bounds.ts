import { swap64 } from './bytes-order';

/*
 * The least and the greatest of a page's values, written to `out`: the first, then the second. There is at least one.
 */

export function range32(values: usize, count: i32, out: usize): void {
  let least = load<i32>(values);
  let most = least;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let low = i32x4.splat(least);
    let high = low;
    for (; i + 4 <= count; i += 4) {
      const v = v128.load(values + ((<usize>i) << 2));
      low = i32x4.min_s(low, v);
      high = i32x4.max_s(high, v);
    }
    least = min(
      min(i32x4.extract_lane(low, 0), i32x4.extract_lane(low, 1)),
      min(i32x4.extract_lane(low, 2), i32x4.extract_lane(low, 3)),
    );
    most = max(
      max(i32x4.extract_lane(high, 0), i32x4.extract_lane(high, 1)),
      max(i32x4.extract_lane(high, 2), i32x4.extract_lane(high, 3)),
    );
  }
  for (; i < count; i++) {
    const v = load<i32>(values + ((<usize>i) << 2));
    least = min(least, v);
    most = max(most, v);
  }
  store<i32>(out, least);
  store<i32>(out, most, 4);
}

export function range64(values: usize, count: i32, out: usize): void {
  let least = load<i64>(values);
  let most = least;
  for (let i = 1; i < count; i++) {
    const v = load<i64>(values + ((<usize>i) << 3));
    least = v < least ? v : least;
    most = v > most ? v : most;
  }
  store<i64>(out, least);
  store<i64>(out, most, 8);
}

/** Both are NaN if one of the values is. */
export function rangeFloat(values: usize, count: i32, out: usize): void {
  let least: f32 = Infinity;
  let most: f32 = -Infinity;
  for (let i = 0; i < count; i++) {
    const v = load<f32>(values + ((<usize>i) << 2));
    // These operators keep a NaN.
    least = min<f32>(least, v);
    most = max<f32>(most, v);
  }
  store<f32>(out, least);
  store<f32>(out, most, 4);
}

/** Both are NaN if one of the values is. */
export function rangeDouble(values: usize, count: i32, out: usize): void {
  let least: f64 = Infinity;
  let most: f64 = -Infinity;
  for (let i = 0; i < count; i++) {
    const v = load<f64>(values + ((<usize>i) << 3));
    least = min<f64>(least, v);
    most = max<f64>(most, v);
  }
  store<f64>(out, least);
  store<f64>(out, most, 8);
}

/** The first 8 bytes as a number that orders like them; shorter values end in zeros. */
// @ts-ignore: decorator
@inline
function prefixOf(at: usize, length: i32): u64 {
  const word = swap64(load<u64>(at));
  if (length >= 8) return word;
  return length == 0 ? 0 : word & ((<u64>-1) << (64 - ((<u64>length) << 3)));
}

/** Compares values of the PLAIN layout, given where their lengths are, in the order of unsigned bytes. */
function compare(a: usize, b: usize): i32 {
  const lengthA = load<i32>(a);
  const lengthB = load<i32>(b);
  const shared = min(lengthA, lengthB);
  let i = 0;
  for (; i + 8 <= shared; i += 8) {
    const x = load<u64>(a + 4 + i);
    const y = load<u64>(b + 4 + i);
    if (x != y) return swap64(x) < swap64(y) ? -1 : 1;
  }
  for (; i < shared; i++) {
    const difference = <i32>load<u8>(a + 4 + i) - <i32>load<u8>(b + 4 + i);
    if (difference != 0) return difference;
  }
  return lengthA - lengthB;
}

/**
 * Range of PLAIN byte arrays.
 * @param used a byte for each value, 1 if it counts; 0 if all do
 * @param out where the least and the greatest are, relative to `data`, at their lengths
 */
export function rangeBytes(data: usize, length: usize, used: usize, out: usize): void {
  const end = data + length;
  let least: usize = 0;
  let most: usize = 0;
  let low: u64 = 0;
  let high: u64 = 0;
  let index: usize = 0;
  for (let at = data; at < end; index++) {
    const bytes = load<i32>(at);
    if (used == 0 || load<u8>(used + index) == 1) {
      const prefix = prefixOf(at + 4, bytes);
      if (least == 0) {
        least = at;
        most = at;
        low = prefix;
        high = prefix;
      } else {
        if (prefix <= low && (prefix < low || compare(at, least) < 0)) {
          least = at;
          low = prefix;
        }
        if (prefix >= high && (prefix > high || compare(at, most) > 0)) {
          most = at;
          high = prefix;
        }
      }
    }
    at += 4 + bytes;
  }
  store<u32>(out, <u32>(least - data));
  store<u32>(out, <u32>(most - data), 4);
}

/** Compares values of the same length, whose first 8 bytes are equal. */
function compareTails(a: usize, b: usize, width: i32): i32 {
  let i = 8;
  for (; i + 8 <= width; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return swap64(x) < swap64(y) ? -1 : 1;
  }
  for (; i < width; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference != 0) return difference;
  }
  return 0;
}

/**
 * Range of values of `width` bytes, at least 8, one behind the other, big-endian.
 * @param used a byte for each value, 1 if it counts; 0 if all do
 * @param sign 0x80 if they are two's complement, 0 if they have no sign
 * @param out the numbers of the least and the greatest among the values
 */
export function rangeFixed(values: usize, count: i32, width: i32, used: usize, sign: u32, out: usize): void {
  const flip: u64 = (<u64>sign) << 56;
  let least: i32 = -1;
  let most: i32 = -1;
  let low: u64 = 0;
  let high: u64 = 0;
  for (let i = 0; i < count; i++) {
    if (used != 0 && load<u8>(used + i) != 1) continue;
    const at = values + <usize>i * width;
    const prefix = swap64(load<u64>(at)) ^ flip;
    if (least < 0) {
      least = i;
      most = i;
      low = prefix;
      high = prefix;
      continue;
    }
    if (prefix <= low && (prefix < low || compareTails(at, values + <usize>least * width, width) < 0)) {
      least = i;
      low = prefix;
    }
    if (prefix >= high && (prefix > high || compareTails(at, values + <usize>most * width, width) > 0)) {
      most = i;
      high = prefix;
    }
  }
  store<i32>(out, least);
  store<i32>(out, most, 4);
}
