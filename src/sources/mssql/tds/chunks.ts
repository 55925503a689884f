import type { Kernels } from '../../../kernels/kernels.js';
import { gatherByKernel } from '../../wire/by-kernel.js';
import type { FieldDecoder, WireChunk } from '../../wire/wire.js';

/**
 * Joins the chunks of a complete value in place, by moving the later chunks up to the first one.
 * @param offset of the first chunk's length, which becomes the length of the whole value
 * @returns the start of the value
 */
function gatherChunks({ bytes, view }: WireChunk, offset: number): number {
  const data = offset + 4;
  const first = view.getUint32(offset, true);
  if (first === 0) return data;
  let end = data + first;
  let chunk = end;
  for (let length = view.getUint32(chunk, true); length > 0; length = view.getUint32(chunk, true)) {
    bytes.copyWithin(end, chunk + 4, chunk + 4 + length);
    end += length;
    chunk += 4 + length;
  }
  view.setUint32(offset, end - data, true);
  return data;
}

/** Does the same for all fields of a column; a negative offset is a NULL. */
export function gatherFields(kernels: Kernels | undefined): FieldDecoder {
  return (wire, offsets, from, to) => {
    if (gatherByKernel(kernels, wire, offsets, from, to)) return;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number; // i is in range
      if (offset >= 0) offsets[i] = gatherChunks(wire, offset);
    }
  };
}
