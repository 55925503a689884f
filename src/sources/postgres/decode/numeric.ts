import type { FixedBytesColumn } from '../../../columns/fixed-bytes-column.js';
import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import { UnrepresentableValue, type WireChunk } from '../../wire/wire.js';
import { byKernel } from '../../wire/by-kernel.js';

/**
 * numeric on the wire (numeric_send in PostgreSQL's numeric.c): four 16-bit fields, namely the number of base-10000
 * digits, the weight of the first one, the sign and the display scale; then the digits. Only the weight is signed: there
 * may be 36,864 digits. The result is the unscaled integer of Parquet's DECIMAL(p, s).
 */

const SIGN_NEGATIVE = 0x4000;
/** Offset of the digits. */
const HEADER_BYTES = 8;
/** Largest integer up to which every integer is exact in a double. */
const EXACT = Number.MAX_SAFE_INTEGER;

/** The column's DECIMAL(p, s), and values derived from it. */
export interface DecimalTarget {
  readonly precision: number;
  readonly scale: number;
  /** Number of base-10000 digits after the decimal point that are used in full. */
  readonly wholeGroups: number;
  /** Multiplier for the full groups: 10 ** (scale % 4). */
  readonly factor: number;
  /** Divisor for the group after them: 10 ** (4 - scale % 4). */
  readonly divisor: number;
  /** 10 ** precision in 32-bit limbs, least significant first. */
  readonly limit: readonly number[];
  /** The same as low and high 64 bits. */
  readonly limitWords: readonly [bigint, bigint];
}

export function decimalTarget(precision: number, scale: number): DecimalTarget {
  const remainder = scale % 4;
  const limit = 10n ** BigInt(precision);
  return {
    precision,
    scale,
    wholeGroups: (scale - remainder) / 4,
    factor: 10 ** remainder,
    divisor: 10 ** (4 - remainder),
    limit: [0n, 32n, 64n, 96n].map((shift) => Number((limit >> shift) & 0xffffffffn)),
    limitWords: [BigInt.asUintN(64, limit), limit >> 64n],
  };
}

/** The unscaled magnitude last read by `readLimbs`: 32-bit limbs, least significant first. */
const limbs = [0, 0, 0, 0];

/**
 * Reads the magnitude of the value at `offset` as a double.
 * @returns -1 if a double cannot hold it exactly, or if the value does not fit: `readLimbs` then decides
 */
function readExact(view: DataView, offset: number, target: DecimalTarget): number {
  const count = view.getUint16(offset);
  const last = view.getInt16(offset + 2) + target.wholeGroups;
  let value = 0;
  for (let i = 0; i <= last; i++) {
    value = value * 10000 + (i < count ? view.getInt16(offset + HEADER_BYTES + i * 2) : 0);
    if (value > EXACT / 10000) return -1;
  }
  value *= target.factor;
  if (last + 1 < count && last >= -1) {
    const digit = view.getInt16(offset + HEADER_BYTES + (last + 1) * 2);
    const part = digit / target.divisor;
    if (part !== Math.floor(part)) return -1;
    value += part;
  }
  if (count > last + 2 || last < -1) return count === 0 ? 0 : -1;
  return value;
}

/**
 * Reads the magnitude of the value at `offset` into `limbs`.
 * @returns whether it fits DECIMAL(p, s): no digits beyond the scale, and not too many before the point
 */
function readLimbs(view: DataView, offset: number, target: DecimalTarget): boolean {
  const count = view.getUint16(offset);
  const last = view.getInt16(offset + 2) + target.wholeGroups;
  limbs.fill(0);
  // 38 digits take at most 11 groups; leading zeros do not count.
  if (last > 11) return false;
  for (let i = 0; i <= last; i++) {
    if (!multiplyAdd(10000, i < count ? view.getInt16(offset + HEADER_BYTES + i * 2) : 0)) return false;
  }
  let part = 0;
  for (let i = Math.max(last + 1, 0); i < count; i++) {
    const digit = view.getInt16(offset + HEADER_BYTES + i * 2);
    const divisor = i === last + 1 ? target.divisor : 10000;
    if (digit % divisor !== 0) return false;
    if (i === last + 1) part = digit / divisor;
  }
  return multiplyAdd(target.factor, part) && isBelow(target.limit);
}

/** limbs = limbs * factor + addend. @returns false on overflow of 128 bits */
function multiplyAdd(factor: number, addend: number): boolean {
  let carry = addend;
  for (let i = 0; i < 4; i++) {
    const product = (limbs[i] as number) * factor + carry; // below 2 ** 46, exact
    limbs[i] = product >>> 0;
    carry = Math.floor(product / 2 ** 32);
  }
  return carry === 0;
}

