import type { Dataset } from '../../model/dataset.js';
import type { SqlDialect } from '../partitioning/sql-dialect.js';
import { type RowSet, rowSetOf } from '../row-set.js';
import { quoteName, quoteTable } from './identifiers.js';

/** How finely shares of rows are told apart. */
const DRAWS = 1_000_000_000;

export const SQLITE_SQL: SqlDialect = {
  quoteName,
  quoteTable,
  // SQLite has no sampling of its own: each row is drawn by itself, and all of them are read.
  sample: (percent) => ({ condition: `abs(random() % ${DRAWS}) < ${Math.round((percent / 100) * DRAWS)}` }),
  identifier: /^(?:[\p{L}_][\p{L}\p{N}_$]*|\[[^\]]+\]|`(?:[^`]|``)+`|"(?:[^"]|"")+")$/u,
  unquoted: (text) =>
    /^\[(.*)\]$/s.exec(text)?.[1] ??
    /^`(.*)`$/s.exec(text)?.[1]?.replaceAll('``', '`') ??
    /^"(.*)"$/s.exec(text)?.[1]?.replaceAll('""', '"'),
  count: 'count(*)',
  toNumber: (count) => count,
  dayText: (day) => day,
  // abs() of the smallest integer overflows; abs() of the remainder does not.
  remainder: (key, divisor) => `abs(${key} % ${divisor})`,
  tile: (key, count) => `NTILE(${count}) OVER (ORDER BY ${key})`,
  limit: (rows) => ({ before: '', after: ` LIMIT ${rows}` }),
};

/** The rows of a dataset. */
export function sqliteRows(dataset: Dataset): RowSet {
  return rowSetOf(dataset, SQLITE_SQL);
}
