import type { BooleanColumn } from '../../../columns/boolean-column.js';
import type { Int32Column } from '../../../columns/int32-column.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import type { WireChunk } from '../../wire/wire.js';

/*
 * One tight loop per kind of value, so that each stays monomorphic. `offsets[i] as number`: i is in range.
 */

export function decodeBool(
  column: BooleanColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  column.reserve(to - from);
  const { values } = column;
  let at = column.valueCount;
  for (let i = from; i < to; i++) values[at++] = wire.bytes[offsets[i] as number] === 0 ? 0 : 1;
  column.valueCount = at;
}

export function decodeInt16(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  column.reserve(to - from);
  const { view } = wire;
  let at = column.valueCount;
  if (column.usesDictionary) {
    const { indices, dictionary } = column;
    for (let i = from; i < to; i++) indices[at++] = dictionary.intern(view.getInt16(offsets[i] as number));
  } else {
    const { values } = column;
    for (let i = from; i < to; i++) values[at++] = view.getInt16(offsets[i] as number);
  }
  column.valueCount = at;
}

/** integer, and real by its bit pattern. */
export function decodeInt32(column: Int32Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  column.reserve(to - from);
  const { view } = wire;
  let at = column.valueCount;
  if (column.usesDictionary) {
    const { indices, dictionary } = column;
    for (let i = from; i < to; i++) indices[at++] = dictionary.intern(view.getInt32(offsets[i] as number));
  } else {
    const { values } = column;
    for (let i = from; i < to; i++) values[at++] = view.getInt32(offsets[i] as number);
  }
  column.valueCount = at;
}

/** oid: unsigned, 4 bytes. */
export function decodeOid(column: Int64Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  column.reserve(to - from);
  const { view } = wire;
  let at = column.valueCount;
  if (column.usesDictionary) {
    const { indices, dictionary } = column;
    for (let i = from; i < to; i++) indices[at++] = dictionary.intern(view.getInt32(offsets[i] as number), 0);
  } else {
    const { words } = column;
    for (let i = from; i < to; i++, at++) {
      words[at << 1] = view.getInt32(offsets[i] as number);
      words[(at << 1) + 1] = 0;
    }
  }
  column.valueCount = at;
}

/** bigint, and double precision by its bit pattern. */
export function decodeInt64(column: Int64Column, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  column.reserve(to - from);
  const { view } = wire;
  let at = column.valueCount;
  if (column.usesDictionary) {
    const { indices, dictionary } = column;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number;
      indices[at++] = dictionary.intern(view.getInt32(offset + 4), view.getInt32(offset));
    }
  } else {
    const { words } = column;
    for (let i = from; i < to; i++, at++) {
      const offset = offsets[i] as number;
      words[at << 1] = view.getInt32(offset + 4);
      words[(at << 1) + 1] = view.getInt32(offset);
    }
  }
  column.valueCount = at;
}
