import { viewOf } from '../../kernels/memory.js';
import type { BooleanColumn } from '../../columns/boolean-column.js';
import type { BytesColumn } from '../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { Int64Column } from '../../columns/int64-column.js';
import { appendDecimalBytes, appendDecimals32 } from './decimal-appender.js';
import type { JsRow } from './js-row.js';

/**
 * Appends JavaScript rows to columns, for databases whose drivers return nothing else. One loop per column, chosen once:
 * each stays monomorphic, and no value is inspected twice.
 */

/** Handles a value that does not fit the column's Parquet type; throws if the run is to stop. */
type Refusal = (value: unknown, row: number) => void;

export interface RowAppenderOptions {
  /** Index of the column's values in a row. */
  readonly index: number;
  readonly column: ColumnBuffer;
  readonly refuse: Refusal;
  /**
   * Present if the column's text arrives as bytes: converts it to UTF-8, undefined for invalid text. Drivers that return
   * strings replace invalid bytes by U+FFFD.
   */
  readonly textOf?: ((bytes: Uint8Array) => Uint8Array | undefined) | undefined;
}

/** Appends one column of `rows[from, to)`. @returns size of its values in bytes */
export type RowAppender = (rows: readonly JsRow[], from: number, to: number) => number;

/** @throws TypeError for a Parquet type that no driver's values map to, which is a bug */
export function createRowAppender(options: RowAppenderOptions): RowAppender {
  const { column } = options;
  const { physical, logical } = column.spec.type;
  switch (column.kind) {
    case 'boolean':
      return (rows, from, to) => appendBooleans(column, options, rows, from, to);
    case 'int64':
      if (physical === 'DOUBLE') return (rows, from, to) => appendDoubles(column, options, rows, from, to);
      return (rows, from, to) => appendIntegers(column, options, rows, from, to);
    case 'bytes':
      if (logical === undefined) return (rows, from, to) => appendBytes(column, options, rows, from, to);
      return (rows, from, to) => appendTexts(column, options, rows, from, to);
    case 'int32':
      if (logical?.kind !== 'decimal') break;
      return appendDecimals(column, options, (read) => appendDecimals32(column, read));
    case 'fixed':
      if (logical?.kind !== 'decimal') break;
      return appendDecimals(column, options, (read) => appendDecimalBytes(column, read));
    default:
      column satisfies never;
  }
  throw new TypeError(`column ${column.spec.name}: rows have no values for ${physical}`);
}

function appendDecimals(
  column: ColumnBuffer,
  { index, refuse }: RowAppenderOptions,
  append: (read: Parameters<typeof appendDecimals32>[1]) => void,
): RowAppender {
  const bytes = column.spec.type.length ?? 4;
  return (rows, from, to) => {
    append({ rows, from, to, index, refuse, flags: presenceOf(to - from) });
    appendLevels(column, to - from);
    return bytes * (to - from);
  };
}
/** For the rows of one column; negative for NULL. */
let presence = new Int32Array(1024);

function presenceOf(rows: number): Int32Array {
  if (rows > presence.length) presence = new Int32Array(rows * 2);
  return presence;
}

/** Writes the levels of the rows whose values were appended. @throws Error for NULL in a column that has none */
function appendLevels(column: ColumnBuffer, rows: number): void {
  const nulls = column.levels.appendOffsets(presence, 0, rows);
  if (nulls > 0 && column.levels.maxDefinition === 0) throw new Error('NULL in a column declared NOT NULL');
}

/* `rows[i] as JsRow`: i is in range. */

function appendBooleans(
  column: BooleanColumn,
  { index, refuse }: RowAppenderOptions,
  rows: readonly JsRow[],
  from: number,
  to: number,
): number {
  const flags = presenceOf(to - from);
  column.reserve(to - from);
  const { values } = column;
  let at = column.valueCount;
  for (let i = from; i < to; i++) {
    const value = (rows[i] as JsRow)[index];
    flags[i - from] = 0;
    if (value === 0 || value === false || value === 0n) values[at++] = 0;
    else if (value === 1 || value === true || value === 1n) values[at++] = 1;
    else {
      flags[i - from] = -1;
      if (value !== null) refuse(value, i);
    }
  }
  column.valueCount = at;
  appendLevels(column, to - from);
  return to - from;
}

const TWO_TO_32 = 0x1_0000_0000;
const bigints = new BigInt64Array(1);
const doubles = new Float64Array(bigints.buffer);
/** Low and high word of the value above; typed arrays are little-endian on all of Node's platforms. */
const words = new Int32Array(bigints.buffer);