function isBelow(limit: readonly number[]): boolean {
  for (let i = 3; i >= 0; i--) {
    const difference = (limbs[i] as number) - (limit[i] as number); // both have four limbs
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function isNegative(view: DataView, offset: number): boolean {
  const sign = view.getUint16(offset + 4);
  if (sign !== 0 && sign !== SIGN_NEGATIVE) throw new UnrepresentableValue('NaN or an infinity in a decimal');
  return sign === SIGN_NEGATIVE;
}

/** Whether the value at `offset` fits DECIMAL(p, s). */
export function fitsDecimal(view: DataView, offset: number, target: DecimalTarget): boolean {
  const sign = view.getUint16(offset + 4);
  return (sign === 0 || sign === SIGN_NEGATIVE) && readLimbs(view, offset, target);
}

function overflow(target: DecimalTarget): UnrepresentableValue {
  return new UnrepresentableValue(`a number that does not fit DECIMAL(${target.precision},${target.scale})`);
}

/** Precision up to 9. */
export function decodeDecimal32(
  column: Int32Column,
  target: DecimalTarget,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (
    byKernel(column, wire, offsets, from, to, (run, wire, at, count, out) =>
      run.decimal32Plain(wire, at, count, out, target.scale, target.limitWords[0]),
    )
  )
    return;
  const { view } = wire;
  column.reserve(to - from);
  const { values } = column;
  const limit = target.limit[0] as number; // there are four
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    const magnitude = readExact(view, offset, target);
    if (magnitude < 0 || magnitude >= limit) {
      isNegative(view, offset);
      throw overflow(target);
    }
    const value = isNegative(view, offset) ? -magnitude : magnitude;
    values[at++] = value;
  }
  column.takeTo(at);
}

/** Precision from 10 to 18. */
export function decodeDecimal64(
  column: Int64Column,
  target: DecimalTarget,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (
    byKernel(column, wire, offsets, from, to, (run, wire, at, count, out) =>
      run.decimal64Plain(wire, at, count, out, target.scale, target.limitWords[0]),
    )
  )
    return;
  const { view } = wire;
  column.reserve(to - from);
  const { words } = column;
  const limit = 10 ** target.precision;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    const magnitude = readExact(view, offset, target);
    const negative = isNegative(view, offset);
    let low: number;
    let high: number;
    if (magnitude >= 0 && magnitude < limit) {
      low = magnitude | 0;
      high = Math.floor(magnitude / 2 ** 32);
    } else {
      if (!readLimbs(view, offset, target)) throw overflow(target);
      low = (limbs[0] as number) | 0;
      high = limbs[1] as number;
    }
    if (negative) {
      high = ~high + (low === 0 ? 1 : 0);
      low = -low;
    }
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
}

/** Precision from 19 to 38: big-endian two's complement of the column's width. */
export function decodeDecimalBytes(
  column: FixedBytesColumn,
  target: DecimalTarget,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (
    byKernel(column, wire, offsets, from, to, (run, wire, at, count, out) =>
      run.decimalBytes(wire, at, count, out, column.width, target.scale, target.limitWords[0], target.limitWords[1]),
    )
  )
    return;
  const { view } = wire;
  column.reserve(to - from);
  const { data, width } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    const negative = isNegative(view, offset);
    if (!readLimbs(view, offset, target)) throw overflow(target);
    let carry = 1;
    for (let k = 0; k < width; k++) {
      let byte = ((limbs[k >>> 2] as number) >>> ((k & 3) << 3)) & 0xff; // width is at most 16
      if (negative) {
        byte = (~byte & 0xff) + carry;
        carry = byte >>> 8;
      }
      data[at + width - 1 - k] = byte;
    }
    at += width;
  }
  column.take(to - from);
}

const doubleBits = new DataView(new ArrayBuffer(8));

/** The nearest double of each value, for `--unbounded-numeric double`: the user has accepted the loss. */
export function decodeNumericAsDouble(
  column: Int64Column,
  view: DataView,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  column.reserve(to - from);
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const value = toDouble(view, offsets[i] as number); // i is within bounds
    if (value === undefined) throw new UnrepresentableValue('a number outside the range of a double');
    doubleBits.setFloat64(0, value);
    const low = doubleBits.getInt32(4);
    const high = doubleBits.getInt32(0);
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
}

/** Whether the value at `offset` is outside the range of a double. */
export function isBeyondDouble(view: DataView, offset: number): boolean {
  return toDouble(view, offset) === undefined;
}

/**
 * Goes through the decimal text, which `Number` rounds correctly, as the server's own cast does.
 * @returns undefined if the server's cast is out of range: a finite number beyond all doubles, or a nonzero one that would
 *   become 0
 */
function toDouble(view: DataView, offset: number): number | undefined {
  const count = view.getUint16(offset);
  const weight = view.getInt16(offset + 2);
  const sign = view.getUint16(offset + 4);
  if (sign === 0xc000) return NaN;
  if (sign === 0xd000) return Infinity;
  if (sign === 0xf000) return -Infinity;
  if (count === 0) return 0;
  let digits = '';
  for (let i = 0; i < count; i++) digits += String(view.getInt16(offset + HEADER_BYTES + i * 2)).padStart(4, '0');
  const value = Number(`${sign === SIGN_NEGATIVE ? '-' : ''}${digits}e${(weight - count + 1) * 4}`);
  return value === 0 || !Number.isFinite(value) ? undefined : value;
}
