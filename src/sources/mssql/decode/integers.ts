import type { BooleanColumn } from '../../../columns/boolean-column.js';
import type { FixedBytesColumn } from '../../../columns/fixed-bytes-column.js';
import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import { byKernel, type KernelCall } from '../../wire/by-kernel.js';
import type { WireChunk } from '../../wire/wire.js';

/*
 * By a kernel where it can; else in one tight loop per kind of value, so that each stays monomorphic.
 * `offsets[i] as number`: i is in range, and each offset was checked to point to a complete value.
 */

const BIT: KernelCall = (run, wire, at, count, out) => run.booleans(wire, at, count, out);

const UINT8: KernelCall = (run, wire, at, count, out) => run.tdsTinyint(wire, at, count, out);

const INT16: KernelCall = (run, wire, at, count, out) => run.tdsInt16(wire, at, count, out);

const INT32: KernelCall = (run, wire, at, count, out) => run.tdsInt32(wire, at, count, out);

const INT64: KernelCall = (run, wire, at, count, out) => run.tdsInt64(wire, at, count, out);

const UUID: KernelCall = (run, wire, at, count, out) => run.tdsGuid(wire, at, count, out);

export function decodeBit(column: BooleanColumn, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, BIT)) return;
  column.reserve(to - from);
  const { values } = column;
  let at = column.valueCount;
  for (let i = from; i < to; i++) values[at++] = wire.bytes[offsets[i] as number] === 0 ? 0 : 1;
  column.valueCount = at;
}

/** tinyint: unsigned. */
export function decodeUint8(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, UINT8)) return;
  column.reserve(to - from);
  const { bytes } = wire;
  const { values } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const value = bytes[offsets[i] as number] as number;
    values[at++] = value;
  }
  column.takeTo(at);
}

export function decodeInt16(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, INT16)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { values } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const value = view.getInt16(offsets[i] as number, true);
    values[at++] = value;
  }
  column.takeTo(at);
}

/** int, and real by its bit pattern. */
export function decodeInt32(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, INT32)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { values } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const value = view.getInt32(offsets[i] as number, true);
    values[at++] = value;
  }
  column.takeTo(at);
}

/** bigint, and float by its bit pattern. */
export function decodeInt64(column: Int64Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, INT64)) return;
  column.reserve(to - from);
  const { view } = wire;
  const { words } = column;
  let at = column.end;
  for (let i = from; i < to; i++, at++) {
    const offset = offsets[i] as number;
    const low = view.getInt32(offset, true);
    const high = view.getInt32(offset + 4, true);
    words[at << 1] = low;
    words[(at << 1) + 1] = high;
  }
  column.takeTo(at);
}

/** Position on the wire of each printed byte of a uniqueidentifier: its first three groups are little-endian. */
export const UUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

export function decodeUuid(
  column: FixedBytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, UUID)) return;
  column.reserve(to - from);
  const { data, width } = column;
  const { bytes } = wire;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    for (let k = 0; k < 16; k++) data[at + k] = bytes[offset + (UUID_ORDER[k] as number)] as number;
    at += width;
  }
  column.take(to - from);
}
