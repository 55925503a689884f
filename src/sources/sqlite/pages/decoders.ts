import { isUtf8 } from 'node:buffer';
import type { BooleanColumn } from '../../../columns/boolean-column.js';
import type { BytesColumn } from '../../../columns/bytes-column.js';
import type { ColumnBuffer } from '../../../columns/column-buffer.js';
import type { Int64Column } from '../../../columns/int64-column.js';
import type { ColumnDecoder } from '../../source.js';
import type { BoundField } from '../../wire/batch-decoder.js';
import { UnrepresentableValue } from '../../wire/wire.js';
import { FIRST_OF_LENGTH, type PageScanner, REAL, ROWID, rowidWords } from './page-scanner.js';

/** Binds a column to the fields that the scanner finds. Undefined for kinds that only SQLite itself can read. */
export function bindPageField(
  { kind }: ColumnDecoder,
  column: ColumnBuffer,
  scanner: PageScanner,
): BoundField | undefined {
  switch (kind) {
    case 'integer':
      if (column.kind !== 'int64') return undefined;
      return {
        decode: (_, offsets, from, to) => decodeIntegers(column, scanner, offsets, from, to),
        isUnrepresentable: (_, offset) => !isInteger(scanner.types[offset] ?? 0),
      };
    case 'real':
      if (column.kind !== 'int64') return undefined;
      return {
        decode: (_, offsets, from, to) => decodeReals(column, scanner, offsets, from, to),
        isUnrepresentable: (_, offset) => !readReal(scanner, offset),
      };
    case 'boolean':
      if (column.kind !== 'boolean') return undefined;
      return {
        decode: (_, offsets, from, to) => decodeBooleans(column, scanner, offsets, from, to),
        isUnrepresentable: (_, offset) => booleanAt(scanner, offset) === undefined,
      };
    case 'text':
    case 'blob': {
      if (column.kind !== 'bytes') return undefined;
      const isText = kind === 'text';
      return {
        decode: (_, offsets, from, to) => decodeBytes(column, scanner, isText, offsets, from, to),
        isUnrepresentable: (_, offset) => !isBytes(scanner, offset, isText),
      };
    }
    default:
      return undefined;
  }
}

function misfit(): UnrepresentableValue {
  return new UnrepresentableValue('a value that does not fit the type of the column');
}

function isInteger(type: number): boolean {
  return type < REAL || type === 8 || type === 9;
}

/** Low and high word of the last value read. */
const words = new Int32Array(2);
const doubles = new Float64Array(words.buffer);
const bigints = new BigInt64Array(words.buffer);

/* `… as number`: offsets come from the scanner. */

/** Reads an integer into `words`. */
function readInteger({ view, bytes, starts, types }: PageScanner, offset: number): void {
  const at = starts[offset] as number;
  switch (types[offset]) {
    case 1:
      words[0] = view.getInt8(at);
      break;
    case 2:
      words[0] = view.getInt16(at);
      break;
    case 3:
      words[0] = (view.getInt16(at) << 8) | (bytes[at + 2] as number);
      break;
    case 4:
      words[0] = view.getInt32(at);
      break;
    case 5:
      words[0] = view.getInt32(at + 2);
      words[1] = view.getInt16(at);
      return;
    case 6:
      words[0] = view.getInt32(at + 4);
      words[1] = view.getInt32(at);
      return;
    case 8:
      words[0] = 0;
      break;
    case 9:
      words[0] = 1;
      break;
    case ROWID:
      rowidWords(bytes, at, words);
      return;
    default:
      throw misfit();
  }
  words[1] = words[0] >> 31;
}

function decodeIntegers(
  column: Int64Column,
  scanner: PageScanner,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  column.reserve(to - from);
  const { words: out } = column;
  let at = column.end;
  for (let i = from; i < to; i++, at++) {
    readInteger(scanner, offsets[i] as number);
    out[at << 1] = words[0] as number;
    out[(at << 1) + 1] = words[1] as number;
  }
  column.takeTo(at);
}

