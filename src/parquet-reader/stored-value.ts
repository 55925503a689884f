import type { SchemaElement } from 'hyparquet';

import { bigEndian } from '../columns/value-digest.js';
import { annotationOf } from './annotation.js';

/**
 * A value as the file stores it, without its meaning: exact. `INT96` is nanoseconds since 1970, as its only use is a
 * timestamp.
 */
export type StoredValue = boolean | number | bigint | Uint8Array;

/**
 * A value of the footer's statistics: PLAIN, without the length of byte arrays.
 * @returns undefined if the bytes have another length than the type
 */
export function plainValue({ type, type_length: length }: SchemaElement, bytes: Uint8Array): StoredValue | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'BOOLEAN':
      return bytes.length === 1 ? bytes[0] === 1 : undefined;
    case 'INT32':
      return bytes.length === 4 ? view.getInt32(0, true) : undefined;
    case 'FLOAT':
      return bytes.length === 4 ? view.getFloat32(0, true) : undefined;
    case 'INT64':
      return bytes.length === 8 ? view.getBigInt64(0, true) : undefined;
    case 'DOUBLE':
      return bytes.length === 8 ? view.getFloat64(0, true) : undefined;
    case 'INT96':
      return bytes.length === 12 ? int96Nanoseconds(view) : undefined;
    case 'FIXED_LEN_BYTE_ARRAY':
      return bytes.length === length ? bytes : undefined;
    case 'BYTE_ARRAY':
      return bytes;
    default:
      return undefined;
  }
}

const DAY_OF_1970 = 2_440_588n;
const NANOSECONDS_PER_DAY = 86_400_000_000_000n;

/** Eight bytes of nanoseconds within the day, four of the Julian day. */
function int96Nanoseconds(view: DataView): bigint {
  return (BigInt(view.getInt32(8, true)) - DAY_OF_1970) * NANOSECONDS_PER_DAY + view.getBigInt64(0, true);
}

/** The order of a column's values in statistics (parquet.thrift, `ColumnOrder`): below, equal or above 0. */
export function compareStored(element: SchemaElement, a: StoredValue, b: StoredValue): number {
  const [left, right] = [ordered(element, a), ordered(element, b)];
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether stored numbers compare as the column's values do: neither bytes nor unsigned. */
export function isPlainlyOrdered(element: SchemaElement): boolean {
  const annotation = annotationOf(element);
  if (annotation?.kind === 'integer' && !annotation.signed) return false;
  return ['INT32', 'INT64', 'FLOAT', 'DOUBLE'].includes(element.type ?? '');
}

function ordered(element: SchemaElement, value: StoredValue): StoredValue {
  const annotation = annotationOf(element);
  if (annotation?.kind === 'decimal' && value instanceof Uint8Array) return bigEndian(value);
  if (annotation?.kind === 'float16' && value instanceof Uint8Array) return halfFloat(value);
  if (annotation?.kind === 'integer' && !annotation.signed) {
    if (typeof value === 'bigint') return BigInt.asUintN(64, value);
    if (typeof value === 'number') return value >>> 0;
  }
  return value;
}

/** IEEE 754 binary16, little-endian. */
export function halfFloat([low = 0, high = 0]: Uint8Array): number {
  const sign = high >> 7 === 1 ? -1 : 1;
  const exponent = (high >> 2) & 0x1f;
  const fraction = ((high & 0x3) << 8) | low;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * 2 ** -14 * (fraction / 1024) : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
