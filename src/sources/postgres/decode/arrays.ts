import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { Kernels } from '../../../kernels/kernels.js';
import { type FieldDecoder, type Unrepresentable, UnrepresentableValue, type WireChunk } from '../../wire/wire.js';

/** array_send in PostgreSQL's arrayfuncs.c: dimensions, flags, element type; size and lower bound of each dimension. */
const HEADER_BYTES = 12;
const DIMENSION_BYTES = 8;
/** Elements of a batch that there is room for from the start. */
const USUAL_ELEMENTS = 1 << 13;

/** What arrays lose, counted while decoding. */
export interface ArrayTally {
  /** Elements written as NULL. */
  unrepresentable: number;
  /** Arrays whose lower bound is not 1. */
  lostBounds: number;
}

/** Whether the array at `offset` is multidimensional, so that it is not a list. */
export function isNoList(view: DataView, offset: number): boolean {
  return view.getInt32(offset) > 1;
}

/** Offsets of the elements of the rows decoded last, without NULLs; where there are no kernels. Grows and is reused. */
let ordinary: Int32Array<ArrayBuffer> = new Int32Array(1024);

/** Room for elements of a batch: kernels decode them where it is in their memory. */
function roomFor(count: number, kernels: Kernels | undefined): Int32Array<ArrayBuffer> {
  const scratch = kernels?.scratch('elements', count * 4);
  if (scratch !== undefined) return new Int32Array(scratch.buffer, scratch.byteOffset, scratch.length >> 2);
  if (count > ordinary.length) ordinary = new Int32Array(Math.max(count, ordinary.length * 2));
  return ordinary;
}

export interface ListOptions {
  readonly decodeElements: FieldDecoder;
  /** Present if elements that do not fit their type become NULL. */
  readonly isUnrepresentable: Unrepresentable | undefined;
  readonly tally: ArrayTally;
}

/**
 * Turns arrays into lists: writes the levels, and passes the non-NULL elements to their own decoder. Unlike other
 * decoders it also gets NULLs (negative offsets), because they take a level of their own.
 */
export function decodeArrays(
  column: ColumnBuffer,
  options: ListOptions,
  wire: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { levels } = column;
  const { isUnrepresentable, tally } = options;
  const { view } = wire;
  const { kernels } = column.memory;
  const present = levels.maxDefinition;
  let elements = roomFor(USUAL_ELEMENTS, kernels);
  let count = 0;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    if (offset < 0) {
      levels.append(0, 0);
      continue;
    }
    if (isNoList(view, offset)) throw new UnrepresentableValue('a multidimensional array');
    const size = view.getInt32(offset) === 0 ? 0 : view.getInt32(offset + HEADER_BYTES);
    if (size === 0) levels.append(present - 2, 0);
    else if (view.getInt32(offset + HEADER_BYTES + 4) !== 1) tally.lostBounds++;
    if (count + size > elements.length) {
      const known = elements.slice(0, count);
      elements = roomFor(count + size, kernels);
      elements.set(known);
    }
    let at = offset + HEADER_BYTES + DIMENSION_BYTES;
    for (let k = 0; k < size; k++) {
      const length = view.getInt32(at);
      at += 4;
      const isDropped = length >= 0 && isUnrepresentable?.(wire, at) === true;
      if (isDropped) tally.unrepresentable++;
      if (length < 0 || isDropped) {
        levels.append(present - 1, k === 0 ? 0 : 1);
      } else {
        levels.append(present, k === 0 ? 0 : 1);
        elements[count++] = at;
      }
      if (length > 0) at += length;
    }
  }
  if (count > 0) options.decodeElements(wire, elements, 0, count);
}

const BLANK = 0x20;

/**
 * Arrays as JSON from the server: a leading blank, removed here, marks those whose lower bound is not 1. Adjusts the
 * offsets of these, and the lengths before them.
 */
export function unmarkJsonArrays(
  tally: ArrayTally,
  { bytes, view }: WireChunk,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number; // i is within bounds
    if (bytes[offset] !== BLANK) continue;
    view.setInt32(offset - 3, view.getInt32(offset - 4) - 1);
    offsets[i] = offset + 1;
    tally.lostBounds++;
  }
}
