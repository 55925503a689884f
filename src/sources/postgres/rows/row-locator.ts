import type { ReadRequest } from '../../source.js';
import { unrepresentable } from '../columns/unrepresentable-values.js';

/**
 * Locates a row whose value in a column is unrepresentable: `place`, its ctid, and `relation`, which may be a member of
 * the table.
 * Undefined if SQL cannot express the condition. Fails for relations without a ctid, such as views.
 */
export function rowQuery({ columns, slice }: ReadRequest, name: string): string | undefined {
  const column = columns.find(({ spec }) => spec.name === name);
  if (column === undefined) return undefined;
  const condition = unrepresentable(column, 'v');
  const list = `SELECT ${columns.map(({ expression }) => expression).join(', ')} `;
  if (condition === undefined || !slice.query.startsWith(list)) return undefined;
  return `SELECT CAST(r.place AS pg_catalog.text) AS place, pg_catalog.concat(n.nspname, '.', c.relname) AS relation
          FROM (SELECT place, relation
                FROM (SELECT ctid AS place, tableoid AS relation, ${column.expression} AS v
                      ${slice.query.slice(list.length)}) AS s
                WHERE ${condition} LIMIT 1) AS r
          JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.relation
          JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace`;
}
