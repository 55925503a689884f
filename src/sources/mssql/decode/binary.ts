import type { BytesColumn } from '../../../columns/bytes-column.js';
import { bytesByKernel } from '../../wire/by-kernel.js';
import type { WireChunk } from '../../wire/wire.js';
import { fieldLength, type LengthBytes, prefixOf } from './field-length.js';

/** binary, varbinary, rowversion: the bytes unchanged. */
export function decodeBinary(
  column: BytesColumn,
  lengthBytes: LengthBytes,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  if (bytesByKernel(column, wire, offsets, from, to, { prefix: prefixOf(lengthBytes) })) return;
  const { bytes, view } = wire;
  // `offsets[i] as number`: i is in range.
  if (column.usesDictionary) {
    column.reserve(to - from);
    const { indices, dictionary } = column;
    let at = column.valueCount;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number;
      indices[at++] = dictionary.intern(bytes, view, offset, fieldLength(view, offset, lengthBytes));
    }
    column.valueCount = at;
    return;
  }
  let total = 0;
  for (let i = from; i < to; i++) total += 4 + fieldLength(view, offsets[i] as number, lengthBytes);
  column.reserveBytes(total);
  const { data, view: out } = column;
  let at = column.byteLength;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const length = fieldLength(view, offset, lengthBytes);
    out.setInt32(at, length, true);
    data.set(bytes.subarray(offset, offset + length), at + 4);
    at += 4 + length;
  }
  column.byteLength = at;
  column.valueCount += to - from;
}
