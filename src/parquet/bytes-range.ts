import { viewOf } from '../kernels/memory.js';
import type { Kernels } from '../kernels/kernels.js';

/** Minimum and maximum of byte strings, without allocating an object for each. */

export interface BytesRange {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
}

/**
 * Range of PLAIN byte arrays (4 bytes of length, then the value), in the order of unsigned bytes. The first four bytes
 * of each value, as a number, settle nearly every comparison.
 * @param used if given, only entries with a 1 at their position count; there is at least one
 * @param kernels are used if everything is in their memory
 * @returns views into `data`
 */
export function bytesRange(data: Uint8Array, used: Uint8Array | undefined, kernels?: Kernels): BytesRange {
  const view = viewOf(data);
  const address = kernels?.address(data) ?? -1;
  const marks = used === undefined ? 0 : (kernels?.address(used) ?? -1);
  const out = kernels?.scratch('range', 16);
  if (kernels !== undefined && out !== undefined && Math.min(address, marks) >= 0) {
    kernels.run.rangeBytes(address, data.length, marks, out.byteOffset);
    const least = kernels.view.getUint32(out.byteOffset, true);
    const most = kernels.view.getUint32(out.byteOffset + 4, true);
    return { min: valueAt(data, view, least), max: valueAt(data, view, most) };
  }
  let minAt = -1;
  let maxAt = -1;
  let minPrefix = 0;
  let maxPrefix = 0;
  let index = 0;
  for (let at = 0; at < data.length; index++) {
    const length = view.getInt32(at, true);
    if (used === undefined || used[index] === 1) {
      const prefix = length >= 4 ? view.getUint32(at + 4) : shortPrefix(data, at + 4, length);
      if (minAt < 0) {
        minAt = maxAt = at;
        minPrefix = maxPrefix = prefix;
      } else {
        if (prefix < minPrefix || (prefix === minPrefix && compareAt(data, view, at, minAt) < 0)) {
          minAt = at;
          minPrefix = prefix;
        }
        if (prefix > maxPrefix || (prefix === maxPrefix && compareAt(data, view, at, maxAt) > 0)) {
          maxAt = at;
          maxPrefix = prefix;
        }
      }
    }
    at += 4 + length;
  }
  return { min: valueAt(data, view, minAt), max: valueAt(data, view, maxAt) };
}

/** Range of values of `width` bytes each, in the order of unsigned bytes. */
export function fixedRange(data: Uint8Array, width: number): BytesRange {
  let min = data.subarray(0, width);
  let max = min;
  for (let at = width; at < data.length; at += width) {
    const first = data[at] as number; // at is below the length
    if (first <= (min[0] as number)) {
      const value = data.subarray(at, at + width);
      if (Buffer.compare(value, min) < 0) min = value;
    }
    if (first >= (max[0] as number)) {
      const value = data.subarray(at, at + width);
      if (Buffer.compare(value, max) > 0) max = value;
    }
  }
  return { min: min.slice(), max: max.slice() };
}

/** Range of decimals: big-endian two's complement of `width` bytes, unscaled. */
export function decimalRange(data: Uint8Array, width: number): { readonly min: bigint; readonly max: bigint } {
  let min = 0;
  let max = 0;
  for (let at = width; at < data.length; at += width) {
    if (compareDecimals(data, at, min, width) < 0) min = at;
    else if (compareDecimals(data, at, max, width) > 0) max = at;
  }
  return { min: decimalAt(data, min, width), max: decimalAt(data, max, width) };
}

function shortPrefix(data: Uint8Array, at: number, length: number): number {
  let prefix = 0;
  for (let i = 0; i < 4; i++) prefix = prefix * 256 + (i < length ? (data[at + i] as number) : 0); // i is below length
  return prefix;
}

function valueAt(data: Uint8Array, view: DataView, at: number): Uint8Array {
  return data.subarray(at + 4, at + 4 + view.getInt32(at, true));
}

function compareAt(data: Uint8Array, view: DataView, a: number, b: number): number {
  const lengthA = view.getInt32(a, true);
  const lengthB = view.getInt32(b, true);
  const shared = Math.min(lengthA, lengthB);
  for (let i = 4; i < shared + 4; i++) {
    const difference = (data[a + i] as number) - (data[b + i] as number); // i is within both values
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** The sign is in the first byte; the remaining bytes order both signs alike. */
function compareDecimals(data: Uint8Array, a: number, b: number, width: number): number {
  const first = (((data[a] as number) << 24) >> 24) - (((data[b] as number) << 24) >> 24); // both are values' starts
  if (first !== 0) return first;
  for (let i = 1; i < width; i++) {
    const difference = (data[a + i] as number) - (data[b + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function decimalAt(data: Uint8Array, at: number, width: number): bigint {
  let value = 0n;
  for (let i = 0; i < width; i++) value = (value << 8n) | BigInt(data[at + i] as number); // i is below width
  return BigInt.asIntN(width * 8, value);
}
