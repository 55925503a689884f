import type { ReadColumn } from '../source.js';
import { decimalScale, type KeyType, notOfForm, ofText, textOfAnswer } from '../partitioning/key-type.js';
import type { KeyedTable, SqlDialect } from '../partitioning/sql-dialect.js';
import type { CatalogTable } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { quoteName, quoteTable } from './identifiers.js';

export const SQLITE_SQL: SqlDialect = {
  quoteName,
  quoteTable,
  identifier: /^(?:[\p{L}_][\p{L}\p{N}_$]*|\[[^\]]+\]|`(?:[^`]|``)+`|"(?:[^"]|"")+")$/u,
  unquoted: (text) =>
    /^\[(.*)\]$/s.exec(text)?.[1] ??
    /^`(.*)`$/s.exec(text)?.[1]?.replaceAll('``', '`') ??
    /^"(.*)"$/s.exec(text)?.[1]?.replaceAll('""', '"'),
  count: 'count(*)',
  toNumber: (count) => count,
  dayText: (day) => day,
  // abs() of the least integer overflows; the remainder of it does not.
  remainder: (key, divisor) => `abs(${key} % ${divisor})`,
  limit: (rows) => ({ before: '', after: ` LIMIT ${rows}` }),
};

/** `quote()` writes any value as a literal of its own class, which compares as the value does. */
const VALUE: KeyType = {
  ...ofText({
    name: 'value',
    value: (key) => `quote(${key})`,
    form: /^(?:-?\d+|X'(?:[0-9A-F]{2})*'|'(?:[^']|'')*')$/s,
    write: (text) => text,
  }),
  textOf: (answer) => (answer === null || answer === undefined || answer === 'NULL' ? undefined : textOfAnswer(answer)),
};

/** Whole numbers, all of them. */
const INTEGER: KeyType = {
  ...ofText({
    name: 'integer',
    value: (key) => `CAST(${key} AS TEXT)`,
    form: /^-?\d{1,19}$/,
    // The least one has no literal of its own.
    write: (text) => (text === '-9223372036854775808' ? '(-9223372036854775807 - 1)' : text),
  }),
  scale: decimalScale(0),
  isInteger: true,
};

/** Numbers by their value: 17 digits tell all doubles apart. */
const REAL: KeyType = {
  ...ofText({
    name: 'real',
    value: (key) => `printf('%!.17g', ${key})`,
    form: /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i,
    write: (text) => (/[.e]/i.test(text) ? text : `${text}.0`),
  }),
  scale: 'float',
};

/** The table as the partition methods ask of it. */
export function keyedTable(
  connection: SqliteConnection,
  { id }: Pick<CatalogTable, 'id'>,
  columns: readonly ReadColumn[],
): KeyedTable {
  return {
    id,
    columns,
    dialect: SQLITE_SQL,
    query: (sql) => Promise.resolve(connection.query(sql)),
    keyTypeOf: (key) => {
      const [row] = connection.query(
        `SELECT max(typeof(${key}) = 'integer'), max(typeof(${key}) = 'real'), max(typeof(${key}) IN ('text', 'blob'))
         FROM ${quoteTable(id)}`,
      );
      const [integer, real, other] = row ?? [];
      if (other === 1) {
        if (real === 1) throw notOfForm('key: its values are numbers and texts', 'a real');
        return Promise.resolve(VALUE);
      }
      return Promise.resolve(real === 1 ? REAL : integer === 1 ? INTEGER : VALUE);
    },
  };
}
