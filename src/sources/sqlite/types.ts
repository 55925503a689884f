import type { Fidelity, ParquetType } from '../../columns/column-spec.js';
import { BOOLEAN, BYTES, DOUBLE, INT64, STRING } from '../../columns/parquet-types.js';

/**
 * The type table. In SQLite values have types, not columns: a column's declared type says what most of its values are,
 * and a value of another storage class does not fit (https://sqlite.org/datatype3.html).
 */

/** What a column holds; also the name of its decoder. */
export type ColumnKind = 'integer' | 'boolean' | 'real' | 'text' | 'blob' | 'any';

export interface KindMapping {
  readonly type: ParquetType;
  readonly fidelity: Fidelity;
  /** What fits into it, for messages. */
  readonly holds: string;
}

export const KINDS: Readonly<Record<ColumnKind, KindMapping>> = {
  integer: { type: INT64, fidelity: 'exact', holds: 'an integer' },
  boolean: { type: BOOLEAN, fidelity: 'exact', holds: '0 or 1' },
  real: { type: DOUBLE, fidelity: 'exact', holds: 'a number that fits a double' },
  text: { type: STRING, fidelity: 'exact', holds: 'text in UTF-8' },
  blob: { type: BYTES, fidelity: 'exact', holds: 'a blob' },
  // Every value as SQLite casts it to text, blobs in hexadecimal.
  any: { type: STRING, fidelity: 'text', holds: 'any value' },
};

/** Numbers with fractional digits, which SQLite stores as doubles. */
const NUMBERS = /NUMERIC|DECIMAL|^DEC\b|NUMBER|MONEY|CURRENCY/;

/**
 * By the rules of column affinity (datatype3.html, 3.1), which look for parts of the type name in this order.
 * @returns undefined if the type says nothing about the values: dates and times, JSON, UUID, no type at all
 */
export function declaredKind(declared: string): ColumnKind | undefined {
  const name = declared.toUpperCase();
  if (name.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT/.test(name)) return 'text';
  if (name.includes('BLOB')) return 'blob';
  if (/REAL|FLOA|DOUB/.test(name)) return 'real';
  if (name.startsWith('BOOL')) return 'boolean';
  return NUMBERS.test(name) ? 'real' : undefined;
}

/** Storage classes found among a column's values. */
export interface FoundClasses {
  readonly integer: boolean;
  readonly real: boolean;
  readonly text: boolean;
  readonly blob: boolean;
}

/** For a column whose declared type says nothing: the kind that its values' storage classes suggest. */
export function foundKind({ integer, real, text, blob }: FoundClasses): ColumnKind {
  const isNumber = integer || real;
  if (blob) return isNumber || text ? 'any' : 'blob';
  if (text) return isNumber ? 'any' : 'text';
  if (real) return 'real';
  return integer ? 'integer' : 'text';
}

/**
 * SELECT expression for rows that arrive as JavaScript values: text as bytes, because the driver truncates strings at NUL
 * and replaces invalid UTF-8; and a value that does not fit as one that no column of its kind accepts.
 */
export function expression(kind: ColumnKind, name: string): string {
  switch (kind) {
    case 'integer':
    case 'boolean':
      return `CASE typeof(${name}) WHEN 'real' THEN 'real' ELSE ${name} END`;
    case 'text':
      return `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) WHEN 'null' THEN NULL ELSE 0 END`;
    case 'any':
      return `CASE typeof(${name}) WHEN 'blob' THEN CAST(hex(${name}) AS BLOB) ELSE CAST(CAST(${name} AS TEXT) AS BLOB) END`;
    case 'real':
    case 'blob':
      return name;
  }
}
