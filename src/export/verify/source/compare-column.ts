import type { SchemaElement } from 'hyparquet';

import { boundText, type DigestShape, numberText } from '../../../columns/value-digest.js';
import { type ColumnDigest, digestShape } from '../../../parquet-reader/column-digest.js';
import type { ColumnTotals } from '../../../sources/column-totals.js';
import type { Check } from '../difference.js';

/** A column of the files, and what the database computes of it. */
export interface ComparedColumn {
  readonly element: SchemaElement;
  readonly isList: boolean;
  /** Of all files. */
  readonly digest: ColumnDigest;
  readonly totals: ColumnTotals;
  /** Values that the export wrote as NULL. */
  readonly unrepresentable: number;
}

export interface ColumnComparison {
  /** Expected is what the database has, found what the files have. */
  readonly differences: readonly { readonly check: Check; readonly expected: string; readonly found: string }[];
  /** Why only NULLs were compared; undefined if all values were. */
  readonly countsOnly: string | undefined;
}

/** Compares what the files hold of a column with what the database has. */
export function compareColumn(column: ComparedColumn): ColumnComparison {
  const { digest, totals, unrepresentable, isList } = column;
  const differences: { check: Check; expected: string; found: string }[] = [];
  const compare = (check: Check, expected: string, found: string, isSame = expected === found) => {
    if (!isSame) differences.push({ check, expected, found });
  };
  const nulls = (count: number) => `${count} NULLs`;
  const countsOnly = reasonForCounts(column);
  // The elements of a list that were written as NULL leave the list what it is.
  const byExport = totals.ownNulls + (isList ? 0 : unrepresentable);
  const isUnsure = isList && unrepresentable > 0 && !totals.tellsUnrepresentable;
  if (!isUnsure)
    compare('source_nulls', nulls(countsOnly === undefined ? totals.nulls : byExport), nulls(digest.nulls));
  if (countsOnly !== undefined) return { differences, countsOnly };
  if (!isList && byExport !== totals.nulls) {
    compare('source_nulls', `${totals.nulls - totals.ownNulls} values that cannot be written`, `${unrepresentable}`);
  }
  const { min, max, sum, hash } = totals;
  const shape = digestShape(column.element);
  if (min !== undefined && digest.min !== undefined) {
    const found = boundText(shape, digest.min);
    compare('source_min', min, found, isSameBound(shape, min, found));
  }
  if (max !== undefined && digest.max !== undefined) {
    const found = boundText(shape, digest.max);
    compare('source_max', max, found, isSameBound(shape, max, found));
  }
  if (sum !== undefined && digest.sum !== undefined) compare('source_sum', sum, numberText(shape, digest.sum));
  // Says less than the others, which need not be repeated by it.
  if (differences.length === 0 && hash !== undefined) {
    const hex = (sum: bigint) => sum.toString(16).padStart(16, '0');
    compare('source_hash', hex(hash), hex(digest.hash));
  }
  return { differences, countsOnly: undefined };
}

function reasonForCounts({ totals, unrepresentable }: ComparedColumn): string | undefined {
  if (totals.hash === undefined) return 'the database cannot compute its values as they are in the files';
  if (unrepresentable > 0 && !totals.tellsUnrepresentable) {
    return 'the database cannot tell which of its values were written as NULL';
  }
  return undefined;
}

/** A float of the database has fewer digits, and zero may have a sign. */
function isSameBound({ form }: DigestShape, expected: string, found: string): boolean {
  if (form !== 'float32' && form !== 'float64') return expected === found;
  const [left, right] = [Number(expected), Number(found)];
  return form === 'float32' ? Math.fround(left) === Math.fround(right) : left === right;
}
