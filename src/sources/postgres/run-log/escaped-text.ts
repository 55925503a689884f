import type pg from 'pg';

import { type DatabaseCharacters, readCharacters } from '../characters.js';

/**
 * Text in a log whose database is not in UTF-8: a character that it lacks is stored as `\u4e2d`, as a surrogate pair beyond
 * U+FFFF, and the backslash of text that already looks like that is escaped. Reading restores the original.
 */
export interface TextEscaping {
  /** A parameter of a statement. */
  readonly escape: (value: unknown) => unknown;
  /** A value of a row. */
  readonly unescape: (value: unknown) => unknown;
}

const NOTHING_TO_ESCAPE: TextEscaping = { escape: (value) => value, unescape: (value) => value };

/** The escaping that this database needs. Call it in a transaction. */
export async function readEscaping(client: pg.Client): Promise<TextEscaping> {
  const { rows } = await client.query<{ encoding: string }>(
    `SELECT pg_catalog.current_setting('server_encoding') AS encoding`,
  );
  const encoding = rows[0]?.encoding ?? 'UTF8';
  // Without an encoding any text fits.
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return NOTHING_TO_ESCAPE;
  const escape = escaping(await readCharacters(client, encoding));
  return { escape: ofStrings(escape), unescape: ofStrings(unescapeText) };
}

function ofStrings(change: (text: string) => string) {
  return (value: unknown): unknown => (typeof value === 'string' ? change(value) : value);
}

/** @returns a function that escapes text for a database with these characters */
function escaping({ byCode }: DatabaseCharacters): (text: string) => string {
  const known = new Set(byCode.values());
  return (text) =>
    text.replace(/[^\0-\x7f]|\\(?=u[0-9a-f]{4})/gu, (character) =>
      known.has(character) ? character : unitsOf(character).map(escapeUnit).join(''),
    );
}

function unescapeText(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}

/** UTF-16 code units. */
function unitsOf(character: string): number[] {
  return Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
