import { textLiteral } from '../../text/sql-quotes.js';
import { isUtf8 } from 'node:buffer';
import { fromClause } from '../row-set.js';
import type { ReadColumn } from '../source.js';
import { decimalScale, type KeyType, ofText, textOfAnswer } from '../partitioning/key-type.js';
import type { KeyedTable } from '../partitioning/sql-dialect.js';
import type { CatalogTable } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { integerLiteral } from './literals.js';
import { momentTypeOf } from './moment-keys.js';
import { SQLITE_SQL, sqliteRows } from './rows.js';

function numberLiteral(text: string): string {
  return integerLiteral(text).replace('Inf', '9e999');
}

/** Precedes the bytes of a text, in hexadecimal. */
const TEXT_MARK = 'text:';

/**
 * Values of any class, each as a literal of its own, which compares like the value. Text travels as its bytes: as text,
 * SQLite's own functions would end it at a NUL, and the driver would replace what is invalid. Real numbers have 17 digits,
 * which distinguish all doubles.
 */
const VALUE: KeyType = {
  ...ofText({
    name: 'value',
    value: (key) =>
      `CASE typeof(${key}) WHEN 'text' THEN '${TEXT_MARK}' || hex(${key}) WHEN 'real' THEN printf('%!.17g', ${key}) ELSE quote(${key}) END`,
    form: /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|-?Inf|X'(?:[0-9A-F]{2})*'|'(?:[^'\0]|'')*'|CAST\(X'(?:[0-9A-F]{2})*' AS TEXT\))$/is,
    write: (text) => (/^[-\dI]/.test(text) ? numberLiteral(text) : text),
  }),
  textOf: (answer) => {
    if (answer === null || answer === undefined || answer === 'NULL') return undefined;
    const text = textOfAnswer(answer);
    return text.startsWith(TEXT_MARK) ? literalOf(text.slice(TEXT_MARK.length)) : text;
  },
  nameOf: (text) => (text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text),
};

function literalOf(hexadecimal: string): string {
  const bytes = Buffer.from(hexadecimal, 'hex');
  return isUtf8(bytes) && !bytes.includes(0) ? textLiteral(bytes.toString()) : `CAST(X'${hexadecimal}' AS TEXT)`;
}

/** Any integer. */
const INTEGER: KeyType = {
  ...ofText({
    name: 'integer',
    value: (key) => `CAST(${key} AS TEXT)`,
    form: /^-?\d{1,19}$/,
    write: numberLiteral,
  }),
  scale: decimalScale(0),
  isInteger: true,
};

/** Numbers by value, some of which are real. An integer among them keeps its digits, which a double may not hold. */
const REAL: KeyType = {
  ...ofText({
    name: 'real',
    value: (key) =>
      `CASE typeof(${key}) WHEN 'integer' THEN CAST(${key} AS TEXT) WHEN 'real' THEN printf('%!.17g', ${key}) END`,
    form: /^-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)$/i,
    write: numberLiteral,
  }),
  scale: 'float',
  isFinite: (key) => `${key} > -9e999 AND ${key} < 9e999`,
};

/** The table as the partition methods query it. */
export function keyedTable(
  connection: SqliteConnection,
  { id, dataset }: Pick<CatalogTable, 'id' | 'dataset'>,
  columns: readonly ReadColumn[],
): KeyedTable {
  const rows = sqliteRows(dataset);
  const query = (sql: string) => connection.query(rows.prefix + sql);
  return {
    id,
    rows,
    columns,
    dialect: SQLITE_SQL,
    query: (sql) => Promise.resolve(query(sql)),
    keyTypeOf: (key, column) => {
      const [row] = query(
        `SELECT max(typeof(${key}) = 'integer'), max(typeof(${key}) = 'real'), max(typeof(${key}) IN ('text', 'blob'))
         ${fromClause(rows)}`,
      );
      const [, real, other] = row ?? [];
      if (other === 1) return Promise.resolve(VALUE);
      if (real === 1) return Promise.resolve(REAL);
      // Without any values, every method fits.
      const isNumber = column?.spec.type.physical === 'INT64';
      return Promise.resolve({ ...INTEGER, isExact: isNumber });
    },
    momentTypeOf: (key) => momentTypeOf({ query, rows }, key),
  };
}