/** Reads a number into `words` as a double; SQLite stores integral ones as integers. @returns whether it is a number */
function readReal(scanner: PageScanner, offset: number): boolean {
  const type = scanner.types[offset] as number;
  if (type === REAL) {
    const at = scanner.starts[offset] as number;
    words[0] = scanner.view.getInt32(at + 4);
    words[1] = scanner.view.getInt32(at);
    return true;
  }
  if (!isInteger(type)) return false;
  readInteger(scanner, offset);
  if (type === 6 || type === ROWID) {
    const [value = 0n] = bigints;
    doubles[0] = Number(value);
    return BigInt(doubles[0]) === value;
  }
  doubles[0] = (words[1] as number) * 0x1_0000_0000 + ((words[0] as number) >>> 0);
  return true;
}

function decodeReals(column: Int64Column, scanner: PageScanner, offsets: Int32Array, from: number, to: number): void {
  column.reserve(to - from);
  const { words: out } = column;
  let at = column.end;
  for (let i = from; i < to; i++, at++) {
    if (!readReal(scanner, offsets[i] as number)) throw misfit();
    out[at << 1] = words[0] as number;
    out[(at << 1) + 1] = words[1] as number;
  }
  column.takeTo(at);
}

function booleanAt(scanner: PageScanner, offset: number): 0 | 1 | undefined {
  if (!isInteger(scanner.types[offset] as number)) return undefined;
  readInteger(scanner, offset);
  const [low, high] = words;
  return high === 0 && (low === 0 || low === 1) ? low : undefined;
}

function decodeBooleans(
  column: BooleanColumn,
  scanner: PageScanner,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  column.reserve(to - from);
  const { values } = column;
  let at = column.valueCount;
  for (let i = from; i < to; i++) {
    const value = booleanAt(scanner, offsets[i] as number);
    if (value === undefined) throw misfit();
    values[at++] = value;
  }
  column.valueCount = at;
}

const NOT_ASCII = 0x80_80_80_80 | 0;

/** Whether it is a blob, or valid UTF-8 text if text is expected. */
function isBytes({ starts, types, view, bytes }: PageScanner, offset: number, isText: boolean): boolean {
  const type = types[offset] as number;
  if (type < FIRST_OF_LENGTH || (type & 1) !== (isText ? 1 : 0)) return false;
  if (!isText) return true;
  const start = starts[offset] as number;
  const length = (type - FIRST_OF_LENGTH) >>> 1;
  let bits = 0;
  if (length < 4) {
    for (let i = 0; i < length; i++) bits |= bytes[start + i] as number;
    if (bits < 0x80) return true;
  } else {
    const last = start + length - 4;
    for (let at = start; at < last; at += 4) bits |= view.getInt32(at);
    bits |= view.getInt32(last);
    if ((bits & NOT_ASCII) === 0) return true;
  }
  return isUtf8(bytes.subarray(start, start + length));
}

/** Up to this length a loop over words beats the native copy, which has a fixed cost per call. */
const SHORT = 96;

function decodeBytes(
  column: BytesColumn,
  scanner: PageScanner,
  isText: boolean,
  offsets: Int32Array,
  from: number,
  to: number,
): void {
  const { bytes, view, starts, types } = scanner;
  let total = 0;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    if (!isBytes(scanner, offset, isText)) throw misfit();
    total += 4 + (((types[offset] as number) - FIRST_OF_LENGTH) >>> 1);
  }
  if (column.usesDictionary) {
    column.reserve(to - from);
    const { indices, dictionary } = column;
    let at = column.valueCount;
    for (let i = from; i < to; i++) {
      const offset = offsets[i] as number;
      const length = ((types[offset] as number) - FIRST_OF_LENGTH) >>> 1;
      indices[at++] = dictionary.intern(bytes, view, starts[offset] as number, length);
    }
    column.valueCount = at;
    return;
  }
  column.reserveBytes(total);
  const { data, view: out } = column;
  let at = column.byteLength;
  for (let i = from; i < to; i++) {
    const offset = offsets[i] as number;
    const start = starts[offset] as number;
    const length = ((types[offset] as number) - FIRST_OF_LENGTH) >>> 1;
    out.setInt32(at, length, true);
    at += 4;
    if (length >= 4 && length <= SHORT) {
      const last = length - 4;
      for (let k = 0; k < last; k += 4) out.setInt32(at + k, view.getInt32(start + k));
      out.setInt32(at + last, view.getInt32(start + last));
    } else if (length < 4) {
      for (let k = 0; k < length; k++) data[at + k] = bytes[start + k] as number;
    } else {
      data.set(bytes.subarray(start, start + length), at);
    }
    at += length;
  }
  column.byteLength = at;
  column.valueCount += to - from;
}
