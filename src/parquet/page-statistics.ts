import type { BytesColumn } from '../columns/bytes-column.js';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { Kernels } from '../kernels/kernels.js';
import { type Bounds, bytesBounds, exactBounds } from './statistics.js';
import { bytesRange, decimalRange, fixedRange } from './bytes-range.js';

/** Scratch for marking the dictionary entries of a page; grows and is reused. */
let marks = new Uint8Array(1 << 12);

/**
 * Minimum and maximum of the column's values.
 * @returns undefined without values, and for floats that include NaN: a reader that skips pages by their bounds would
 *   lose the rows with NaN (the format excludes NaN from bounds, and data pages v1 have no other place for it)
 */
export function pageBounds(column: ColumnBuffer): Bounds | undefined {
  if (column.valueCount === 0) return undefined;
  const { kernels } = column.memory;
  switch (column.kind) {
    case 'int32': {
      const values = column.usesDictionary
        ? gather32(column.dictionary.keys, column.dictionary.count, column)
        : column.values.subarray(0, column.valueCount);
      if (column.spec.type.physical === 'FLOAT') return floatBounds(float32(values), kernels);
      const bounds = int32Bounds(values, kernels);
      // A plain number would be taken for the scaled value and scaled again.
      return column.spec.type.logical?.kind === 'decimal'
        ? exactBounds(BigInt(bounds.min), BigInt(bounds.max))
        : exactBounds(bounds.min, bounds.max);
    }
    case 'int64': {
      const words = column.usesDictionary
        ? gather64(column.dictionary.words, column.dictionary.count, column)
        : column.words.subarray(0, column.valueCount * 2);
      return column.spec.type.physical === 'DOUBLE'
        ? floatBounds(float64(words), kernels)
        : int64Bounds(words, kernels);
    }
    case 'bytes':
      return byteArrayBounds(column);
    case 'fixed': {
      const isDecimal = column.spec.type.logical?.kind === 'decimal';
      const { width, dictionary } = column;
      const values = column.usesDictionary
        ? { data: dictionary.plain(), width, used: markUsed(column, dictionary.count) }
        : { data: column.plain(), width };
      const range = isDecimal ? decimalRange(values, kernels) : fixedRange(values, kernels);
      return exactBounds(range.min, range.max);
    }
    case 'boolean': {
      const values = column.values.subarray(0, column.valueCount);
      return exactBounds(!values.includes(0), values.includes(1));
    }
    default:
      return column satisfies never;
  }
}

/** Marks the entries referenced by the page's indices, at the cost of one store per value. */
function markUsed(column: ColumnBuffer, count: number): Uint8Array {
  if (count > marks.length) marks = new Uint8Array(count * 2);
  const used = marks;
  const { indices, valueCount, memory } = column;
  const { kernels } = memory;
  const scratch = kernels?.scratch('marks', count);
  const from = kernels?.address(indices) ?? -1;
  if (kernels !== undefined && scratch !== undefined && from >= 0) {
    kernels.run.markUsed(from, valueCount, scratch.byteOffset, count);
    return scratch;
  }
  used.fill(0, 0, count);
  for (let i = 0; i < valueCount; i++) used[indices[i] as number] = 1; // the column's own indices
  return used;
}

/** Keys of the dictionary that the page's indices refer to. */
function gather32(keys: Int32Array, count: number, column: ColumnBuffer): Int32Array {
  const used = markUsed(column, count);
  const { kernels } = column.memory;
  const gathered = kernels && gatherBy(kernels, kernels.run.gatherUsed32, { entries: keys, used, count, width: 4 });
  if (gathered !== undefined) return gathered;
  const values = new Int32Array(count);
  let length = 0;
  for (let i = 0; i < count; i++) if (used[i] === 1) values[length++] = keys[i] as number; // i is below count
  return values.subarray(0, length);
}

function gather64(words: Int32Array, count: number, column: ColumnBuffer): Int32Array {
  const used = markUsed(column, count);
  const { kernels } = column.memory;
  const gathered = kernels && gatherBy(kernels, kernels.run.gatherUsed64, { entries: words, used, count, width: 8 });
  if (gathered !== undefined) return gathered;
  const values = new Int32Array(count * 2);
  let length = 0;
  for (let i = 0; i < count; i++) {
    if (used[i] !== 1) continue;
    values[length++] = words[i << 1] as number; // i is below count
    values[length++] = words[(i << 1) + 1] as number;
  }
  return values.subarray(0, length);
}

