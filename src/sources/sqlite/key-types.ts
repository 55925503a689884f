import { fromClause } from '../row-set.js';
import type { ReadColumn } from '../source.js';
import { decimalScale, type KeyType, notOfForm, ofText, textOfAnswer } from '../partitioning/key-type.js';
import type { KeyedTable } from '../partitioning/sql-dialect.js';
import type { CatalogTable } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { SQLITE_SQL, sqliteRows } from './rows.js';

/** `quote()` writes any value as a literal of its own class, which compares like the value. */
const VALUE: KeyType = {
  ...ofText({
    name: 'value',
    value: (key) => `quote(${key})`,
    form: /^(?:-?\d+|X'(?:[0-9A-F]{2})*'|'(?:[^']|'')*')$/s,
    write: (text) => text,
  }),
  textOf: (answer) => (answer === null || answer === undefined || answer === 'NULL' ? undefined : textOfAnswer(answer)),
};

/** Any integer. */
const INTEGER: KeyType = {
  ...ofText({
    name: 'integer',
    value: (key) => `CAST(${key} AS TEXT)`,
    form: /^-?\d{1,19}$/,
    // The smallest integer has no literal of its own.
    write: (text) => (text === '-9223372036854775808' ? '(-9223372036854775807 - 1)' : text),
  }),
  scale: decimalScale(0),
  isInteger: true,
};

/** Numbers by value: 17 digits distinguish all doubles. */
const REAL: KeyType = {
  ...ofText({
    name: 'real',
    value: (key) => `printf('%!.17g', ${key})`,
    form: /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i,
    write: (text) => (/[.e]/i.test(text) ? text : `${text}.0`),
  }),
  scale: 'float',
};

/** The table as the partition methods query it. */
export function keyedTable(
  connection: SqliteConnection,
  { id, dataset }: Pick<CatalogTable, 'id' | 'dataset'>,
  columns: readonly ReadColumn[],
): KeyedTable {
  const rows = sqliteRows(dataset);
  return {
    id,
    rows,
    columns,
    dialect: SQLITE_SQL,
    query: (sql) => Promise.resolve(connection.query(sql)),
    keyTypeOf: (key) => {
      const [row] = connection.query(
        `SELECT max(typeof(${key}) = 'integer'), max(typeof(${key}) = 'real'), max(typeof(${key}) IN ('text', 'blob'))
         ${fromClause(rows)}`,
      );
      const [integer, real, other] = row ?? [];
      if (other === 1) {
        if (real === 1) throw notOfForm('key: its values are numbers and text', 'a real');
        return Promise.resolve(VALUE);
      }
      return Promise.resolve(real === 1 ? REAL : integer === 1 ? INTEGER : VALUE);
    },
  };
}
