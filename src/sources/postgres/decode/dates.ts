import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import { UnrepresentableValue, type WireChunk } from '../../wire/wire.js';
import { byKernel, type KernelCall } from '../../wire/by-kernel.js';

/** PostgreSQL counts from 2000-01-01, Parquet from 1970-01-01. */
const EPOCH_DAYS = 10_957;
const EPOCH_MICROSECONDS = 946_684_800_000_000;
const EPOCH_LOW = EPOCH_MICROSECONDS % 2 ** 32;
const EPOCH_HIGH = Math.floor(EPOCH_MICROSECONDS / 2 ** 32);

const DATE_INFINITY = 0x7fffffff;
const DATE_MINUS_INFINITY = -0x80000000;

/** Whether the date at `offset` is infinite. */
export function isInfiniteDate(view: DataView, offset: number): boolean {
  const days = view.getInt32(offset);
  return days === DATE_INFINITY || days === DATE_MINUS_INFINITY;
}

/** Whether the timestamp at `offset` is infinite, or so late that it overflows when counted from 1970. */
export function isUnboundedTimestamp(view: DataView, offset: number): boolean {
  const high = view.getInt32(offset);
  const low = view.getInt32(offset + 4) >>> 0;
  if (high === -0x80000000 && low === 0) return true;
  return high + EPOCH_HIGH + (low + EPOCH_LOW >= 2 ** 32 ? 1 : 0) > 0x7fffffff;
}

const DATE_KERNEL: KernelCall = (run, wire, at, count, out) => run.int32Plain(wire, at, count, out, EPOCH_DAYS, 1);

export function decodeDate(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, DATE_KERNEL)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { values } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const days = view.getInt32(offsets[i] as number); // i is within bounds
    if (days === DATE_INFINITY || days === DATE_MINUS_INFINITY) throw new UnrepresentableValue('an infinite date');
    values[at++] = days + EPOCH_DAYS;
  }
  column.takeTo(at);
}

const EPOCH = BigInt(EPOCH_MICROSECONDS);
const EARLIEST = -(2n ** 63n) + 1n;
const LATEST = 2n ** 63n - 1n - EPOCH;

const TIMESTAMP_KERNEL: KernelCall = (run, wire, at, count, out) =>
  run.int64Plain(wire, at, count, out, EPOCH, 1, EARLIEST, LATEST);

/** timestamp and timestamptz: microseconds, 8 bytes. */
export function decodeTimestamp(
  column: Int64Column,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, TIMESTAMP_KERNEL)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    const low = (view.getInt32(offset + 4) >>> 0) + EPOCH_LOW;
    const wireHigh = view.getInt32(offset);
    const high = wireHigh + EPOCH_HIGH + (low >= 2 ** 32 ? 1 : 0);
    if (high > 0x7fffffff || (wireHigh === -0x80000000 && low === EPOCH_LOW)) {
      throw new UnrepresentableValue('an infinite timestamp, or one past the year 294246');
    }
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
}

/** High word of the nanoseconds since 1970 of the timestamp at `offset`; beyond 32 bits if they do not fit into 64. */
function nanosHigh(view: DataView, offset: number): number {
  const low = (view.getInt32(offset + 4) >>> 0) + EPOCH_LOW;
  const high = view.getInt32(offset) + EPOCH_HIGH + (low >= 2 ** 32 ? 1 : 0);
  return high * 1000 + Math.floor(((low % 2 ** 32) * 1000) / 2 ** 32);
}

/** Whether the timestamp at `offset` is outside of 1677-09-21 to 2262-04-11, which nanoseconds in 64 bits hold. */
export function isBeyondNanos(view: DataView, offset: number): boolean {
  const high = nanosHigh(view, offset);
  return high !== (high | 0);
}

/** timestamp and timestamptz as nanoseconds. */
export function decodeTimestampNanos(
  column: Int64Column,
  { view }: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  column.reserve(to - from);
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    const high = nanosHigh(view, offset);
    if (high !== (high | 0)) {
      throw new UnrepresentableValue('an infinite timestamp, or one before 1677-09-21 or after 2262-04-11');
    }
    const low = ((view.getInt32(offset + 4) >>> 0) + EPOCH_LOW) % 2 ** 32;
    words[at << 1] = ((low * 1000) % 2 ** 32) | 0;
    words[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
}

/** 24:00:00, which is past the last time of day in Parquet. */
const DAY_END = 86_400_000_000;
const DAY_END_LOW = (DAY_END % 2 ** 32) | 0;
const DAY_END_HIGH = Math.floor(DAY_END / 2 ** 32);

/** Whether the time at `offset` is 24:00:00, the latest that PostgreSQL has. */
export function isDayEnd(view: DataView, offset: number): boolean {
  return view.getInt32(offset + 4) === DAY_END_LOW && view.getInt32(offset) === DAY_END_HIGH;
}

const TIME_KERNEL: KernelCall = (run, wire, at, count, out) =>
  run.int64Plain(wire, at, count, out, 0n, 1, 0n, BigInt(DAY_END) - 1n);

/** time: microseconds since midnight, 8 bytes. */
export function decodeTime(column: Int64Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, TIME_KERNEL)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    const low = view.getInt32(offset + 4);
    const high = view.getInt32(offset);
    if (low === DAY_END_LOW && high === DAY_END_HIGH) throw new UnrepresentableValue('the time 24:00:00');
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
}
