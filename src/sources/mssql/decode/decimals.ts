import { viewOf } from '../../../kernels/memory.js';
import type { FixedBytesColumn } from '../../../columns/fixed-bytes-column.js';
import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import { byKernel, type KernelCall } from '../../wire/by-kernel.js';
import type { WireChunk } from '../../wire/wire.js';

/**
 * decimal and numeric: one sign byte (1 is positive), then the magnitude in 4, 8, 12 or 16 bytes, little-endian
 * (MS-TDS 2.2.5.5.1.6): exactly the unscaled integer of Parquet's DECIMAL. money: a two's complement number of
 * ten-thousandths, high half first (2.2.5.5.1.5).
 *
 * `… as number`: i is in range, and each offset was checked to point to a complete value.
 */

const DECIMAL32: KernelCall = (run, wire, at, count, out) => run.tdsDecimal32(wire, at, count, out);

const DECIMAL64: KernelCall = (run, wire, at, count, out) => run.tdsDecimal64(wire, at, count, out);

const SMALL_MONEY: KernelCall = (run, wire, at, count, out) => run.tdsSmallmoney(wire, at, count, out);

/** Precision up to 9. */
export function decodeDecimal32(
  column: Int32Column,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, DECIMAL32)) return;
  column.reserve(to - from);
  const { bytes, view } = wire;
  const { values } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    if ((bytes[offset - 1] as number) > 5) checkUpperBytes(bytes, offset, 5);
    const magnitude = view.getInt32(offset + 1, true);
    const value = bytes[offset] === 0 ? -magnitude : magnitude;
    values[at++] = value;
  }
  column.takeTo(at);
}

/** Precision from 10 to 18. */
export function decodeDecimal64(
  column: Int64Column,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, DECIMAL64)) return;
  column.reserve(to - from);
  const { bytes, view } = wire;
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++, at++) {
    const offset = offsets[i] as number;
    const length = bytes[offset - 1] as number;
    if (length > 9) checkUpperBytes(bytes, offset, 9);
    let low = view.getInt32(offset + 1, true);
    let high = length > 5 ? view.getInt32(offset + 5, true) : 0;
    if (bytes[offset] === 0) {
      high = ~high + (low === 0 ? 1 : 0);
      low = -low | 0;
    }
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
  }
  column.takeTo(at);
}

/** Precision above 18: two's complement, big-endian, in the column's fixed width. */
export function decodeDecimalBytes(
  column: FixedBytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { width } = column;
  const call: KernelCall = (run, address, at, count, out) => run.tdsDecimalBytes(address, at, count, out, width);
  if (byKernel(column, wire, offsets, from, to, call)) return;
  column.reserve(to - from);
  const { data } = column;
  const { bytes } = wire;
  let end = column.end + width;
  for (let i = from; i < to; i++, end += width) {
    const offset = offsets[i] as number;
    const length = (bytes[offset - 1] as number) - 1;
    if (length > width) checkUpperBytes(bytes, offset, width + 1);
    const negative = bytes[offset] === 0;
    let carry = negative ? 1 : 0;
    for (let k = 0; k < width; k++) {
      const byte = k < length ? (bytes[offset + 1 + k] as number) : 0;
      const value = negative ? (~byte & 0xff) + carry : byte;
      carry = value >>> 8;
      data[end - 1 - k] = value;
    }
  }
  column.take(to - from);
}

/** A magnitude wider than its digits need must be zero in the upper bytes. */
function checkUpperBytes(bytes: Uint8Array, offset: number, from: number): void {
  const length = bytes[offset - 1] as number;
  for (let k = from; k < length; k++) {
    if (bytes[offset + k] !== 0) throw new Error('a decimal has more digits than its type allows');
  }
}

/** money as DECIMAL(19,4). */
export function decodeMoney(
  column: FixedBytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { width } = column;
  const call: KernelCall = (run, address, at, count, out) => run.tdsMoney(address, at, count, out, width);
  if (byKernel(column, wire, offsets, from, to, call)) return;
  column.reserve(to - from);
  const { data } = column;
  const { view } = wire;
  const out = viewOf(data);
  const padding = width - 8;
  let at = column.end;
  for (let i = from; i < to; i++, at += width) {
    const offset = offsets[i] as number;
    const high = view.getInt32(offset, true);
    data.fill(high < 0 ? 0xff : 0, at, at + padding);
    out.setInt32(at + padding, high);
    out.setInt32(at + padding + 4, view.getInt32(offset + 4, true));
  }
  column.take(to - from);
}

/** smallmoney as DECIMAL(10,4). */
export function decodeSmallMoney(
  column: Int64Column,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, SMALL_MONEY)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++, at++) {
    const low = view.getInt32(offsets[i] as number, true);
    const high = low < 0 ? -1 : 0;
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
  }
  column.takeTo(at);
}
