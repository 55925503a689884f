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
  limit: (rows) => ({ before: `TOP (${rows}) `, after: '' }),
};

/** The table as the partition methods query it. */
export function keyedTable(
  client: MssqlClient,
  { id }: Pick<CatalogTable, 'id'>,
  columns: readonly ReadColumn[],
): KeyedTable {
  return {
    id,
    columns,
    dialect: TRANSACT_SQL,
    query: (sql) => client.query(sql),
    keyTypeOf: async (key) => {
      const [wire] = await client.describe(`SELECT TOP (0) ${key} FROM ${quoteTable(id)}`);
      return wire && keyTypeOf(wire);
    },
  };
}
