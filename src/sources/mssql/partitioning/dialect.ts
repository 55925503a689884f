import type { Dataset } from '../../../model/dataset.js';
import { fromClause, type RowSet, rowSetOf } from '../../row-set.js';
import type { ReadColumn } from '../../source.js';
import type { KeyedTable, SqlDialect } from '../../partitioning/sql-dialect.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient } from '../connection/client.js';
import { quoteName, quoteTable } from '../identifiers.js';
import { queryParts } from '../sql-text.js';
import { keyTypeOf } from './key-type.js';

/** Transact-SQL, limited to what other vendors' servers understand too. */
export const TRANSACT_SQL: SqlDialect = {
  quoteName,
  quoteTable,
  // The same rows for each query, as long as the table stays as it is.
  sample: (percent) => ({ clause: `TABLESAMPLE SYSTEM (${percent} PERCENT) REPEATABLE (1)` }),
  identifier: /^(?:[\p{L}_][\p{L}\p{N}_@#$]*|\[(?:[^\]]|\]\])+\]|"(?:[^"]|"")+")$/u,
  unquoted: (text) =>
    /^\[(.*)\]$/s.exec(text)?.[1]?.replaceAll(']]', ']') ?? /^"(.*)"$/s.exec(text)?.[1]?.replaceAll('""', '"'),
  count: 'COUNT_BIG(*)',
  toNumber: (count) => `CONVERT(float, ${count})`,
  dayText: (day) => `CONVERT(nvarchar(40), ${day}, 126)`,
  // The remainder of `ABS(k)`, without the overflow at the type's minimum.
  remainder: (key, divisor) => `ABS(${key} % ${divisor})`,
  tile: (key, count) => `NTILE(${count}) OVER (ORDER BY ${key})`,
  limit: (rows) => ({ before: `TOP (${rows}) `, after: '' }),
};

/** The rows of a dataset. Common table expressions of a query cannot stand in parentheses: they come first. */
export function mssqlRows(dataset: Dataset): RowSet {
  if (dataset.kind === 'table') return rowSetOf(dataset, TRANSACT_SQL);
  const { prefix, select } = queryParts(dataset.sql);
  return { ...rowSetOf({ ...dataset, sql: select }, TRANSACT_SQL), prefix };
}

/** The table as the partition methods query it. */
export function keyedTable(
  client: MssqlClient,
  { id, dataset }: Pick<CatalogTable, 'id' | 'dataset'>,
  columns: readonly ReadColumn[],
): KeyedTable {
  const rows = mssqlRows(dataset);
  return {
    id,
    rows,
    columns,
    dialect: TRANSACT_SQL,
    query: (sql) => client.query(rows.prefix + sql),
    keyTypeOf: async (key) => {
      const [wire] = await client.describe(`${rows.prefix}SELECT TOP (0) ${key} ${fromClause(rows)}`);
      return wire && keyTypeOf(wire);
    },
  };
}
