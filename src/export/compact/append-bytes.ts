import type { BytesColumn } from '../../columns/bytes-column.js';

/** A dictionary entry larger than this would exceed every limit. */
const LARGE = 1 << 20;

interface Bytes {
  readonly bytes: Uint8Array;
  /** Over the same bytes. */
  readonly view: DataView;
  readonly start: number;
  readonly length: number;
}

/** Appends a value, for which the column has reserved its room. */
export function appendBytes(column: BytesColumn, { bytes, view, start, length }: Bytes): void {
  if (column.usesDictionary && length > LARGE) column.abandonDictionary();
  if (column.usesDictionary) {
    const index = column.dictionary.intern(bytes, view, start, length);
    column.indices[column.valueCount++] = index;
    return;
  }
  column.reserveBytes(4 + length);
  column.view.setInt32(column.byteLength, length, true);
  column.data.set(bytes.subarray(start, start + length), column.byteLength + 4);
  column.byteLength += 4 + length;
  column.valueCount++;
}
