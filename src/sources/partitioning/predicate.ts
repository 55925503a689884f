import type { PartitionMethod, ReadColumn, Slice } from '../source.js';
import { type RowSet, selectRows } from '../row-set.js';
import type { SqlDialect } from './sql-dialect.js';

/** A share of a table's rows, before it becomes a query. */
export interface Share {
  readonly method: PartitionMethod;
  /** Human-readable, also recorded in the manifest. */
  readonly bounds: string;
  /** Condition that holds for exactly these rows, as a term that AND can join to others; undefined for all rows. */
  readonly where: string | undefined;
  readonly estimatedRows: number | undefined;
  readonly directory?: string;
  /** Total row count of all shares, if it was counted on the way. */
  readonly tableRows?: number;
}

/** Turns the shares into queries, in the same order. */
export function slicesOf(
  {
    rows,
    columns,
    dialect,
  }: { readonly rows: RowSet; readonly columns: readonly ReadColumn[]; readonly dialect: Pick<SqlDialect, 'limit'> },
  shares: readonly Share[],
): Slice[] {
  const list = columns.map(({ expression }) => expression).join(', ');
  return shares.map(({ method, bounds, where, estimatedRows, directory, tableRows }, index) => ({
    index,
    method,
    bounds,
    query: selectRows(rows, { list, condition: where }, dialect.limit),
    estimatedRows,
    ...(directory !== undefined && { directory }),
    ...(tableRows !== undefined && { tableRows }),
  }));
}

export function wholeTable(estimatedRows: number | undefined): Share {
  return { method: 'None', bounds: 'all rows', where: undefined, estimatedRows };
}

/** Estimated rows of one of `count` equal shares. */
export function equalShare(estimatedRows: number | undefined, count: number): number | undefined {
  return estimatedRows === undefined ? undefined : Math.round(estimatedRows / count);
}
