import type { TableId } from '../../model/table.js';

/** Quotes a name so that PostgreSQL reads it back unchanged, whatever characters it has. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `"schema"."table"`, for statements. */
export function quoteTable({ schema, name }: TableId): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
