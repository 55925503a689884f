import type { Dataset } from '../../../model/dataset.js';
import { fromClause, type RowSet, rowSetOf } from '../../row-set.js';
import type { ReadColumn } from '../../source.js';
import type { KeyedTable, SqlDialect } from '../../partitioning/sql-dialect.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient } from '../client.js';
import { quoteName, quoteTable } from '../identifiers.js';
import { keyTypeOf } from './key-type.js';

/** Transact-SQL, limited to what other vendors' servers understand too. */
export const TRANSACT_SQL: SqlDialect = {
  quoteName,
  quoteTable,
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

/** The rows of a dataset. */
export function mssqlRows(dataset: Dataset): RowSet {
  return rowSetOf(dataset, TRANSACT_SQL);
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
