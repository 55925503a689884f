import { storeDecimal } from './decimal-bytes';
import { field } from './fields';

/*
 * Values as TDS sends them, little-endian, into the PLAIN layout. A decoder that returns false met one that it leaves to
 * TypeScript; it has written nothing that counts. What the bytes mean is said in mssql/decode.
 */

/** tinyint: unsigned. */
export function tdsTinyint(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) store<u32>(out + ((<usize>i) << 2), load<u8>(field(wire, offsets, i)));
  return true;
}

/** smallint, widened. */
export function tdsInt16(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) store<i32>(out + ((<usize>i) << 2), <i32>load<i16>(field(wire, offsets, i)));
  return true;
}

/** int, and the bits of a real. */
export function tdsInt32(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) store<u32>(out + ((<usize>i) << 2), load<u32>(field(wire, offsets, i)));
  return true;
}

/** bigint, and the bits of a float. */
export function tdsInt64(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) store<u64>(out + ((<usize>i) << 3), load<u64>(field(wire, offsets, i)));
  return true;
}

/** date: days in 3 bytes. @param epoch subtracted from them */
export function tdsDate(wire: usize, offsets: usize, count: i32, out: usize, epoch: i32): bool {
  for (let i = 0; i < count; i++) {
    store<i32>(out + ((<usize>i) << 2), <i32>(load<u32>(field(wire, offsets, i)) & 0xffffff) - epoch);
  }
  return true;
}

/** Units of a time of `bits` bits, in the column's unit. Finer digits are truncated. */
// @ts-ignore: decorator
@inline
function timeAt(at: usize, bits: u64, factor: i64, divisor: i64): i64 {
  const units = <i64>(load<u64>(at) & (((<u64>1) << bits) - 1));
  return divisor == 1 ? units * factor : units / divisor;
}

/** time: since midnight. @param width in bytes */
export function tdsTime(
  wire: usize,
  offsets: usize,
  count: i32,
  out: usize,
  width: u32,
  factor: i64,
  divisor: i64,
): bool {
  const bits: u64 = (<u64>width) << 3;
  for (let i = 0; i < count; i++) {
    store<i64>(out + ((<usize>i) << 3), timeAt(field(wire, offsets, i), bits, factor, divisor));
  }
  return true;
}

/**
 * datetime2, and the instant of a datetimeoffset: a time, then a date.
 * @param epoch subtracted from the days
 * @param day its length in the column's unit
 * @param most days to either side of the epoch that surely fit
 */
export function tdsMoment(
  wire: usize,
  offsets: usize,
  count: i32,
  out: usize,
  width: u32,
  factor: i64,
  divisor: i64,
  epoch: i32,
  day: i64,
  most: i32,
): bool {
  const bits: u64 = (<u64>width) << 3;
  let fits = true;
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const days: i32 = <i32>(load<u32>(at + width) & 0xffffff) - epoch;
    fits = fits && days <= most && days >= -most;
    store<i64>(out + ((<usize>i) << 3), <i64>days * day + timeAt(at, bits, factor, divisor));
  }
  return fits;
}

/** Of the types that count from 1900-01-01 in microseconds. */
const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;

/** datetime: days, and 300ths of a second, each rounded to a distinct microsecond. @param epoch subtracted from the days */
export function tdsDatetime(wire: usize, offsets: usize, count: i32, out: usize, epoch: i32): bool {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const micros: i64 = (<i64>load<u32>(at, 4) * 20_000 + 3) / 6;
    store<i64>(out + ((<usize>i) << 3), (<i64>load<i32>(at) - epoch) * DAY + micros);
  }
  return true;
}

/** smalldatetime: days and minutes, of 2 bytes each. @param epoch subtracted from the days */
export function tdsSmalldatetime(wire: usize, offsets: usize, count: i32, out: usize, epoch: i32): bool {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    store<i64>(out + ((<usize>i) << 3), (<i64>load<u16>(at) - epoch) * DAY + <i64>load<u16>(at, 2) * MINUTE);
  }
  return true;
}

/** The magnitude read by `readMagnitude`: its low and its high 64 bits. */
let magnitudeLow: u64 = 0;
let magnitudeHigh: u64 = 0;

/** @returns false for a length that no decimal has */
// @ts-ignore: decorator
@inline
function readMagnitude(at: usize): bool {
  const length: u32 = load<u8>(at - 1);
  if (length == 5) {
    magnitudeLow = load<u32>(at, 1);
    magnitudeHigh = 0;
    return true;
  }
  magnitudeLow = load<u64>(at, 1);
  magnitudeHigh = length == 17 ? load<u64>(at, 9) : length == 13 ? <u64>load<u32>(at, 9) : 0;
  return length == 9 || length == 13 || length == 17;
}

/** decimal of up to 9 digits. */
export function tdsDecimal32(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    if (!readMagnitude(at) || magnitudeHigh != 0 || magnitudeLow >> 32 != 0) return false;
    const magnitude = <i32>magnitudeLow;
    store<i32>(out + ((<usize>i) << 2), load<u8>(at) == 0 ? -magnitude : magnitude);
  }
  return true;
}

/** decimal of up to 18 digits. */
export function tdsDecimal64(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    if (!readMagnitude(at) || magnitudeHigh != 0) return false;
    const mask: i64 = load<u8>(at) == 0 ? -1 : 0;
    store<i64>(out + ((<usize>i) << 3), (<i64>magnitudeLow ^ mask) - mask);
  }
  return true;
}

/** decimal of up to 38 digits, in `width` bytes. */
export function tdsDecimalBytes(wire: usize, offsets: usize, count: i32, out: usize, width: i32): bool {
  const highBits: u64 = (<u64>(width - 8)) << 3;
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    if (!readMagnitude(at) || (width < 16 && magnitudeHigh >> highBits != 0)) return false;
    storeDecimal(out + <usize>(i * width), width, magnitudeLow, magnitudeHigh, load<u8>(at) == 0);
  }
  return true;
}

/** money: ten-thousandths, the high half first. */
export function tdsMoney(wire: usize, offsets: usize, count: i32, out: usize, width: i32): bool {
  for (let i = 0; i < count; i++) {
    const value: i64 = <i64>rotl<u64>(load<u64>(field(wire, offsets, i)), 32);
    storeDecimal(out + <usize>(i * width), width, <u64>value, <u64>(value >> 63), false);
  }
  return true;
}

/** smallmoney, widened. */
export function tdsSmallmoney(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) store<i64>(out + ((<usize>i) << 3), <i64>load<i32>(field(wire, offsets, i)));
  return true;
}

/** uniqueidentifier: its first three groups are little-endian. */
export function tdsGuid(wire: usize, offsets: usize, count: i32, out: usize): bool {
  for (let i = 0; i < count; i++) {
    const at = field(wire, offsets, i);
    const to = out + ((<usize>i) << 4);
    const first = load<u64>(at);
    // Bytes 3 2 1 0, then 5 4, then 7 6.
    const swapped = ((first & 0x00ff00ff00ff00ff) << 8) | ((first >> 8) & 0x00ff00ff00ff00ff);
    store<u64>(to, (swapped & 0xffffffff00000000) | rotl<u32>(<u32>swapped, 16));
    store<u64>(to, load<u64>(at, 8), 8);
  }
  return true;
}
