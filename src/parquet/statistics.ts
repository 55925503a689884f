import type { SchemaElement } from 'hyparquet';
import { unconvertMinMax } from 'hyparquet-writer/src/unconvert.js';

/** A minimum or maximum, in the form the footer's writer expects for its type. */
export type Bound = number | bigint | boolean | Uint8Array;

/** Minimum and maximum of a page or a column chunk. */
export interface Bounds {
  readonly min: Bound;
  readonly max: Bound;
  /** False if a long value was shortened to one that still bounds it. */
  readonly minExact: boolean;
  readonly maxExact: boolean;
}

/** Longer bounds of byte arrays are shortened to this, as `ColumnIndex` allows. */
const BOUND_BYTES = 64;
const ANY_BYTES: SchemaElement = { name: '', type: 'BYTE_ARRAY' };
const UTF8_BYTES: SchemaElement = { name: '', type: 'BYTE_ARRAY', converted_type: 'UTF8' };

/** Bounds of byte arrays, shortened; undefined if the maximum has no short upper bound. */
export function bytesBounds(min: Uint8Array, max: Uint8Array, options: { readonly utf8: boolean }): Bounds | undefined {
  const element = options.utf8 ? UTF8_BYTES : ANY_BYTES;
  const low = unconvertMinMax(min, element, false, BOUND_BYTES);
  const high = unconvertMinMax(max, element, true, BOUND_BYTES);
  if (low === undefined || high === undefined || high.length > BOUND_BYTES) return undefined;
  // Copied: the buffers of the values are reused.
  return { min: low.slice(), max: high.slice(), minExact: low.length === min.length, maxExact: high === max };
}

/** Bounds of exact values. */
export function exactBounds(min: Bound, max: Bound): Bounds {
  return { min, max, minExact: true, maxExact: true };
}

/** Order of the column's type: numbers by value, bytes unsigned from the left. Both sides are of one kind. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Combined bounds of two sets. */
export function uniteBounds(a: Bounds, b: Bounds): Bounds {
  const low = compareBounds(b.min, a.min) < 0 ? b : a;
  const high = compareBounds(b.max, a.max) > 0 ? b : a;
  return { min: low.min, minExact: low.minExact, max: high.max, maxExact: high.maxExact };
}

/** The bound's bytes for `ColumnIndex`: PLAIN, without the length of byte arrays. */
export function boundBytes(bound: Bound, element: SchemaElement, side: 'min' | 'max'): Uint8Array {
  if (bound instanceof Uint8Array) return bound;
  const bytes = unconvertMinMax(bound, element, side === 'max');
  if (bytes === undefined) throw new TypeError(`no bytes for a bound of ${element.name}`);
  return bytes;
}
