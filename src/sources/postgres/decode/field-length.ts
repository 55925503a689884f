/**
 * Length in bytes of the field at `offset` of a binary COPY: it stands in the 4 bytes before the field, big-endian, as
 * the protocol has it.
 */
export function fieldLength(view: DataView, offset: number): number {
  return view.getInt32(offset - 4);
}
