import { LENGTH_PREFIX, type LengthPrefix } from '../../../kernels/kernels.js';

/** Size in bytes of the length prefix of a text or binary value: 4 for the (max) types, whose chunks were joined. */
export type LengthBytes = 2 | 4;

/** Length in bytes of the text or binary value at `offset` (MS-TDS 2.2.5.2), from the little-endian prefix right before it. */
export function fieldLength(view: DataView, offset: number, lengthBytes: LengthBytes): number {
  return lengthBytes === 2 ? view.getUint16(offset - 2, true) : view.getUint32(offset - 4, true);
}

/** The same, as kernels are told it. */
export function prefixOf(lengthBytes: LengthBytes): LengthPrefix {
  return lengthBytes === 2 ? LENGTH_PREFIX.littleEndian16 : LENGTH_PREFIX.littleEndian32;
}
