import type { TableId } from '../../model/table.js';
import type { KeyType } from './key-type.js';
import type { ReadColumn } from '../source.js';

/** What the statements of the partition methods have in common but for these words. */
export interface SqlDialect {
  quoteName(name: string): string;
  quoteTable(table: TableId): string;
  /** A column's name, quoted or not, and no expression. */
  readonly identifier: RegExp;
  /** The name in quotes; undefined where the text is not in quotes. */
  unquoted(text: string): string | undefined;
  /** Number of rows, for an aggregate. */
  readonly count: string;
  /** A count as the driver hands out a number. */
  toNumber(count: string): string;
  /** A day as text, `2025-01-31`. */
  dayText(day: string): string;
  /** The remainder of the key's absolute value. */
  remainder(key: string, divisor: number): string;
  /** At most so many rows of a SELECT: what stands between `SELECT` and the list, and at the end. */
  limit(rows: number): { readonly before: string; readonly after: string };
}

/** A table whose rows are to be shared out by a key. */
export interface KeyedTable {
  readonly id: TableId;
  readonly columns: readonly ReadColumn[];
  readonly dialect: SqlDialect;
  /** Rows of the answer, each in the order of the SELECT list. */
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  /** Type of a column, given in quotes, or an expression; undefined where its values cannot be compared. */
  keyTypeOf(key: string, column: ReadColumn | undefined): Promise<KeyType | undefined>;
}
