import type { TableId } from '../../model/table.js';

/** A name as SQL Server reads it back, whatever characters it holds. */
export function quoteName(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}

/** `[schema].[table]`, for statements. */
export function quoteTable({ schema, name }: TableId): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/**
 * A name of the catalog, for a SELECT list. Some servers keep names in the code page of their collation, or send them in
 * it, where other characters become question marks.
 */
export function nameText(column: string): string {
  return `CONVERT(nvarchar(128), ${column})`;
}
