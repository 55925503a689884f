import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import { type FieldDecoder, UnrepresentableValue, type WireChunk } from './wire.js';

/** array_send in PostgreSQL's arrayfuncs.c: dimensions, flags, element type; size and lower bound of each dimension. */
const HEADER_BYTES = 12;
const DIMENSION_BYTES = 8;

/** Whether the array at `offset` is a plain list: at most one dimension, counted from 1. */
export function isPlainList(view: DataView, offset: number): boolean {
  const dimensions = view.getInt32(offset);
  return dimensions === 0 || (dimensions === 1 && view.getInt32(offset + HEADER_BYTES + 4) === 1);
}

/** Elements of the rows decoded last: their offsets, one after the other, NULLs left out. Grows and is reused. */
let elements = new Int32Array(1024);

/**
 * Turns arrays into lists: writes the levels, and gives the elements that are there to the decoder of their type. In
 * contrast to other decoders it is given NULLs too (a negative offset), because they take a level of their own.
 */
export function decodeArrays(
  column: ColumnBuffer,
  decodeElements: FieldDecoder,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { levels } = column;
  const { view } = wire;
  const present = levels.maxDefinition;
  let count = 0;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    if (offset < 0) {
      levels.append(0, 0);
      continue;
    }
    if (!isPlainList(view, offset)) {
      throw new UnrepresentableValue('an array of several dimensions, or one that does not begin at 1');
    }
    const size = view.getInt32(offset) === 0 ? 0 : view.getInt32(offset + HEADER_BYTES);
    if (size === 0) levels.append(present - 2, 0);
    if (count + size > elements.length) elements = grow(elements, count + size);
    let at = offset + HEADER_BYTES + DIMENSION_BYTES;
    for (let k = 0; k < size; k++) {
      const length = view.getInt32(at);
      at += 4;
      if (length < 0) {
        levels.append(present - 1, k === 0 ? 0 : 1);
      } else {
        levels.append(present, k === 0 ? 0 : 1);
        elements[count++] = at;
        at += length;
      }
    }
  }
  if (count > 0) decodeElements(wire, elements, 0, count);
}

/**
 * Elements of `T[]` that their type can't hold make their whole array unrepresentable.
 * @param isUnrepresentable judges one element
 */
export function hasUnrepresentableElement(
  wire: WireChunk,
  offset: number,
  isUnrepresentable: (wire: WireChunk, offset: number) => boolean,
): boolean {
  const { view } = wire;
  const size = view.getInt32(offset) === 0 ? 0 : view.getInt32(offset + HEADER_BYTES);
  let at = offset + HEADER_BYTES + DIMENSION_BYTES;
  for (let k = 0; k < size; k++) {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0) continue;
    if (isUnrepresentable(wire, at)) return true;
    at += length;
  }
  return false;
}

function grow(array: Int32Array, needed: number): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(Math.max(needed, array.length * 2));
  grown.set(array);
  return grown;
}
