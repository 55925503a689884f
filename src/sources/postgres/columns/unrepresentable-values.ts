import type { Client } from 'pg';
import type { Dataset } from '../../../model/dataset.js';
import { fromClause } from '../../row-set.js';
import type { ColumnDecoder, ReadColumn } from '../../source.js';
import { postgresRows } from '../rows/rows.js';

/** Values that the Parquet type of their column cannot hold, as conditions in SQL. */

/** Names of the columns that have such values. Reads all rows once. */
export async function findUnrepresentable(
  client: Client,
  dataset: Dataset,
  columns: readonly ReadColumn[],
): Promise<string[]> {
  const checked = columns.flatMap((column, i) => {
    const condition = unrepresentable(column, `v${i}`);
    return condition === undefined ? [] : [{ column, alias: `v${i}`, condition }];
  });
  if (checked.length === 0) return [];
  const rows = postgresRows(dataset);
  const values = checked.map(({ column, alias }) => `${column.expression} AS ${alias}`).join(', ');
  const found = checked.map(({ condition }) => `pg_catalog.bool_or(${condition})`).join(', ');
  const { rows: answer } = await client.query<(boolean | null)[]>({
    text: `${rows.prefix}SELECT ${found} FROM (SELECT ${values} ${fromClause(rows)}) AS checked`,
    rowMode: 'array',
  });
  return checked.flatMap(({ column }, i) => (answer[0]?.[i] === true ? [column.spec.name] : []));
}

/** Holds for a value of the column that its Parquet type cannot hold. Undefined if SQL cannot express it, or there is none. */
export function unrepresentable({ decoder, spec }: ReadColumn, value: string): string | undefined {
  const isUtc = spec.type.logical?.kind === 'timestamp' && spec.type.logical.utc;
  if (decoder.kind !== 'array') return scalar(decoder, { value, isUtc });
  const element = scalar({ ...decoder, kind: String(decoder['element']) }, { value: 'u.e', isUtc });
  const isNoList = `pg_catalog.array_upper(${value}, 2) IS NOT NULL`;
  return element === undefined
    ? isNoList
    : `(${isNoList} OR EXISTS (SELECT FROM pg_catalog.unnest(${value}) AS u (e) WHERE ${element}))`;
}

/** Uses functions instead of operators, which other schemas may shadow. */
function scalar(
  { kind, precision, scale }: ColumnDecoder,
  { value, isUtc }: { readonly value: string; readonly isUtc: boolean },
): string | undefined {
  const magnitude = `pg_catalog.abs(${value})`;
  switch (kind) {
    case 'date':
      return `NOT pg_catalog.isfinite(${value})`;
    case 'time':
      return `pg_catalog.time_eq(${value}, '24:00:00')`;
    case 'timestamp':
      return `(NOT pg_catalog.isfinite(${value}) OR ${
        isUtc
          ? `pg_catalog.timestamptz_ge(${value}, '294247-01-10 04:00:54.775808+00')`
          : `pg_catalog.timestamp_ge(${value}, '294247-01-10 04:00:54.775808')`
      })`;
    case 'timestampNanos':
      return isUtc
        ? `(pg_catalog.timestamptz_lt(${value}, '1677-09-21 00:12:43.145225+00')
            OR pg_catalog.timestamptz_gt(${value}, '2262-04-11 23:47:16.854775+00'))`
        : `(pg_catalog.timestamp_lt(${value}, '1677-09-21 00:12:43.145225')
            OR pg_catalog.timestamp_gt(${value}, '2262-04-11 23:47:16.854775'))`;
    case 'numeric':
      // NaN compares greater than every number.
      return `(pg_catalog.numeric_ne(${value}, pg_catalog.trunc(${value}, ${Number(scale)}))
               OR pg_catalog.numeric_ge(${magnitude}, 1e${Number(precision) - Number(scale)}))`;
    case 'numericDouble':
      return `(pg_catalog.textregexeq(pg_catalog.format('%s', ${value}), '[0-9]')
               AND (pg_catalog.numeric_ge(${magnitude}, 1.7976931348623158079e308)
                    OR pg_catalog.numeric_ne(${value}, 0) AND pg_catalog.numeric_lt(${magnitude}, 2.4703282292062328e-324)))`;
    default:
      return undefined;
  }
}
