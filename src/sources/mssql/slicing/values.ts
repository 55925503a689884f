import { LakeportError } from '../../../errors.js';
import type { TableId } from '../../source.js';
import type { MssqlClient } from '../client.js';
import { quoteTable } from '../identifiers.js';
import type { SliceKey } from './key.js';
import { type Share, wholeTable } from './share.js';

/** A slice is a query and a file at least. */
const MOST_VALUES = 10_000;

/** `DataDriven`: one share for each distinct key, and one for NULL. */
export async function byValue(client: MssqlClient, table: TableId, key: SliceKey): Promise<Share[]> {
  const { sql, name, type } = key;
  const rows = await client.query(`
    SELECT TOP (${MOST_VALUES + 1}) ${type.toText('slice_keys.k')}, CONVERT(float, COUNT_BIG(*)) FROM (
      SELECT ${sql} AS k FROM ${quoteTable(table)}
    ) AS slice_keys GROUP BY slice_keys.k ORDER BY slice_keys.k`);
  if (rows.length > MOST_VALUES) throw tooManyValues(name);
  if (rows.length === 0) return [wholeTable(0)];
  return rows.map(([value, count]) => {
    const text = value === null || value === undefined ? undefined : String(value);
    return {
      method: 'DataDriven',
      bounds: text === undefined ? `${name} is NULL` : `${name} = ${text}`,
      where: text === undefined ? `${sql} IS NULL` : `${sql} = ${type.literal(text)}`,
      estimatedRows: Number(count),
    };
  });
}

function tooManyValues(name: string): LakeportError {
  return new LakeportError({
    code: 'PARTITION_TOO_MANY_VALUES',
    exit: 'usage',
    message: `The partition key ${name} has more than ${MOST_VALUES} distinct values, each of which would be a slice`,
    hint: 'use the method Ntile or RangeId for such a key',
    context: { detail: name },
  });
}
