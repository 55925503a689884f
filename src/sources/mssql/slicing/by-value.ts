import { LakeportError } from '../../../errors.js';
import type { TableId } from '../../../model/table.js';
import type { MssqlClient } from '../client.js';
import { quoteTable } from '../identifiers.js';
import type { SliceKey } from './key.js';
import { type Share, wholeTable } from './predicate.js';

/** A slice is a query and a file at least. */
const MOST_VALUES = 10_000;

/** `DataDriven`: one share for each distinct key, and one for NULL. */
export async function byValue(client: MssqlClient, table: TableId, key: SliceKey): Promise<Share[]> {
  const { sql, name, type } = key;
  const rows = await client.query(`
    SELECT TOP (${MOST_VALUES + 1}) ${type.value('slice_groups.k')}, CONVERT(float, slice_groups.n) FROM (
      SELECT slice_keys.k AS k, COUNT_BIG(*) AS n FROM (
        SELECT ${sql} AS k FROM ${quoteTable(table)}
      ) AS slice_keys GROUP BY slice_keys.k
    ) AS slice_groups ORDER BY slice_groups.k`);
  if (rows.length > MOST_VALUES) throw tooManyValues(name);
  if (rows.length === 0) return [wholeTable(0)];
  const tableRows = rows.reduce((sum, [, count]) => sum + Number(count), 0);
  return rows.map(([value, count]) => {
    const text = type.textOf(value);
    return {
      method: 'DataDriven',
      bounds: text === undefined ? `${name} is NULL` : `${name} = ${text}`,
      where: text === undefined ? `${sql} IS NULL` : `${sql} = ${type.literal(text)}`,
      estimatedRows: Number(count),
      tableRows,
    };
  });
}

function tooManyValues(name: string): LakeportError {
  return new LakeportError({
    code: 'PARTITION_TOO_MANY_VALUES',
    exit: 'usage',
    message: `The partition key ${name} has more than ${MOST_VALUES} distinct values, each of which would be a slice`,
    hint: 'Use the method Ntile or RangeId for such a key',
    context: { detail: name },
  });
}
