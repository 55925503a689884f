import { LakeportError } from '../../errors.js';
import { fromClause } from '../row-set.js';
import type { SliceKey } from './key.js';
import { type Share, wholeTable } from './predicate.js';
import type { KeyedTable } from './sql-dialect.js';

/** Each value costs a query and at least one file. */
const MOST_VALUES = 10_000;

/** `DataDriven`: one slice per distinct key, and one for NULL. */
export async function byValue(table: KeyedTable, key: SliceKey): Promise<Share[]> {
  const { sql, name, type } = key;
  const { dialect } = table;
  const { before, after } = dialect.limit(MOST_VALUES + 1);
  const rows = await table.query(`
    SELECT ${before}${type.value('slice_groups.k')}, ${dialect.toNumber('slice_groups.n')} FROM (
      SELECT slice_keys.k AS k, ${dialect.count} AS n FROM (
        SELECT ${sql} AS k ${fromClause(table.rows)}
      ) AS slice_keys GROUP BY slice_keys.k
    ) AS slice_groups ORDER BY slice_groups.k${after}`);
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
    message: `The partition key ${name} has more than ${MOST_VALUES} distinct values, each of which would be a slice`,
    hint: 'Use the method Ntile or RangeId for such a key',
    context: { detail: name },
  });
}
