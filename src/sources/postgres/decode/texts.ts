import { isUtf8 } from 'node:buffer';
import type { BytesColumn } from '../../../columns/bytes-column.js';
import type { FixedBytesColumn } from '../../../columns/fixed-bytes-column.js';
import { UndecodableText, UnrepresentableValue, type WireChunk } from '../../wire/wire.js';
import { beginByKernel, byKernel, bytesByKernel, type KernelCall } from '../../wire/by-kernel.js';
import { fieldLength, PREFIX } from './field-length.js';

/** Up to this length a loop beats the native copy, which has a fixed cost per call. */
const SHORT = 96;

/**
 * text, bytea, json: the bytes unchanged.
 * @param skip bytes to omit at the start of each field (the version byte of jsonb)
 */
export function decodeBytes(
  column: BytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
  skip = 0,
): void {
  if (bytesByKernel(column, wire, offsets, from, to, { prefix: PREFIX, skip })) return;
  const { bytes, view } = wire;
  if (column.usesDictionary) {
    column.reserve(to - from);
    const { indices, dictionary } = column;
    let at = column.valueCount;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number; // i is within bounds, here and below
      indices[at++] = dictionary.intern(bytes, view, offset + skip, fieldLength(view, offset) - skip);
    }
    column.valueCount = at;
    return;
  }
  let total = 0;
  for (let i = from; i < to; i++) total += 4 + fieldLength(view, offsets[i] as number);
  column.reserveBytes(total);
  const { data, view: out } = column;
  let at = column.byteLength;
  for (let i = from; i < to; i++) {
    const start = (offsets[i] as number) + skip;
    const length = fieldLength(view, offsets[i] as number) - skip;
    out.setInt32(at, length, true);
    at += 4;
    if (length >= 4 && length <= SHORT) {
      const last = length - 4;
      for (let k = 0; k < last; k += 4) out.setInt32(at + k, view.getInt32(start + k));
      out.setInt32(at + last, view.getInt32(start + last));
    } else if (length < 4) {
      for (let k = 0; k < length; k++) data[at + k] = bytes[start + k] as number; // within the field
    } else {
      data.set(bytes.subarray(start, start + length), at);
    }
    at += length;
  }
  column.byteLength = at;
  column.valueCount += to - from;
}

/** The only one there is. */
const JSONB_VERSION = 1;

export function decodeJsonb(column: BytesColumn, wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  if (
    beginByKernel(column, wire, offsets, from, to, JSONB_VERSION) &&
    bytesByKernel(column, wire, offsets, from, to, { prefix: PREFIX, skip: 1 })
  ) {
    return;
  }
  for (let i = from; i < to; i++) {
    const version = wire.bytes[offsets[i] as number];
    if (version !== JSONB_VERSION) throw new UnrepresentableValue(`jsonb of unknown version ${version ?? 'none'}`);
  }
  decodeBytes(column, wire, offsets, from, to, 1);
}

/** Text from a database with encoding SQL_ASCII, which stores arbitrary bytes. */
export function decodeCheckedText(
  column: BytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    if (!isUtf8At(wire, offsets[i] as number)) throw new UndecodableText('UTF-8');
  }
  decodeBytes(column, wire, offsets, from, to);
}

export function isUtf8At(wire: WireChunk, offset: number): boolean {
  return isUtf8(wire.bytes.subarray(offset, offset + fieldLength(wire.view, offset)));
}

const UUID: KernelCall = (run, wire, at, count, out) => run.fixed16Plain(wire, at, count, out);

/** uuid: 16 bytes in printed order. */
export function decodeFixed(
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
    for (let k = 0; k < width; k++) data[at + k] = bytes[offset + k] as number; // within the field
    at += width;
  }
  column.take(to - from);
}

/** money: 8 bytes big-endian on the wire, sign-extended to the column's width. */
export function decodeMoney(
  column: FixedBytesColumn,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  column.reserve(to - from);
  const { data, width } = column;
  const { bytes } = wire;
  const padding = width - 8;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    data.fill((bytes[offset] as number) & 0x80 ? 0xff : 0, at, at + padding);
    for (let k = 0; k < 8; k++) data[at + padding + k] = bytes[offset + k] as number; // within the field
    at += width;
  }
  column.take(to - from);
}
