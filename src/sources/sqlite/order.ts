import type { OrderDialect } from '../slice-order.js';
import type { SqliteConnection } from './connection.js';
import { quoteName } from './identifiers.js';

/**
 * Text is sorted by its bytes, whatever its collation, so that the statistics of row groups are disjoint. Where these bytes
 * are UTF-8, that is the order of Parquet; so is that of integers, but not of columns that may hold values of any type.
 */
export function sqliteOrder(connection: SqliteConnection): OrderDialect {
  // Asked only where text is sorted, not for each table.
  const hasUtf8 = () => connection.query('PRAGMA encoding')[0]?.[0] === 'UTF-8';
  return {
    nullIsLeast: true,
    key: ({ spec, expression, decoder }) => {
      const name = quoteName(spec.name);
      if (decoder.kind === 'text') return { sql: `${name} COLLATE BINARY`, isParquetOrder: hasUtf8() };
      const isInteger = !spec.list && spec.type.physical === 'INT64' && spec.type.logical === undefined;
      return { sql: name, isParquetOrder: isInteger && (expression === name || decoder.kind === 'integer') };
    },
  };
}
