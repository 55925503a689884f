import { isTime } from '../../../model/cursor.js';
import { badCursorValue, cursorTypeMismatch } from '../../increment-errors.js';
import type { LakeportError } from '../../../errors.js';
import { parseMoment } from '../../moment-text.js';
import { fromClause } from '../../row-set.js';
import { type CursorValues, INTEGERS, momentsLike } from './cursor-values.js';
import type { CursorRows } from './cursor-rows.js';

const MOMENTS = 'text in one form of ISO 8601, such as 2025-01-31 12:34:56, or integers';

/**
 * The greatest value, and what kind it is of; undefined if there is none.
 * @throws LakeportError if the cursor cannot be of that kind
 */
export function valuesFound(
  context: CursorRows,
): { readonly values: CursorValues; readonly greatest: string } | undefined {
  const { connection, rows, column, request } = context;
  const key = isTime(request.cursor) ? `${column.sql} COLLATE BINARY` : column.sql;
  const [[greatest = null] = []] = connection.queryExactly(`${rows.prefix}SELECT max(${key}) ${fromClause(rows)}`);
  if (greatest === null) return undefined;
  if (typeof greatest === 'bigint') return { values: INTEGERS, greatest: greatest.toString() };
  const moment = typeof greatest === 'string' && isTime(request.cursor) ? parseMoment(greatest) : undefined;
  if (moment === undefined) throw otherKinds(context, undefined);
  return { values: momentsLike(moment), greatest: String(greatest) };
}

/** The kind of the watermark, or of the start; undefined if there is neither. @throws LakeportError if it is of none */
export function valuesLike({ table, request }: CursorRows): CursorValues | undefined {
  const { after, start, cursor } = request;
  const value = after ?? start;
  if (value === undefined) return undefined;
  const moment = isTime(cursor) ? parseMoment(value) : undefined;
  if (moment !== undefined) return momentsLike(moment);
  if (INTEGERS.read(value) !== undefined) return INTEGERS;
  const what = after === undefined ? 'start' : 'watermark';
  throw badCursorValue(table.id, { what, value, why: `${cursor.type} takes ${isTime(cursor) ? MOMENTS : 'integers'}` });
}

/**
 * Values of another kind would sort before or after all others, whenever they were written.
 * @param among conditions of those to look at; all if there are none
 * @throws LakeportError that counts them
 */
export function refuseOthers(context: CursorRows, values: CursorValues, among: readonly string[]): void {
  const { connection, rows, column } = context;
  const { sql, rowid } = column;
  if (rowid !== 'none') return;
  const exists = (condition: string) => {
    const [[found] = []] = connection.query(
      `${rows.prefix}SELECT EXISTS (SELECT 1 ${fromClause(rows, `(${condition})`)})`,
    );
    return found === 1;
  };
  const other = `${sql} IS NOT NULL AND NOT (${fits(context, values)})`;
  const conditions =
    among.length === 0 ? [other] : [[...among, other].join(' AND '), ...values.otherClasses(values.key(sql))];
  if (conditions.some(exists)) throw otherKinds(context, values);
}

function fits({ connection, column }: CursorRows, values: CursorValues): string {
  const [[encoding] = []] = connection.query('PRAGMA encoding');
  return values.fits(column.sql, encoding === 'UTF-8' ? 1 : 2);
}

/** Singular and plural of what is stored in each class. */
const CLASSES: Readonly<Record<string, readonly [string, string]>> = {
  integer: ['integer', 'integers'],
  real: ['real number', 'real numbers'],
  text: ['text', 'texts'],
  blob: ['blob', 'blobs'],
};

const LONGEST_SHOWN = 40;

/** @param values what some of them are; undefined if the greatest is of no kind that the cursor can be of */
function otherKinds(context: CursorRows, values: CursorValues | undefined): LakeportError {
  const { connection, rows, column, table, request } = context;
  const { sql } = column;
  const fitting = values === undefined ? 'FALSE' : fits(context, values);
  const counts = connection.query(
    `${rows.prefix}SELECT class, count(*), quote(max(value COLLATE BINARY)) FROM (
       SELECT CASE WHEN ${fitting} THEN 'fits' ELSE typeof(${sql}) END AS class, ${sql} AS value
       ${fromClause(rows, `${sql} IS NOT NULL`)}
     ) GROUP BY 1 ORDER BY 1`,
  );
  const others = counts
    .filter(([name]) => name !== 'fits')
    .map(([name, count, example]) => {
      const [one, many] = CLASSES[String(name)] ?? ['value', 'values'];
      const shown = String(example);
      const short = shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}...` : shown;
      return `${Number(count)} ${count === 1 ? one : many} (such as ${short})`;
    });
  const like = values === undefined ? '' : `${values.like}, except `;
  return cursorTypeMismatch(table.id, {
    cursor: request.cursor,
    is: `${like}${others.join(', ')}`,
    needs: isTime(request.cursor) ? MOMENTS : 'integers',
  });
}
