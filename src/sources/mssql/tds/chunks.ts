import type { WireChunk } from '../../wire/wire.js';

/**
 * Puts a complete value in chunks together where it lies: what is behind its first chunk moves up to it.
 * @param offset of the first chunk's length, which becomes that of the whole value
 * @returns where the value begins
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

/** Does so with all fields of a column; a negative offset is a NULL. */
export function gatherFields(wire: WireChunk, offsets: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    if (offset >= 0) offsets[i] = gatherChunks(wire, offset);
  }
}
