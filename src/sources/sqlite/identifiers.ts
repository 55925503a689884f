import type { TableId } from '../../model/table.js';

/** The only schema of a file: what is attached to it belongs to a session. */
export const SCHEMA = 'main';

/** A name as SQLite reads it back, whatever characters it holds. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"main"."table"`, for statements. */
export function quoteTable({ schema, name }: TableId): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
