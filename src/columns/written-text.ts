import { viewOf } from '../kernels/memory.js';
import type { BytesColumn } from './bytes-column.js';

/** Writes values of a source type as text. */
export interface TextForm {
  /** Maximum bytes of a text. */
  readonly longest: number;
  /** Writes the text of the source value at `offset` to `out` from `at` on; returns its end. */
  readonly write: (offset: number, out: Uint8Array, at: number) => number;
}

/** Scratch buffer for looking up one text in a dictionary. */
const scratch = new Uint8Array(64);
const scratchView = viewOf(scratch);

/** Appends the texts of the values at `offsets[from]` to `offsets[to - 1]`. */
export function appendTexts(
  column: BytesColumn,
  { longest, write }: TextForm,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  // `offsets[i] as number`: i is within bounds.
  if (column.usesDictionary) {
    column.reserve(to - from);
    const { indices, dictionary } = column;
    let at = column.valueCount;
    for (let i = from; i < to; i++) {
      const end = write(offsets[i] as number, scratch, 0);
      indices[at++] = dictionary.intern(scratch, scratchView, 0, end);
    }
    column.valueCount = at;
    return;
  }
  column.reserveBytes((4 + longest) * (to - from));
  const { data, view } = column;
  let at = column.byteLength;
  for (let i = from; i < to; i++) {
    const end = write(offsets[i] as number, data, at + 4);
    view.setInt32(at, end - at - 4, true);
    at = end;
  }
  column.byteLength = at;
  column.valueCount += to - from;
}

const DIGITS = new TextEncoder().encode('0123456789abcdef');
const ZERO = 0x30;
const COLON = 0x3a;
const POINT = 0x2e;
const DASH = 0x2d;

/** Characters of a UUID. */
export const UUID_LENGTH = 36;

/**
 * A UUID in its canonical form, lower case (RFC 9562).
 * @param order position of each printed byte, relative to `offset`
 */
export function writeUuid(
  source: Uint8Array,
  offset: number,
  order: readonly number[],
  out: Uint8Array,
  at: number,
): number {
  let to = at;
  for (let k = 0; k < 16; k++) {
    if (k === 4 || k === 6 || k === 8 || k === 10) out[to++] = DASH;
    const byte = source[offset + (order[k] as number)] as number; // order has 16 numbers below 16
    out[to++] = DIGITS[byte >> 4] as number; // below 16
    out[to++] = DIGITS[byte & 15] as number;
  }
  return to;
}

/** Characters of a time with seven fractional digits. */
export const TIME_LENGTH = 16;

/**
 * A time of the day: `12:34:56.789`.
 * @param units since midnight, each 10^-digits seconds
 * @param options.trims drops trailing zeros of the fraction, and a fraction of zeros entirely
 */
export function writeTime(
  units: number,
  { digits, trims }: { readonly digits: number; readonly trims: boolean },
  out: Uint8Array,
  at: number,
): number {
  const perSecond = 10 ** digits;
  const seconds = Math.floor(units / perSecond);
  let to = writePair(Math.floor(seconds / 3600), out, at);
  out[to++] = COLON;
  to = writePair(Math.floor(seconds / 60) % 60, out, to);
  out[to++] = COLON;
  to = writePair(seconds % 60, out, to);
  let fraction = units - seconds * perSecond;
  let left = digits;
  if (trims) {
    if (fraction === 0) return to;
    for (; fraction % 10 === 0; fraction /= 10) left--;
  }
  if (left === 0) return to;
  out[to] = POINT;
  for (let k = to + left; k > to; k--) {
    out[k] = ZERO + (fraction % 10);
    fraction = Math.floor(fraction / 10);
  }
  return to + 1 + left;
}

function writePair(number: number, out: Uint8Array, at: number): number {
  out[at] = ZERO + Math.floor(number / 10);
  out[at + 1] = ZERO + (number % 10);
  return at + 2;
}
