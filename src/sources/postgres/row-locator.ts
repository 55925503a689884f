import type { ColumnDecoder, ReadColumn, ReadRequest } from '../source.js';
import { quoteName } from './identifiers.js';

/**
 * Locates a row whose value in a column is unrepresentable: `place`, its ctid, and `relation`, which may be a member of
 * the table.
 * Undefined if SQL cannot express the condition. Fails for relations without a ctid, such as views.
 */
export function rowQuery({ columns, slice }: ReadRequest, name: string): string | undefined {
  const column = columns.find(({ spec }) => spec.name === name);
  const condition = column && unrepresentable(column, 'v');
  const list = `SELECT ${columns.map(({ expression }) => expression).join(', ')} `;
  if (condition === undefined || !slice.query.startsWith(list)) return undefined;
  return `SELECT CAST(r.place AS pg_catalog.text) AS place, pg_catalog.concat(n.nspname, '.', c.relname) AS relation
          FROM (SELECT place, relation
                FROM (SELECT ctid AS place, tableoid AS relation, ${quoteName(name)} AS v
                      ${slice.query.slice(list.length)}) AS s
                WHERE ${condition} LIMIT 1) AS r
          JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.relation
          JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace`;
}

function unrepresentable({ decoder, spec }: ReadColumn, value: string): string | undefined {
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
