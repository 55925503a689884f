import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import { byKernel, type KernelCall } from '../../wire/by-kernel.js';
import { UnrepresentableValue, type WireChunk } from '../../wire/wire.js';

/**
 * Dates and times (MS-TDS 2.2.5.5.1.8). A date is a 3-byte count of days; a time counts units of 10^-scale seconds in
 * 3, 4 or 5 bytes. A datetime2 is a time followed by a date; a datetimeoffset is the same in UTC, followed by the offset.
 *
 * `offsets[i] as number`: i is in range.
 */

/** 1970-01-01 as days since 0001-01-01 and since 1900-01-01. */
const EPOCH_SINCE_0001 = 719_162;
const EPOCH_SINCE_1900 = 25_567;

/** How a column's times are converted to its unit. */
export interface TimeTarget {
  /** Bytes of the time on the wire. */
  readonly width: number;
  /** Multiplier of the wire units, applied before the divisor. */
  readonly factor: number;
  readonly divisor: number;
  /** Length of a day in the column's unit, as 32-bit words: a day in nanoseconds exceeds 32 bits. */
  readonly dayHigh: number;
  readonly dayLow: number;
  readonly time: KernelCall;
  readonly moment: KernelCall;
}

/** @param scale fractional digits of the second, 0 to 7 */
export function timeTarget(scale: number, unit: 'MICROS' | 'NANOS'): TimeTarget {
  const digits = unit === 'MICROS' ? 6 : 9;
  const day = 86_400 * 10 ** digits;
  const width = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
  const factor = 10 ** Math.max(digits - scale, 0);
  const divisor = 10 ** Math.max(scale - digits, 0);
  const [times, parts, length] = [BigInt(factor), BigInt(divisor), BigInt(day)];
  return {
    width,
    factor,
    divisor,
    dayHigh: Math.floor(day / 2 ** 32),
    dayLow: day % 2 ** 32,
    time: (run, wire, at, count, out) => run.tdsTime(wire, at, count, out, width, times, parts),
    moment: (run, wire, at, count, out) =>
      run.tdsMoment(wire, at, count, out, width, times, parts, EPOCH_SINCE_0001, length, SURE_DAYS[unit]),
  };
}

/** Days to either side of 1970 that fit 64 bits whatever the time. */
const SURE_DAYS = { MICROS: 0x7fffffff, NANOS: 106_750 };

const DATE: KernelCall = (run, wire, at, count, out) => run.tdsDate(wire, at, count, out, EPOCH_SINCE_0001);

const DATETIME: KernelCall = (run, wire, at, count, out) => run.tdsDatetime(wire, at, count, out, EPOCH_SINCE_1900);

const SMALL_DATETIME: KernelCall = (run, wire, at, count, out) =>
  run.tdsSmalldatetime(wire, at, count, out, EPOCH_SINCE_1900);

/** Since midnight, in units of 10^-scale seconds. @param width of the time on the wire, in bytes */
export function timeUnits(view: DataView, offset: number, width: number): number {
  const low = width === 3 ? view.getUint16(offset, true) : view.getUint32(offset, true);
  if (width === 3) return low + view.getUint8(offset + 2) * 2 ** 16;
  return width === 5 ? low + view.getUint8(offset + 4) * 2 ** 32 : low;
}

/** Since midnight, in the column's unit; below 2^53. Finer digits are truncated. */
function readTime(view: DataView, offset: number, { width, factor, divisor }: TimeTarget): number {
  const units = timeUnits(view, offset, width);
  return divisor === 1 ? units * factor : Math.floor(units / divisor);
}

/** Days since 1970-01-01. */
function readDays(view: DataView, offset: number): number {
  return view.getUint16(offset, true) + view.getUint8(offset + 2) * 2 ** 16 - EPOCH_SINCE_0001;
}

export function decodeDate(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, DATE)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { values } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const days = readDays(view, offsets[i] as number);
    values[at++] = days;
  }
  column.takeTo(at);
}

/** time: since midnight. */
export function decodeTime(
  column: Int64Column,
  target: TimeTarget,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, target.time)) return;
  column.reserve(to - from);
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const time = readTime(wire.view, offsets[i] as number, target);
    write(words, at++, time | 0, Math.floor(time / 2 ** 32));
  }
  column.takeTo(at);
}

/** datetime2, and the UTC instant of a datetimeoffset. */
export function decodeDateTime2(
  column: Int64Column,
  target: TimeTarget,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, target.moment)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { width, dayHigh, dayLow } = target;
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const days = readDays(view, offset + width);
    // Added in two exact parts: the sum may need 63 bits.
    const low = days * dayLow + readTime(view, offset, target);
    const high = days * dayHigh + Math.floor(low / 2 ** 32);
    if (high !== (high | 0)) throw new UnrepresentableValue(OUTSIDE);
    write(words, at++, low, high);
  }
  column.takeTo(at);
}

const OUTSIDE = 'a time outside the years 1677 to 2262, which nanoseconds in 64 bits cannot hold';

/** Whether the datetime2 at `offset` is too far from 1970. */
export function isOutOfRange(view: DataView, offset: number, target: TimeTarget): boolean {
  const days = readDays(view, offset + target.width);
  const high = days * target.dayHigh + Math.floor((days * target.dayLow + readTime(view, offset, target)) / 2 ** 32);
  return high !== (high | 0);
}

const MICROS = timeTarget(6, 'MICROS');

/** datetime: days since 1900-01-01, and 300ths of a second since midnight, each rounded to a distinct microsecond. */
export function decodeDateTime(
  column: Int64Column,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, DATETIME)) return;
  column.reserve(to - from);
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const days = wire.view.getInt32(offset, true) - EPOCH_SINCE_1900;
    writeMicros(words, at++, days, Math.round((wire.view.getUint32(offset + 4, true) * 10_000) / 3));
  }
  column.takeTo(at);
}

/** smalldatetime: days since 1900-01-01, and minutes since midnight. */
export function decodeSmallDateTime(
  column: Int64Column,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, SMALL_DATETIME)) return;
  column.reserve(to - from);
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const days = wire.view.getUint16(offset, true) - EPOCH_SINCE_1900;
    writeMicros(words, at++, days, wire.view.getUint16(offset + 2, true) * 60_000_000);
  }
  column.takeTo(at);
}

function writeMicros(words: Int32Array, at: number, days: number, micros: number): void {
  const low = days * MICROS.dayLow + micros;
  write(words, at, low, days * MICROS.dayHigh + Math.floor(low / 2 ** 32));
}

/** Writes a value at position `at`. `low` may exceed 32 bits; the excess is already counted in `high`. */
function write(words: Int32Array, at: number, low: number, high: number): void {
  words[at << 1] = low;
  words[(at << 1) + 1] = high;
}
