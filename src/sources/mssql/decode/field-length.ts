/** Bytes of the length before a value of text or binary: 4 for the (max) types, whose chunks were put together. */
export type LengthBytes = 2 | 4;

/** Length in bytes of the text or binary value at `offset` (MS-TDS 2.2.5.2): it stands right before, little-endian. */
export function fieldLength(view: DataView, offset: number, lengthBytes: LengthBytes): number {
  return lengthBytes === 2 ? view.getUint16(offset - 2, true) : view.getUint32(offset - 4, true);
}
