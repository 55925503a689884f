import type { SchemaElement } from 'hyparquet';

import type { DigestShape, TextEncodingName } from '../columns/value-digest.js';
import { annotationOf } from './annotation.js';
import { compareStored, type StoredValue } from './stored-value.js';

/**
 * What is compared of a column's values, whatever their order. Plain data. Of a list, a value is a row's whole list.
 *
 * Of a list, what is hashed are the hashes of its elements as signed numbers, with commas between, and `N` for NULL.
 */
export interface ColumnDigest {
  readonly rows: number;
  readonly nulls: number;
  /** Of numbers, as they are stored. Undefined for lists and for what is not a number. */
  readonly sum: bigint | undefined;
  readonly hash: bigint;
  /** Undefined without values, and for lists; NaN is neither. */
  readonly min: StoredValue | undefined;
  readonly max: StoredValue | undefined;
}

export function digestShape(element: SchemaElement, encoding?: TextEncodingName): DigestShape {
  const annotation = annotationOf(element);
  if (annotation?.kind === 'decimal') return { form: 'decimal', scale: annotation.scale };
  if (element.type === 'FLOAT') return { form: 'float32' };
  if (element.type === 'DOUBLE') return { form: 'float64' };
  if (element.type !== 'BYTE_ARRAY' && element.type !== 'FIXED_LEN_BYTE_ARRAY') {
    return { form: 'integer', isUnsigned: annotation?.kind === 'integer' && !annotation.signed };
  }
  const isText = annotation?.kind === 'string' || annotation?.kind === 'json';
  return isText ? { form: 'text', encoding } : { form: 'bytes' };
}

/** Of the values of two parts of a column. */
export function mergeDigests(element: SchemaElement, a: ColumnDigest, b: ColumnDigest): ColumnDigest {
  const isFirst = (left: StoredValue, right: StoredValue) => compareStored(element, left, right) <= 0;
  return {
    rows: a.rows + b.rows,
    nulls: a.nulls + b.nulls,
    sum: a.sum === undefined || b.sum === undefined ? undefined : a.sum + b.sum,
    hash: BigInt.asUintN(64, a.hash + b.hash),
    min: a.min === undefined || (b.min !== undefined && !isFirst(a.min, b.min)) ? b.min : a.min,
    max: a.max === undefined || (b.max !== undefined && isFirst(a.max, b.max)) ? b.max : a.max,
  };
}
