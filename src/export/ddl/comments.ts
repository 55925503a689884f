import type { MappedColumn, MappedTable } from './dialect.js';
import { commentLines } from './text.js';

/** A column's declaration, with its comment if it has one. */
export function commentedColumn(
  { name, type, comment }: Pick<MappedColumn, 'name' | 'type' | 'comment'>,
  quoteName: (name: string) => string,
  quoteText: (text: string) => string,
): string {
  return `${quoteName(name)} ${type}${comment === undefined ? '' : ` COMMENT ${quoteText(comment)}`}`;
}

/** The comments of the table and its columns as lines of the file, for systems that keep none. */
export function shownComments({ comment, columns, partitions }: MappedTable): string[] {
  return [
    ...(comment === undefined ? [] : [commentLines(comment)]),
    ...[...columns, ...partitions].flatMap((column) =>
      column.comment === undefined ? [] : [commentLines(`${column.name}: ${column.comment}`)],
    ),
  ];
}
