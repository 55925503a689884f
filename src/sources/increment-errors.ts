import { LakeportError } from '../errors.js';
import { type Cursor, cursorText } from '../model/cursor.js';
import { type TableId, tableName } from '../model/table.js';

/** Errors of all databases about the cursor of a table. */

export function noCursorColumn(id: TableId, column: string): LakeportError {
  return new LakeportError({
    code: 'CURSOR_UNKNOWN',
    message: `${tableName(id)} has no column ${column} that tells which rows are new`,
    hint: 'Correct --incremental-table.',
    context: { table: tableName(id), column },
  });
}

/** @param is the source's name of the column's type @param needs what the cursor's type can be */
export function cursorTypeMismatch(
  id: TableId,
  { cursor, is, needs }: { readonly cursor: Cursor; readonly is: string; readonly needs: string },
): LakeportError {
  return new LakeportError({
    code: 'CURSOR_TYPE',
    message: `${tableName(id)}.${cursor.column ?? ''} is ${is}, and ${cursor.type} of --incremental-table needs ${needs}`,
    hint: 'Name another type, or another column.',
    context: { table: tableName(id), ...(cursor.column !== undefined && { column: cursor.column }) },
  });
}

/** @param why as the end of a sentence that begins with "because", without its full stop */
export function cursorNotPossible(id: TableId, cursor: Cursor, why: string): LakeportError {
  return new LakeportError({
    code: 'CURSOR_NOT_POSSIBLE',
    message: `${tableName(id)} cannot be synced by ${cursorText(cursor)}: ${why}`,
    hint: 'Choose another column with --incremental-table, or leave it out: the table is then exported whole.',
    context: { table: tableName(id) },
  });
}

export function badCursorValue(
  id: TableId,
  { what, value, why }: { readonly what: 'start' | 'watermark'; readonly value: string; readonly why: string },
): LakeportError {
  const isStart = what === 'start';
  return new LakeportError({
    code: 'CURSOR_VALUE',
    message: `${tableName(id)}: the ${what} ${JSON.stringify(value)} does not fit the column: ${why}`,
    hint: isStart
      ? 'Correct what follows @ in --incremental-table.'
      : 'If the type of the column has changed, --reset-watermarks reads the table again.',
    context: { table: tableName(id), detail: '--incremental-table' },
  });
}

/** What users are told of a watermark that is later than the source's clock; undefined if it is not. */
export function futureWarning(upper: string | undefined, behindSeconds: number | undefined): string | undefined {
  if (upper === undefined || behindSeconds === undefined || behindSeconds >= -1) return undefined;
  return `its latest value, ${upper}, is in the future: rows that are written until then with earlier values will not be seen`;
}