function appendIntegers(
  column: Int64Column,
  { index, refuse }: RowAppenderOptions,
  rows: readonly JsRow[],
  from: number,
  to: number,
): number {
  const flags = presenceOf(to - from);
  column.reserve(to - from);
  const { words: out } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const value = (rows[i] as JsRow)[index];
    let low: number;
    let high: number;
    flags[i - from] = 0;
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      low = value | 0;
      high = Math.floor(value / TWO_TO_32) | 0;
    } else if (typeof value === 'bigint') {
      bigints[0] = value;
      low = words[0] as number;
      high = words[1] as number;
    } else {
      flags[i - from] = -1;
      if (value !== null) refuse(value, i);
      continue;
    }
    out[at << 1] = low;
    out[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
  appendLevels(column, to - from);
  return 8 * (to - from);
}

function appendDoubles(
  column: Int64Column,
  { index, refuse }: RowAppenderOptions,
  rows: readonly JsRow[],
  from: number,
  to: number,
): number {
  const flags = presenceOf(to - from);
  column.reserve(to - from);
  const { words: out } = column;
  let at = column.end;
  for (let i = from; i < to; i++) {
    const value = (rows[i] as JsRow)[index];
    flags[i - from] = 0;
    if (typeof value === 'number') doubles[0] = value;
    else if (typeof value === 'bigint' && BigInt(Number(value)) === value) doubles[0] = Number(value);
    else {
      flags[i - from] = -1;
      if (value !== null) refuse(value, i);
      continue;
    }
    const low = words[0] as number;
    const high = words[1] as number;
    out[at << 1] = low;
    out[(at << 1) + 1] = high;
    at++;
  }
  column.takeTo(at);
  appendLevels(column, to - from);
  return 8 * (to - from);
}

const encoder = new TextEncoder();
/** Holds a text on its way into a column. */
let scratch = new Uint8Array(4096);
let scratchView = viewOf(scratch);

const MOST_BYTES_OF_A_UNIT = 3;
/** Up to this length a loop beats the encoder. */
const SHORT = 64;

/** Encodes a text as UTF-8 into `scratch`. @returns its length */
function encode(text: string): number {
  const { length } = text;
  if (length <= SHORT) {
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      scratch[i] = code;
    }
    if (i === length) return length;
  }
  const most = length * MOST_BYTES_OF_A_UNIT;
  if (most > scratch.length) {
    scratch = new Uint8Array(most * 2);
    scratchView = viewOf(scratch);
  }
  return encoder.encodeInto(text, scratch).written;
}

function appendTexts(
  column: BytesColumn,
  { index, refuse, textOf }: RowAppenderOptions,
  rows: readonly JsRow[],
  from: number,
  to: number,
): number {
  const flags = presenceOf(to - from);
  column.reserve(to - from);
  let bytes = 0;
  for (let i = from; i < to; i++) {
    const value = (rows[i] as JsRow)[index];
    flags[i - from] = 0;
    if (typeof value === 'string') {
      const length = encode(value);
      put(column, scratch, scratchView, length);
      bytes += length;
      continue;
    }
    const text = value instanceof Uint8Array ? textOf?.(value) : undefined;
    if (text !== undefined) {
      putBytes(column, text);
      bytes += text.length;
      continue;
    }
    flags[i - from] = -1;
    if (value !== null) refuse(value, i);
  }
  appendLevels(column, to - from);
  return bytes;
}

function appendBytes(
  column: BytesColumn,
  { index, refuse }: RowAppenderOptions,
  rows: readonly JsRow[],
  from: number,
  to: number,
): number {
  const flags = presenceOf(to - from);
  column.reserve(to - from);
  let bytes = 0;
  for (let i = from; i < to; i++) {
    const value = (rows[i] as JsRow)[index];
    flags[i - from] = 0;
    if (value instanceof Uint8Array) {
      putBytes(column, value);
      bytes += value.length;
    } else {
      flags[i - from] = -1;
      if (value !== null) refuse(value, i);
    }
  }
  appendLevels(column, to - from);
  return bytes;
}

/** A dictionary entry larger than this would exceed every limit. */
const LARGE = 1 << 20;

function putBytes(column: BytesColumn, value: Uint8Array): void {
  put(column, value, viewOf(value), value.length);
}

function put(column: BytesColumn, value: Uint8Array, view: DataView, length: number): void {
  if (column.usesDictionary && length > LARGE) column.abandonDictionary();
  if (column.usesDictionary) {
    column.indices[column.valueCount++] = column.dictionary.intern(value, view, 0, length);
    return;
  }
  column.reserveBytes(4 + length);
  column.view.setInt32(column.byteLength, length, true);
  const at = column.byteLength + 4;
  if (length <= SHORT) {
    const { data } = column;
    for (let k = 0; k < length; k++) data[at + k] = value[k] as number; // within the value
  } else {
    column.data.set(length === value.length ? value : value.subarray(0, length), at);
  }
  column.byteLength = at + length;
  column.valueCount++;
}
