import type { TableId } from '../../model/table.js';
import type { RowLimit, RowSet, RowSetDialect } from '../row-set.js';
import type { KeyType } from './key-type.js';
import type { ReadColumn } from '../source.js';

/** The words in which databases differ in the partition methods' statements. */
export interface SqlDialect extends RowSetDialect {
  /** Matches a column name, quoted or not, but no expression. */
  readonly identifier: RegExp;
  /** The name inside the quotes; undefined if the text is not quoted. */
  unquoted(text: string): string | undefined;
  /** Aggregate that counts rows. */
  readonly count: string;
  /** Makes the driver return a count as a number. */
  toNumber(count: string): string;
  /** A day as text, `2025-01-31`. */
  dayText(day: string): string;
  /** The remainder of the key's absolute value; of an integer key. */
  remainder(key: string, divisor: number): string;
  /** A comparison, written so that nothing in the user's schemas can replace it; by default the symbol itself. */
  operator?(symbol: '=' | '>=' | '<'): string;
  /** The number of each row's tile among `count`, NULL keys in the first. */
  tile(key: string, count: number): string;
  /** Limits a SELECT to this many rows: the text between `SELECT` and the list, and at the end. */
  readonly limit: RowLimit;
}

/** A key that is to be a date or a time. */
export interface MomentKey {
  /** A quoted column or an expression. */
  readonly sql: string;
  /** For messages. */
  readonly name: string;
}

/** A table to be split by a key. */
export interface KeyedTable {
  readonly id: TableId;
  readonly rows: RowSet;
  readonly columns: readonly ReadColumn[];
  readonly dialect: SqlDialect;
  /**
   * Rows of a SELECT from `rows`, each in the order of the SELECT list; the row set's prefix is added.
   */
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  /** Type of a quoted column or an expression; undefined if its values cannot be compared. */
  keyTypeOf(key: string, column: ReadColumn | undefined): Promise<KeyType | undefined>;
  /**
   * Instead of `keyTypeOf` for a key that is to be a date or a time, where the source has no types for them.
   * @throws LakeportError if its values are none
   */
  momentTypeOf?(key: MomentKey): Promise<KeyType>;
}
