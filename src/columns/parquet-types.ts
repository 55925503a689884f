import type { ParquetType, TimeUnit } from './column-spec.js';

/** Parquet's types as sources name them (LogicalTypes.md of the format). */

export const BOOLEAN: ParquetType = { physical: 'BOOLEAN' };
export const INT32: ParquetType = { physical: 'INT32' };
export const INT64: ParquetType = { physical: 'INT64' };
export const FLOAT: ParquetType = { physical: 'FLOAT' };
export const DOUBLE: ParquetType = { physical: 'DOUBLE' };
export const BYTES: ParquetType = { physical: 'BYTE_ARRAY' };
export const STRING: ParquetType = { physical: 'BYTE_ARRAY', logical: { kind: 'string' } };
export const JSON_TEXT: ParquetType = { physical: 'BYTE_ARRAY', logical: { kind: 'json' } };
export const UUID: ParquetType = { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16, logical: { kind: 'uuid' } };
export const DATE: ParquetType = { physical: 'INT32', logical: { kind: 'date' } };

/** An integer of less than 32 bits, or an unsigned one. */
export function integerType(bitWidth: 8 | 16, { signed }: { readonly signed: boolean }): ParquetType {
  return { physical: 'INT32', logical: { kind: 'integer', bitWidth, signed } };
}

/** @param unit of which the values are counts, since midnight */
export function timeType(unit: TimeUnit): ParquetType {
  return { physical: 'INT64', logical: { kind: 'time', unit, utc: false } };
}

/** @param options.utc whether values are instants, and not what a clock on the wall shows */
export function timestampType(unit: TimeUnit, { utc }: { readonly utc: boolean }): ParquetType {
  return { physical: 'INT64', logical: { kind: 'timestamp', unit, utc } };
}

/** A decimal of up to 38 digits, in the narrowest physical type that holds them. */
export function decimalType(precision: number, scale: number): ParquetType {
  const logical = { kind: 'decimal', precision, scale } as const;
  if (precision <= 9) return { physical: 'INT32', logical };
  if (precision <= 18) return { physical: 'INT64', logical };
  return { physical: 'FIXED_LEN_BYTE_ARRAY', length: decimalBytes(precision), logical };
}

/** Fewest bytes of a two's complement number of so many decimal digits. */
function decimalBytes(precision: number): number {
  return Math.ceil((Math.log2(10) * precision + 1) / 8);
}
