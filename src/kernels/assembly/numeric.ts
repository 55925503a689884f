import { swap16, swap32 } from './bytes-order';
import { storeDecimal } from './decimal-bytes';
import { field } from './fields';

/*
 * numeric into DECIMAL(p, s): base-10000 groups on the wire (numeric_send in PostgreSQL's numeric.c), the unscaled
 * integer here. A decoder that returns false met a value that does not fit; it has written nothing that counts.
 */

/** Offset of the groups: their count, the weight of the first, sign and display scale precede them, 16 bits each. */
const HEADER_BYTES: usize = 8;
const NEGATIVE: u32 = 0x4000;
/** The sign's bit in the header as it lies in memory. */
const NEGATIVE_BIT: u64 = 0x0000004000000000;

/**
 * Shuffles that put the groups of a value where their weight wants them: by the lane of the first group (0 to 3, from
 * the last one) and the number of groups (0 to 4), 16 bytes each.
 */
const PLACES: usize = memory.data(4 * 5 * 16, 16);
/** Inverses of 5^k modulo 2^64, for exact division. */
const INVERSES = memory.data<u64>([
  1, 0xcccccccccccccccd, 0x8f5c28f5c28f5c29, 0x1cac083126e978d5, 0xd288ce703afb7e91,
]);
const POWERS_OF_10 = memory.data<u32>([1, 10, 100, 1000, 10000]);
let arePlacesReady = false;

function preparePlaces(): void {
  memory.fill(PLACES, 0xff, 4 * 5 * 16);
  for (let place: u32 = 0; place < 4; place++) {
    for (let count: u32 = 1; count <= place + 1; count++) {
      const at: usize = PLACES + (((place << 2) + place + count) << 4);
      for (let group: u32 = 0; group < count; group++) {
        const lane: usize = 3 - place + group;
        store<u8>(at + (lane << 1), (group << 1) + 1);
        store<u8>(at + (lane << 1) + 1, group << 1);
      }
    }
  }
  arePlacesReady = true;
}

/** The shuffle for a value with this header (without its sign's bit); -1 if it needs the general way. */
function placeOf(head: u64, groups: i32): i32 {
  const count: u32 = swap16(<u32>(head & 0xffff));
  const place: u32 = <u32>(<i32>(<i16>swap16(<u32>((head >> 16) & 0xffff))) + groups);
  if ((<u32>(head >> 32) & 0xffff) != 0) return -1;
  if (count == 0) return 0;
  if (place > 3 || count > place + 1) return -1;
  return <i32>(((place << 2) + place + count) << 4);
}

/** The magnitude read by `readGeneral`: its low and its high 64 bits. */
let magnitudeLow: u64 = 0;
let magnitudeHigh: u64 = 0;

/** magnitude = magnitude * factor + addend; false if it overflows 128 bits. @param factor at most 10000 */
// @ts-ignore: decorator
@inline
function multiplyAdd(factor: u64, addend: u64): bool {
  const lowest: u64 = (magnitudeLow & 0xffffffff) * factor + addend;
  const low: u64 = (magnitudeLow >> 32) * factor + (lowest >> 32);
  const high: u64 = (magnitudeHigh & 0xffffffff) * factor + (low >> 32);
  const highest: u64 = (magnitudeHigh >> 32) * factor + (high >> 32);
  magnitudeLow = (low << 32) | (lowest & 0xffffffff);
  magnitudeHigh = (highest << 32) | (high & 0xffffffff);
  return highest >> 32 == 0;
}

/** Any value of at most 38 digits. @returns false if it does not fit, or is no number */
function readGeneral(at: usize, wholeGroups: i32, factor: u32, divisor: u32): bool {
  const count: i32 = <i32>swap16(load<u16>(at));
  const last: i32 = <i32>(<i16>swap16(load<u16>(at, 2))) + wholeGroups;
  const sign: u32 = swap16(load<u16>(at, 4));
  if (sign != 0 && sign != NEGATIVE) return false;
  // What the field is too short for would be read from the next one.
  if (<i32>swap32(load<u32>(at - 4)) != <i32>HEADER_BYTES + (count << 1)) return false;
  magnitudeLow = 0;
  magnitudeHigh = 0;
  if (last > 11) return false;
  for (let i = 0; i <= last; i++) {
    const group: u64 = i < count ? <u64>swap16(load<u16>(at + HEADER_BYTES + ((<usize>i) << 1))) : 0;
    if (!multiplyAdd(10000, group)) return false;
  }
  let part: u32 = 0;
  for (let i = last + 1 > 0 ? last + 1 : 0; i < count; i++) {
    const group: u32 = swap16(load<u16>(at + HEADER_BYTES + ((<usize>i) << 1)));
    if (i == last + 1) {
      if (group % divisor != 0) return false;
      part = group / divisor;
    } else if (group != 0) {
      return false;
    }
  }
  return multiplyAdd(factor, part);
}

/**
 * Precision up to 18, into 64 bits.
 * @param limit 10^precision
 */
