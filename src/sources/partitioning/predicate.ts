import type { PartitionMethod, ReadColumn, Slice } from '../source.js';
import { type RowSet, selectRows } from '../row-set.js';
import { type DirectoryLevel, hivePath } from './hive-path.js';
import type { SqlDialect } from './sql-dialect.js';

/** A share of a table's rows, before it becomes a query. */
export interface Share {
  readonly method: PartitionMethod;
  /** Human-readable, also recorded in the manifest. */
  readonly bounds: string;
  /** Condition that holds for exactly these rows, as a term that AND can join to others; undefined for all rows. */
  readonly where: string | undefined;
  readonly estimatedRows: number | undefined;
  readonly levels?: readonly DirectoryLevel[];
  /** Columns that the directory's name replaces. */
  readonly replaces?: readonly string[];
  /** Columns that it does not replace, because some of their values cannot be names. */
  readonly keeps?: readonly string[];
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
  const replaced = new Set(shares.flatMap(({ replaces = [] }) => replaces));
  const list = columns
    .filter(({ spec }) => !replaced.has(spec.name))
    .map(({ expression }) => expression)
    .join(', ');
  return shares.map(({ method, bounds, where, estimatedRows, levels, keeps, tableRows }, index) => ({
    index,
    method,
    bounds,
    query: selectRows(rows, { list, condition: where }, dialect.limit),
    estimatedRows,
    ...(levels !== undefined && { directory: hivePath(levels), levels }),
    ...(replaced.size > 0 && { replaces: [...replaced] }),
    ...(keeps !== undefined && { keeps }),
    ...(tableRows !== undefined && { tableRows }),
  }));
}

/** `left = right` and the like. */
export function compare(dialect: SqlDialect, left: string, symbol: '=' | '>=' | '<', right: string): string {
  return `${left} ${dialect.operator?.(symbol) ?? symbol} ${right}`;
}

export function wholeTable(estimatedRows: number | undefined): Share {
  return { method: 'None', bounds: 'all rows', where: undefined, estimatedRows };
}

/** Estimated rows of one of `count` equal shares. */
export function equalShare(estimatedRows: number | undefined, count: number): number | undefined {
  return estimatedRows === undefined ? undefined : Math.round(estimatedRows / count);
}
