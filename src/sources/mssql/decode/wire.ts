/**
 * Rows as they came over the wire (MS-TDS 2.2.5.2). A field's offset points to the first byte of its value; where the
 * length varies it stands right before, in 1, 2 or 4 bytes. All numbers are little-endian.
 */
export interface WireChunk {
  readonly bytes: Uint8Array;
  /** Over the same bytes. */
  readonly view: DataView;
}

/**
 * Decodes the fields at `offsets[from, to)`, none of them NULL, into the column that it was made for.
 * @throws UnrepresentableValue where the column's Parquet type has no such value
 */
export type FieldDecoder = (wire: WireChunk, offsets: Int32Array, from: number, to: number) => void;

/** Bytes of the length before a value of text or binary: 4 for the (max) types, whose chunks were put together. */
export type LengthBytes = 2 | 4;

/** Length in bytes of the text or binary value at `offset`. */
export function fieldLength(view: DataView, offset: number, lengthBytes: LengthBytes): number {
  return lengthBytes === 2 ? view.getUint16(offset - 2, true) : view.getUint32(offset - 4, true);
}

/** A value that SQL Server holds and the column's Parquet type can't. Says which kind of value, never the value. */
export class UnrepresentableValue extends Error {
  override readonly name = 'UnrepresentableValue';
}
