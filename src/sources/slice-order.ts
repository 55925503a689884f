import type { ColumnSpec } from '../columns/column-spec.js';
import type { SortColumn } from '../model/sort-column.js';
import type { RowSet } from './row-set.js';
import type { ReadColumn, Slice, Sorting } from './source.js';

/** How an engine sorts. */
export interface OrderDialect {
  /** What a column is sorted by, and whether that is also the order that Parquet defines for what is written. */
  key(column: ReadColumn): { readonly sql: string; readonly isParquetOrder: boolean };
  /** Whether NULL is smaller than any value; otherwise it is greater. */
  readonly nullIsLeast: boolean;
}

/** The order of a slice's rows. */
export interface SliceOrder {
  readonly orderBy: string;
  readonly sorting: readonly Sorting[];
}

/**
 * The order by some columns; undefined for none.
 * @param columns in which each of `sortBy` is looked up by its exact name
 */
export function sliceOrder(
  dialect: OrderDialect,
  columns: readonly ReadColumn[],
  sortBy: readonly SortColumn[] = [],
): SliceOrder | undefined {
  const keys = sortBy.flatMap(({ column: name, descending }) => {
    const column = columns.find(({ spec }) => spec.name === name);
    return column === undefined ? [] : [{ name, descending, ...dialect.key(column) }];
  });
  if (keys.length === 0) return undefined;
  // Only a beginning of the columns may be declared: the others sort within equal ones.
  const firstOther = keys.findIndex(({ isParquetOrder }) => !isParquetOrder);
  const declared = firstOther === -1 ? keys : keys.slice(0, firstOther);
  return {
    orderBy: keys.map(({ sql, descending }) => `${sql}${descending ? ' DESC' : ''}`).join(', '),
    sorting: declared.map(({ name, descending }) => ({
      column: name,
      descending,
      nullsFirst: descending !== dialect.nullIsLeast,
    })),
  };
}

/** The rows in an order. */
export function ordered(rows: RowSet, order: SliceOrder | undefined): RowSet {
  return order === undefined ? rows : { ...rows, orderBy: order.orderBy };
}

/** Slices of such rows. */
export function withSorting(slices: readonly Slice[], order: SliceOrder | undefined): Slice[] {
  if (order === undefined) return [...slices];
  const { sorting } = order;
  return slices.map((slice) => ({ ...slice, isSorted: true, ...(sorting.length > 0 && { sorting }) }));
}

/** Types whose values have one order everywhere. That of floats differs for NaN, that of text by its collation. */
export function hasOneOrder({ list, type: { physical, logical } }: ColumnSpec): boolean {
  if (list) return false;
  if (logical === undefined) return physical === 'INT32' || physical === 'INT64' || physical === 'BOOLEAN';
  return ['integer', 'decimal', 'date', 'time', 'timestamp'].includes(logical.kind);
}
