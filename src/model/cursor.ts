/** What orders the rows of a table by when they were written, or tells which ones are new. */

/** Types of columns, as users name them; `xmin` is no column but PostgreSQL's own record of who wrote a row. */
export const CURSOR_TYPES = ['date', 'datetime', 'timestamp', 'integer', 'rowversion', 'xmin'] as const;

export type CursorType = (typeof CURSOR_TYPES)[number];

/** Plain data. */
export interface Cursor {
  readonly type: CursorType;
  /** Undefined for `xmin` only. */
  readonly column?: string | undefined;
}

/** Whether its values are points in time. */
export function isTime({ type }: Cursor): boolean {
  return type === 'date' || type === 'datetime' || type === 'timestamp';
}

/** As users write it: `updated_at (timestamp)`. */
export function cursorText({ type, column }: Cursor): string {
  return column === undefined ? type : `${column} (${type})`;
}
