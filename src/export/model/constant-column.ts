import type { ColumnSpec } from '../../columns/column-spec.js';

/** A column of a table's files with one value in all rows. Plain data, for workers. */
export interface ConstantColumn {
  readonly spec: ColumnSpec;
  /** Text, or microseconds since 1970 as digits, as the column's type is a string or a timestamp. */
  readonly value: string;
}
