import type { WantedType } from '../../../model/wanted-type.js';

/** The type that a column must be asked for to be read as its files have it; undefined if none can be asked for. */
export function wantedTypeOf(parquetType: string): WantedType | undefined {
  const [, precision, scale] = /^\S+ DECIMAL\((\d+),(\d+)\)$/.exec(parquetType) ?? [];
  if (precision !== undefined) return { as: 'decimal', precision: Number(precision), scale: Number(scale) };
  if (/ TIMESTAMP\(NANOS/.test(parquetType)) return { as: 'timestamp', unit: 'ns' };
  if (/ TIMESTAMP\(MICROS/.test(parquetType)) return { as: 'timestamp', unit: 'us' };
  if (parquetType === 'DOUBLE') return { as: 'double' };
  if (parquetType === 'BYTE_ARRAY JSON') return { as: 'json' };
  return parquetType === 'BYTE_ARRAY STRING' ? { as: 'text' } : undefined;
}