export function decimal64Plain(wire: usize, offsets: usize, count: i32, out: usize, scale: i32, limit: u64): bool {
  const remainder = scale & 3;
  const wholeGroups = scale >> 2;
  const factor: u32 = load<u32>(POWERS_OF_10 + ((<usize>remainder) << 2));
  const divisor: u32 = load<u32>(POWERS_OF_10 + ((<usize>(4 - remainder)) << 2));
  if (ASC_FEATURE_SIMD) {
    if (!arePlacesReady) preparePlaces();
    const groups = (scale + 3) >> 2;
    const drop = (groups << 2) - scale;
    const inverse: u64 = load<u64>(INVERSES + ((<usize>drop) << 3));
    const fives: u64 = drop == 0 ? 1 : drop == 1 ? 5 : drop == 2 ? 25 : 125;
    // A quotient within 2^64 / 5^drop is exact: any other would not divide.
    const exact: u64 = (<u64>-1) / fives;
    const most: u64 = exact < limit ? exact : limit;
    const low: u64 = ((<u64>1) << drop) - 1;
    const tens = i16x8(10000, 1, 10000, 1, 0, 0, 0, 0);
    let last: u64 = 0;
    let place = v128.load(PLACES);
    for (let i = 0; i < count; i++) {
      const at = field(wire, offsets, i);
      const head: u64 = load<u64>(at);
      // Its display scale does not matter.
      const shape: u64 = head & ~NEGATIVE_BIT & 0x0000ffffffffffff;
      let isFast = true;
      if (shape != last) {
        const found = placeOf(shape, groups);
        if (found < 0) {
          isFast = false;
        } else {
          last = shape;
          place = v128.load(PLACES + found);
        }
      }
      let magnitude: u64 = 0;
      if (isFast) {
        const pairs = i32x4.dot_i16x8_s(i8x16.swizzle(v128.load64_zero(at, HEADER_BYTES), place), tens);
        const sum: u64 =
          (<u64>(<u32>i32x4.extract_lane(pairs, 0))) * 100000000 + <u64>(<u32>i32x4.extract_lane(pairs, 1));
        magnitude = (sum >> drop) * inverse;
        isFast = ((sum & low) == 0) & (magnitude < most);
      }
      if (!isFast) {
        if (!readGeneral(at, wholeGroups, factor, divisor) || magnitudeHigh != 0 || magnitudeLow >= limit) return false;
        magnitude = magnitudeLow;
      }
      const mask: i64 = -(<i64>(head >> 38) & 1);
      store<i64>(out + ((<usize>i) << 3), (<i64>magnitude ^ mask) - mask);
    }
    return true;
  } else {
    for (let i = 0; i < count; i++) {
      const at = field(wire, offsets, i);
      if (!readGeneral(at, wholeGroups, factor, divisor) || magnitudeHigh != 0 || magnitudeLow >= limit) return false;
      const mask: i64 = -((<i64>load<u8>(at, 4) >> 6) & 1);
      store<i64>(out + ((<usize>i) << 3), (<i64>magnitudeLow ^ mask) - mask);
    }
    return true;
  }
}

/** Precision up to 9, into 32 bits. */
export function decimal32Plain(wire: usize, offsets: usize, count: i32, out: usize, scale: i32, limit: u64): bool {
  // In portions, by way of 64 bits: 32 of them at a time fit behind the values, which the caller has made room for.
  for (let done = 0; done < count; done += PORTION) {
    const n = count - done < PORTION ? count - done : PORTION;
    if (!decimal64Plain(wire, offsets + ((<usize>done) << 2), n, WIDE, scale, limit)) return false;
    for (let i = 0; i < n; i++) store<i32>(out + ((<usize>(done + i)) << 2), <i32>load<i64>(WIDE + ((<usize>i) << 3)));
  }
  return true;
}
const PORTION: i32 = 64;
const WIDE: usize = memory.data(64 * 8, 16);

/** Precision from 19 to 38: big-endian two's complement of `width` bytes. @param limitLow and `limitHigh`: 10^precision */
export function decimalBytes(
  wire: usize,
  offsets: usize,
  count: i32,
  out: usize,
  width: i32,
  scale: i32,
  limitLow: u64,
  limitHigh: u64,
): bool {
  const remainder = scale & 3;
  const wholeGroups = scale >> 2;
  const factor: u32 = load<u32>(POWERS_OF_10 + ((<usize>remainder) << 2));
  const divisor: u32 = load<u32>(POWERS_OF_10 + ((<usize>(4 - remainder)) << 2));
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    if (!readGeneral(at, wholeGroups, factor, divisor)) return false;
    if (magnitudeHigh > limitHigh || (magnitudeHigh == limitHigh && magnitudeLow >= limitLow)) return false;
    const isNegative = (load<u8>(at, 4) & 0x40) != 0;
    storeDecimal(out + <usize>(i * width), width, magnitudeLow, magnitudeHigh, isNegative);
  }
  return true;
}
