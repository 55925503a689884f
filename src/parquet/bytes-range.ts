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

/** Values of one width, one behind the other, and which of them count. */
export interface FixedValues {
  readonly data: Uint8Array;
  /** In bytes. */
  readonly width: number;
  /** If given, only values with a 1 at their position count; there is at least one. */
  readonly used?: Uint8Array | undefined;
}

/** Range of values of one width, in the order of unsigned bytes. @param kernels are used if everything is in their memory */
export function fixedRange(values: FixedValues, kernels?: Kernels): BytesRange {
  const { data, width } = values;
  const { least, most } =
    fixedRangeByKernel(values, 0, kernels) ?? fixedRangeBy(values, (a, b) => compareBytes(data, a, b, width));
  return { min: data.slice(least, least + width), max: data.slice(most, most + width) };
}

/** Range of decimals: big-endian two's complement, unscaled. @param kernels are used if everything is in their memory */
export function decimalRange(values: FixedValues, kernels?: Kernels): { readonly min: bigint; readonly max: bigint } {
  const { data, width } = values;
  const { least, most } =
    fixedRangeByKernel(values, SIGN, kernels) ?? fixedRangeBy(values, (a, b) => compareDecimals(data, a, b, width));
  return { min: decimalAt(data, least, width), max: decimalAt(data, most, width) };
}

/** The bit of the first byte that holds the sign. */
const SIGN = 0x80;
/** The kernel takes the first 8 bytes as a number. */
const LEAST_WIDTH = 8;

/** Where the least and the greatest value begin. */
interface FixedRange {
  readonly least: number;
  readonly most: number;
}

function fixedRangeByKernel(values: FixedValues, sign: number, kernels: Kernels | undefined): FixedRange | undefined {
  const { data, width, used } = values;
  const address = kernels?.address(data) ?? -1;
  const marks = used === undefined ? 0 : (kernels?.address(used) ?? -1);
  const out = kernels?.scratch('range', 16);
  if (kernels === undefined || out === undefined || Math.min(address, marks) < 0 || width < LEAST_WIDTH)
    return undefined;
  kernels.run.rangeFixed(address, data.length / width, width, marks, sign, out.byteOffset);
  return {
    least: kernels.view.getInt32(out.byteOffset, true) * width,
    most: kernels.view.getInt32(out.byteOffset + 4, true) * width,
  };
}

function fixedRangeBy({ data, width, used }: FixedValues, compare: (a: number, b: number) => number): FixedRange {
  let least = -1;
  let most = -1;
  for (let at = 0, index = 0; at < data.length; at += width, index++) {
    if (used !== undefined && used[index] !== 1) continue;
    if (least < 0) least = most = at;
    else if (compare(at, least) < 0) least = at;
    else if (compare(at, most) > 0) most = at;
  }
  return { least, most };
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
  return first === 0 ? compareBytes(data, a, b, width) : first;
}

function compareBytes(data: Uint8Array, a: number, b: number, width: number): number {
  for (let i = 0; i < width; i++) {
    const difference = (data[a + i] as number) - (data[b + i] as number); // i is within both values
    if (difference !== 0) return difference;
  }
  return 0;
}

function decimalAt(data: Uint8Array, at: number, width: number): bigint {
  let value = 0n;
  for (let i = 0; i < width; i++) value = (value << 8n) | BigInt(data[at + i] as number); // i is below width
  return BigInt.asIntN(width * 8, value);
}
