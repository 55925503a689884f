import type { BooleanColumn } from '../../../columns/boolean-column.js';
import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import type { WireChunk } from '../../wire/wire.js';
import { byKernel, type KernelCall } from '../../wire/by-kernel.js';

/*
 * By a kernel where it can; else in one tight loop per kind of value, so that each stays monomorphic.
 * `offsets[i] as number`: i is in range.
 */

const BOOLEANS: KernelCall = (run, wire, at, count, out) => run.booleans(wire, at, count, out);

const INT16: KernelCall = (run, wire, at, count, out) => run.int16Plain(wire, at, count, out);

const INT32: KernelCall = (run, wire, at, count, out) => run.int32Plain(wire, at, count, out, 0, 0);

const OID: KernelCall = (run, wire, at, count, out) => run.oidPlain(wire, at, count, out);

const INT64: KernelCall = (run, wire, at, count, out) => run.int64Plain(wire, at, count, out, 0n, 0, 0n, 0n);

export function decodeBool(
  column: BooleanColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (byKernel(column, wire, offsets, from, to, BOOLEANS)) return;
  column.reserve(to - from);
  const { values } = column;
  let at = column.valueCount;
  for (let i = from; i < to; i++) values[at++] = wire.bytes[offsets[i] as number] === 0 ? 0 : 1;
  column.valueCount = at;
}

export function decodeInt16(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, INT16)) return;
  column.reserve(to - from);
  const { view } = wire;
  let at = column.end;
  const { values } = column;
  for (let i = from; i < to; i++) values[at++] = view.getInt16(offsets[i] as number);
  column.takeTo(at);
}

/** integer, and real by its bit pattern. */
export function decodeInt32(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, INT32)) return;
  column.reserve(to - from);
  const { view } = wire;
  let at = column.end;
  const { values } = column;
  for (let i = from; i < to; i++) values[at++] = view.getInt32(offsets[i] as number);
  column.takeTo(at);
}

/** oid: unsigned, 4 bytes. */
export function decodeOid(column: Int64Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, OID)) return;
  column.reserve(to - from);
  const { view } = wire;
  let at = column.end;
  const { words } = column;
  for (let i = from; i < to; i++, at++) {
    words[at << 1] = view.getInt32(offsets[i] as number);
    words[(at << 1) + 1] = 0;
  }
  column.takeTo(at);
}

/** bigint, and double precision by its bit pattern. */
export function decodeInt64(column: Int64Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (byKernel(column, wire, offsets, from, to, INT64)) return;
  column.reserve(to - from);
  const { view } = wire;
  let at = column.end;
  const { words } = column;
  for (let i = from; i < to; i++, at++) {
    const offset = offsets[i] as number;
    words[at << 1] = view.getInt32(offset + 4);
    words[(at << 1) + 1] = view.getInt32(offset);
  }
  column.takeTo(at);
}
