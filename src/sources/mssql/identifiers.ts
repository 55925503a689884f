import type { TableId } from '../../model/table.js';
import { inBrackets } from '../../text/sql-quotes.js';

/** Quotes a name so that SQL Server reads it back unchanged, whatever characters it has. */
export function quoteName(name: string): string {
  return inBrackets(name);
}

/** `[schema].[table]`, for statements. */
export function quoteTable({ schema, name }: TableId): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/**
 * A catalog name for a SELECT list. Some servers store or send names in the code page of their collation, which replaces
 * other characters by question marks.
 */
export function nameText(column: string): string {
  return `CONVERT(nvarchar(128), ${column})`;
}
