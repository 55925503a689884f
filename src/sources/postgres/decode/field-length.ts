import { LENGTH_PREFIX } from '../../../kernels/kernels.js';

/** How the length before a field is written. */
export const PREFIX = LENGTH_PREFIX.bigEndian32;

/**
 * Length in bytes of the field at `offset` of a binary COPY, from the 4 bytes before the field, big-endian as everywhere
 * in the protocol.
 */
export function fieldLength(view: DataView, offset: number): number {
  return view.getInt32(offset - 4);
}
