import type { Dataset } from '../../../model/dataset.js';
import { fromClause } from '../../row-set.js';
import type { ReadColumn } from '../../source.js';
import type { MssqlClient } from '../connection/client.js';
import { mssqlRows } from '../partitioning/dialect.js';

/** Values that the Parquet type of their column cannot hold, as conditions in SQL. */

/** Names of the columns that have such values. Reads all rows once. */
export async function findUnrepresentable(
  client: MssqlClient,
  dataset: Dataset,
  columns: readonly ReadColumn[],
): Promise<string[]> {
  const checked = columns.flatMap((column) => {
    const condition = unrepresentable(column);
    return condition === undefined ? [] : [{ column, condition }];
  });
  if (checked.length === 0) return [];
  const rows = mssqlRows(dataset);
  const found = checked.map(({ condition }) => `MAX(CASE WHEN ${condition} THEN 1 ELSE 0 END)`).join(', ');
  const [answer] = await client.query(`${rows.prefix}SELECT ${found} ${fromClause(rows)}`);
  return checked.flatMap(({ column }, i) => (answer?.[i] === 1 ? [column.spec.name] : []));
}

/** What 64 bits of nanoseconds hold, to the last digit of the server's types. */
const NANOS = { first: '1677-09-21T00:12:43.1452242', last: '2262-04-11T23:47:16.8547758' };

/** Holds for a value that its Parquet type cannot hold; undefined if SQL cannot express it, or there is none. */
export function unrepresentable({ decoder, expression }: ReadColumn): string | undefined {
  const { kind, unit } = decoder;
  if ((kind === 'datetime2' || kind === 'datetimeoffset') && unit === 'NANOS') {
    const moment = (text: string) => `CONVERT(${kind}(7), N'${text}${kind === 'datetimeoffset' ? '+00:00' : ''}')`;
    return `${expression} < ${moment(NANOS.first)} OR ${expression} > ${moment(NANOS.last)}`;
  }
  const [, type, value] = /^CONVERT\((decimal\(\d+,\d+\)), (.*)\)$/s.exec(expression) ?? [];
  if (type === undefined || value === undefined) return undefined;
  return `TRY_CONVERT(${type}, ${value}) IS NULL AND ${value} IS NOT NULL`;
}