interface Entries {
  readonly entries: Int32Array;
  /** Marks of the used ones. */
  readonly used: Uint8Array;
  readonly count: number;
  /** In bytes. */
  readonly width: number;
}

/** @returns the used entries; undefined if the entries or their marks are not in the kernels' memory */
function gatherBy(
  kernels: Kernels,
  kernel: (entries: number, count: number, marks: number, out: number) => number,
  { entries, used, count, width }: Entries,
): Int32Array | undefined {
  const [from, marks] = [kernels.address(entries), kernels.address(used)];
  const out = from < 0 || marks < 0 ? undefined : kernels.scratch('used', count * width);
  if (out === undefined) return undefined;
  const length = kernel(from, count, marks, out.byteOffset);
  return new Int32Array(out.buffer, out.byteOffset, (length * width) / 4);
}

function int32Bounds(values: Int32Array, kernels: Kernels | undefined): { readonly min: number; readonly max: number } {
  const range = kernels && rangeBy(kernels, kernels.run.range32, values);
  if (range !== undefined) return { min: range.getInt32(0, true), max: range.getInt32(4, true) };
  let min = values[0] as number; // there is at least one value, here and below
  let max = min;
  for (let i = 1; i < values.length; i++) {
    const value = values[i] as number;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return { min, max };
}

/** Range of numbers in the kernels' memory: least and greatest, one behind the other; undefined if they are elsewhere. */
function rangeBy(
  kernels: Kernels,
  kernel: (values: number, count: number, out: number) => void,
  values: Int32Array | Float32Array | Float64Array,
  count = values.length,
): DataView | undefined {
  const address = kernels.address(values);
  const out = kernels.scratch('range', 16);
  if (address < 0 || out === undefined) return undefined;
  kernel(address, count, out.byteOffset);
  return new DataView(out.buffer, out.byteOffset, 16);
}

function int64Bounds(words: Int32Array, kernels: Kernels | undefined): Bounds {
  const range = kernels && rangeBy(kernels, kernels.run.range64, words, words.length / 2);
  if (range !== undefined) return exactBounds(range.getBigInt64(0, true), range.getBigInt64(8, true));
  let minLow = (words[0] as number) >>> 0;
  let minHigh = words[1] as number;
  let maxLow = minLow;
  let maxHigh = minHigh;
  for (let i = 2; i < words.length; i += 2) {
    const low = (words[i] as number) >>> 0;
    const high = words[i + 1] as number;
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minLow = low;
      minHigh = high;
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxLow = low;
      maxHigh = high;
    }
  }
  return exactBounds(join(minLow, minHigh), join(maxLow, maxHigh));
}

function join(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

function float32(bits: Int32Array): Float32Array {
  return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
}

function float64(words: Int32Array): Float64Array {
  return new Float64Array(words.buffer, words.byteOffset, words.length / 2);
}

/** Zeros as the format requires: a minimum of zero is written as -0, a maximum as +0. */
function floatBounds(values: Float32Array | Float64Array, kernels: Kernels | undefined): Bounds | undefined {
  let min = Infinity;
  let max = -Infinity;
  const isFloat = values instanceof Float32Array;
  const range = kernels && rangeBy(kernels, isFloat ? kernels.run.rangeFloat : kernels.run.rangeDouble, values);
  if (range !== undefined) {
    min = isFloat ? range.getFloat32(0, true) : range.getFloat64(0, true);
    max = isFloat ? range.getFloat32(4, true) : range.getFloat64(8, true);
    return Number.isNaN(min) ? undefined : exactBounds(min === 0 ? -0 : min, max === 0 ? 0 : max);
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isNaN(value)) return undefined;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return exactBounds(min === 0 ? -0 : min, max === 0 ? 0 : max);
}

function byteArrayBounds(column: BytesColumn): Bounds | undefined {
  const { dictionary, usesDictionary } = column;
  const data = usesDictionary ? dictionary.plain() : column.plain();
  const used = usesDictionary ? markUsed(column, dictionary.count) : undefined;
  const { min, max } = bytesRange(data, used, column.memory.kernels);
  const kind = column.spec.type.logical?.kind;
  return bytesBounds(min, max, { utf8: kind === 'string' || kind === 'json' });
}
