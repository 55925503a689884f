import type { Mask } from '../../model/mask.js';
import type { WantedType } from '../../model/wanted-type.js';
import type { UnboundedNumeric } from '../../sources/source.js';
import type { ColumnBloomFilter, ColumnMask, ColumnType, MaskPolicy, PolicyColumn } from './column-settings.js';
import { isRecord, textOnRecord } from './plain-value.js';
import { validSettings } from './valid-data.js';

/** Options for single columns, in plain data: valid, or undefined; like those of `valid-data.ts`. */

/** Longer parts of a text hide nothing. */
const MOST_CHARACTERS = 1000;

export function validMask(value: unknown): Mask | undefined {
  if (!isRecord(value)) return undefined;
  const { method, first, last } = value;
  if (method === 'null' || method === 'hash') return { method };
  if (method === 'partial') return partialMask(first, last);
  const text = textOnRecord(value['text']);
  return method === 'redact' && text !== undefined && isWritable(text) ? { method, text } : undefined;
}

function partialMask(first: unknown, last: unknown): Mask | undefined {
  return isCount(first) && isCount(last) ? { method: 'partial', first, last } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MOST_CHARACTERS;
}

/** Databases have no text with the character NUL, or with half of a surrogate pair. */
function isWritable(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text);
}

export function validColumnMask(value: unknown): ColumnMask | undefined {
  const column = columnOf(value);
  const mask = isRecord(value) ? validMask(value['mask']) : undefined;
  return column === undefined || mask === undefined ? undefined : { column, mask };
}

export function validPolicy(value: unknown): MaskPolicy | undefined {
  if (!isRecord(value)) return undefined;
  const { unlisted } = value;
  const path = textOnRecord(value['path']);
  const columns = validSettings(value['columns'], validPolicyColumn);
  if (path === undefined || columns === undefined || (unlisted !== 'fail' && unlisted !== 'allow')) return undefined;
  return { path, unlisted, columns };
}

function validPolicyColumn(value: unknown): PolicyColumn | undefined {
  const column = columnOf(value);
  if (!isRecord(value) || column === undefined) return undefined;
  if (value['mask'] === undefined || value['mask'] === null) return { column, mask: undefined };
  const mask = validMask(value['mask']);
  return mask && { column, mask };
}

export function validColumnType(value: unknown): ColumnType | undefined {
  const column = columnOf(value);
  const type = isRecord(value) ? validType(value['type']) : undefined;
  return column === undefined || type === undefined ? undefined : { column, type };
}

function validType(value: unknown): WantedType | undefined {
  if (!isRecord(value)) return undefined;
  const { as, unit } = value;
  if (as === 'text' || as === 'double' || as === 'json') return { as };
  if (as === 'timestamp' && (unit === 'us' || unit === 'ns')) return { as, unit };
  return validDecimal(value);
}

/** Most digits that Parquet's readers have. */
export const MOST_PRECISION = 38;

/** `{ as: 'decimal', precision, scale }`, for digits that Parquet's readers have. */
export function validDecimal(value: unknown): Extract<WantedType, { as: 'decimal' }> | undefined {
  if (!isRecord(value) || value['as'] !== 'decimal') return undefined;
  const [precision, scale] = [Number(value['precision']), Number(value['scale'])];
  const isWhole = Number.isInteger(precision) && Number.isInteger(scale);
  const isValid = isWhole && precision >= 1 && precision <= MOST_PRECISION && scale >= 0 && scale <= precision;
  return isValid ? { as: 'decimal', precision, scale } : undefined;
}

export function validUnboundedNumeric(value: unknown): UnboundedNumeric | undefined {
  if (!isRecord(value)) return undefined;
  const { as } = value;
  return as === 'text' || as === 'double' ? { as } : validDecimal(value);
}

/** A rate of false positives beyond these is a mistake, or makes the filter larger than the column. */
export const FALSE_POSITIVES = { least: 0.00001, most: 0.5 };

export function validBloomFilter(value: unknown): ColumnBloomFilter | undefined {
  const column = columnOf(value);
  const falsePositives = Number(isRecord(value) ? value['falsePositives'] : NaN);
  const isRate = falsePositives >= FALSE_POSITIVES.least && falsePositives <= FALSE_POSITIVES.most;
  return column === undefined || !isRate ? undefined : { column, falsePositives };
}

function columnOf(value: unknown): string | undefined {
  return isRecord(value) ? textOnRecord(value['column']) : undefined;
}
