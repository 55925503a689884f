import type { TableId } from '../../model/table.js';
import { doubleQuoted } from '../../text/sql-quotes.js';

/** The only schema of a file; attached databases belong to a session. */
export const SCHEMA = 'main';

/** Quotes a name so that SQLite reads it back unchanged, whatever characters it has. */
export function quoteName(name: string): string {
  return doubleQuoted(name);
}

/** `"main"."table"`, for statements. */
export function quoteTable({ schema, name }: TableId): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
