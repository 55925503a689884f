import type { Dataset } from '../../model/dataset.js';
import { fromClause } from '../row-set.js';
import type { ReadColumn } from '../source.js';
import type { SqliteConnection } from './connection.js';
import { sqliteRows } from './rows.js';

/** Values that do not fit the kind of their column, as conditions in SQL. */

/** Columns in one query: SQLite limits the length of a SELECT list. */
const MOST_COLUMNS = 500;

/** Names of the columns that have such values. Reads all rows once. */
export function findUnrepresentable(
  connection: SqliteConnection,
  dataset: Dataset,
  columns: readonly ReadColumn[],
): string[] {
  const checked = columns.flatMap((column) => {
    const condition = unrepresentable(column);
    return condition === undefined ? [] : [{ column, condition }];
  });
  const rows = sqliteRows(dataset);
  const names: string[] = [];
  for (let at = 0; at < checked.length; at += MOST_COLUMNS) {
    const some = checked.slice(at, at + MOST_COLUMNS);
    const found = some.map(({ condition }) => `max(${condition})`).join(', ');
    const [answer] = connection.query(`${rows.prefix}SELECT ${found} ${fromClause(rows)}`);
    names.push(...some.flatMap(({ column }, i) => (answer?.[i] === 1 ? [column.spec.name] : [])));
  }
  return names;
}

/** Expressions turn a value that does not fit into one of another class. */
function unrepresentable({ decoder, expression }: ReadColumn): string | undefined {
  const isNone = (...classes: readonly string[]) =>
    `typeof(${expression}) NOT IN (${[...classes, 'null'].map((one) => `'${one}'`).join(', ')})`;
  switch (decoder.kind) {
    case 'integer':
    case 'decimal':
      return isNone('integer');
    case 'boolean':
      return `${isNone('integer')} OR (typeof(${expression}) = 'integer' AND ${expression} NOT IN (0, 1))`;
    case 'real':
      return `${isNone('real', 'integer')} OR (typeof(${expression}) = 'integer' AND CAST(CAST(${expression} AS REAL) AS INTEGER) <> ${expression})`;
    case 'double':
      return isNone('real', 'integer');
    case 'text':
    case 'json':
    case 'blob':
      return isNone('blob');
    default:
      return undefined;
  }
}
