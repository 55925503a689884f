import type { LogicalType, ParquetType } from '../../columns/column-spec.js';
import type { StoredValue } from '../../parquet-reader/stored-value.js';

/** Values as column buffers take them, converted to a wider type where a part has an earlier one. */
export type PlainValues =
  | { readonly kind: 'int32'; readonly values: Int32Array }
  /** Low word, high word of each. */
  | { readonly kind: 'int64'; readonly words: Int32Array }
  | { readonly kind: 'bytes'; readonly values: ArrayLike<Uint8Array> }
  | { readonly kind: 'boolean'; readonly values: ArrayLike<boolean> };

/** @param values as they are stored, floating-point numbers as their bits */
export type ToPlain = (values: ArrayLike<StoredValue>) => PlainValues;

/**
 * How stored values of one type become values of another, which is the same or wider, without loss.
 * @returns undefined for types that are not wider than each other
 */
export function toPlain(from: ParquetType, to: ParquetType): ToPlain | undefined {
  if (!isWider(from, to)) return undefined;
  switch (to.physical) {
    case 'BOOLEAN':
      return (values) => ({ kind: 'boolean', values: values as ArrayLike<boolean> }); // the stored form of the type
    case 'INT32':
    case 'FLOAT':
      return (values) => ({ kind: 'int32', values: int32s(values) });
    case 'INT64':
    case 'DOUBLE':
      return (values) => ({ kind: 'int64', words: wordsOf(values, from, to) });
    case 'BYTE_ARRAY':
      return (values) => ({ kind: 'bytes', values: values as ArrayLike<Uint8Array> }); // the stored form of the type
    case 'FIXED_LEN_BYTE_ARRAY': {
      const { length = 0 } = to;
      if (from.physical === to.physical && from.length === length)
        return (values) => ({ kind: 'bytes', values: values as ArrayLike<Uint8Array> }); // the stored form of the type
      return (values) => ({ kind: 'bytes', values: Array.from(values, (value) => bigEndian(value, length)) });
    }
    default:
      return to.physical satisfies never;
  }
}

/** Whether every value of a type is one of the other, stored in the same way or by more bytes. */
function isWider(from: ParquetType, to: ParquetType): boolean {
  if (isSame(from.logical, to.logical)) {
    if (from.physical === to.physical) return from.length === to.length;
    if (from.logical === undefined) return isNumberIn(from, to);
  }
  if (from.logical?.kind === 'decimal' || to.logical?.kind === 'decimal') return isDecimalIn(from.logical, to.logical);
  const [text, otherText] = [isText(from), isText(to)];
  if (text || otherText) return text && to.logical?.kind === 'string';
  return isIntegerIn(from, to);
}

function isNumberIn({ physical: from }: ParquetType, { physical: to }: ParquetType): boolean {
  return (from === 'INT32' && to === 'INT64') || (from === 'FLOAT' && to === 'DOUBLE');
}

function isDecimalIn(from: LogicalType | undefined, to: LogicalType | undefined): boolean {
  return (
    from?.kind === 'decimal' && to?.kind === 'decimal' && from.scale === to.scale && from.precision <= to.precision
  );
}

function isText({ physical, logical }: ParquetType): boolean {
  return physical === 'BYTE_ARRAY' && (logical?.kind === 'string' || logical?.kind === 'json');
}

function isIntegerIn(from: ParquetType, to: ParquetType): boolean {
  const [narrow, wide] = [integerRange(from), integerRange(to)];
  if (narrow === undefined || wide === undefined) return false;
  if (narrow.isSigned && !wide.isSigned) return false;
  return narrow.isSigned === wide.isSigned ? narrow.bits <= wide.bits : narrow.bits < wide.bits;
}

function integerRange({
  physical,
  logical,
}: ParquetType): { readonly bits: number; readonly isSigned: boolean } | undefined {
  if (logical?.kind === 'integer') return { bits: logical.bitWidth, isSigned: logical.signed };
  if (logical !== undefined) return undefined;
  return physical === 'INT32'
    ? { bits: 32, isSigned: true }
    : physical === 'INT64'
      ? { bits: 64, isSigned: true }
      : undefined;
}

function isSame(a: LogicalType | undefined, b: LogicalType | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/* hyparquet's arrays are typed where numbers are; an empty one may be any. */

function int32s(values: ArrayLike<StoredValue>): Int32Array {
  return values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>); // the stored form
}

function wordsOf(values: ArrayLike<StoredValue>, from: ParquetType, to: ParquetType): Int32Array {
  if (from.physical === to.physical) {
    const whole = values instanceof BigInt64Array ? values : BigInt64Array.from(values as ArrayLike<bigint>); // the stored form
    return new Int32Array(whole.buffer, whole.byteOffset, whole.length * 2);
  }
  const narrow = int32s(values);
  if (from.physical === 'FLOAT') {
    const floats = new Float32Array(narrow.buffer, narrow.byteOffset, narrow.length);
    return new Int32Array(Float64Array.from(floats).buffer);
  }
  const isUnsigned = from.logical?.kind === 'integer' && !from.logical.signed;
  const words = new Int32Array(narrow.length * 2);
  for (let i = 0; i < narrow.length; i++) {
    const value = narrow[i] as number; // i is within bounds
    words[i << 1] = value;
    words[(i << 1) + 1] = isUnsigned ? 0 : value >> 31;
  }
  return words;
}

/** A decimal of so many bytes (LogicalTypes.md, "DECIMAL": two's complement, big-endian). */
function bigEndian(value: StoredValue, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (value instanceof Uint8Array) {
    bytes.fill(((value[0] ?? 0) & 0x80) === 0 ? 0 : 0xff);
    bytes.set(value, length - value.length);
    return bytes;
  }
  let rest = BigInt(value);
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
