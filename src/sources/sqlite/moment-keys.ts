import { LakeportError } from '../../errors.js';
import { type KeyType, ofText } from '../partitioning/key-type.js';
import type { MomentKey } from '../partitioning/sql-dialect.js';
import { fromClause, type RowSet } from '../row-set.js';
import type { SqliteValue } from './connection.js';

/**
 * Dates and times as keys. SQLite has no type for them: text in ISO 8601, real numbers that are Julian days, and integers
 * that are seconds since 1970 stand for them (https://sqlite.org/datatype3.html, 2.2). So the values decide. A column of
 * type DATE or DATETIME stores a real number without a fraction as an integer, and many programs store fractions of Unix
 * seconds: among real numbers, those that can be Julian days are.
 */

/** Julian days end before this one, as SQLite's functions do: after 9999-12-31. */
const JULIAN_END = 5_373_484.5;

/** How the values are written, with the SQL of their day in UTC; NULL for what is not written so. */
const FORMS = {
  iso: (key: string) =>
    `CASE WHEN typeof(${key}) = 'text' AND ${key} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN date(${key}) END`,
  julian: (key: string) => `CASE WHEN typeof(${key}) IN ('integer', 'real') THEN date(${key}) END`,
  unix: (key: string) => `CASE WHEN typeof(${key}) IN ('integer', 'real') THEN date(${key}, 'unixepoch') END`,
} as const;

interface Rows {
  readonly rows: RowSet;
  readonly query: (sql: string) => readonly (readonly SqliteValue[])[];
}

/**
 * The type of a key whose values stand for dates or times: that of their days, in place of the key.
 * @throws LakeportError if some of them do not
 */
export function momentTypeOf(table: Rows, key: MomentKey): Promise<KeyType> {
  const { sql } = key;
  const day = FORMS[formOf(table, key)](sql);
  const [[other] = []] = table.query(
    `SELECT quote(${sql}) ${fromClause(table.rows, `${sql} IS NOT NULL AND ${day} IS NULL`)} LIMIT 1`,
  );
  if (other !== undefined) throw noMoments(key, `one of its values is ${shortened(String(other))}`);
  return Promise.resolve({
    ...ofText({
      name: 'date',
      value: (value) => value,
      form: /^\d{4}-\d\d-\d\d$/,
      write: (text) => `'${text}'`,
    }),
    // Days before the year 1 have a minus sign, or the year 0.
    wrap: () => `(CASE WHEN ${day} >= '0001-01-01' THEN ${day} END)`,
    calendar: { lastDay: '9999-12-31', day: (value) => value },
  });
}

function formOf({ rows, query }: Rows, key: MomentKey): keyof typeof FORMS {
  const { sql } = key;
  const isNumber = `typeof(${sql}) IN ('integer', 'real')`;
  const isJulian = `${sql} >= 0 AND ${sql} < ${JULIAN_END}`;
  const [row = []] = query(
    `SELECT max(typeof(${sql}) = 'text'), max(typeof(${sql}) = 'blob'), max(typeof(${sql}) = 'real'),
            max(CASE WHEN ${isNumber} THEN ${isJulian} END), max(CASE WHEN ${isNumber} THEN NOT (${isJulian}) END)
     ${fromClause(rows)}`,
  );
  const [text, blob, real, julian, other] = row.map((value) => value === 1);
  const numbers = julian === true || other === true;
  if (blob === true) throw noMoments(key, 'some of its values are blobs');
  if (text === true && numbers) throw noMoments(key, 'its values are text and numbers');
  if (!numbers) return 'iso';
  if (real !== true) return 'unix';
  if (julian === true && other === true)
    throw noMoments(key, 'some of its real numbers can be Julian days, and others only Unix seconds');
  return julian === true ? 'julian' : 'unix';
}

const LONGEST_SHOWN = 60;

function shortened(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}

function noMoments({ name }: MomentKey, why: string): LakeportError {
  return new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    message: `Not every value of ${name} is a date or a time: ${why}`,
    hint: "Text must be ISO 8601 (2025-01-31 or 2025-01-31T12:00:00Z), integers Unix seconds, and real numbers Julian days or Unix seconds; an expression can make dates of others, such as (date(at / 1000, 'unixepoch'),year,month)",
    context: { detail: name },
  });
}
