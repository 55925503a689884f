import type { TableId } from '../../model/table.js';
import { doubleQuoted } from '../../text/sql-quotes.js';

/** Quotes a name so that PostgreSQL reads it back unchanged, whatever characters it has. */
export function quoteName(name: string): string {
  return doubleQuoted(name);
}

/** `"schema"."table"`, for statements. */
export function quoteTable({ schema, name }: TableId): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
