import { isTime } from '../../../model/cursor.js';
import type { Increment } from '../../increment.js';
import { badCursorValue, cursorNotPossible, futureWarning } from '../../increment-errors.js';
import { parseMoment, secondsBehind } from '../../moment-text.js';
import { sqliteRows } from '../rows.js';
import { cursorColumn, isAnsweredBy } from './cursor-column.js';
import { countWhere, type CursorRows } from './cursor-rows.js';
import { type CursorValues, INTEGERS } from './cursor-values.js';
import { refuseOthers, valuesFound, valuesLike } from './found-values.js';
import { rowidWarning } from './rowid-warning.js';

/**
 * The rows of a table that an earlier sync has not read, determined as of one instant of the file.
 * @throws LakeportError if the cursor does not fit the table, and the driver's errors
 */
export function readIncrement(context: Omit<CursorRows, 'rows' | 'column'>): Increment {
  const { connection, table, request } = context;
  const { cursor } = request;
  if (cursor.type === 'xmin' || cursor.type === 'rowversion') {
    throw cursorNotPossible(table.id, cursor, 'SQLite does not record when or by whom a row was written');
  }
  const isPinned = connection.database.isTransaction;
  connection.beginReading();
  try {
    const rows = sqliteRows({ ...table.dataset, increment: undefined });
    return columnIncrement({ ...context, rows, column: cursorColumn(connection, table, cursor) });
  } finally {
    if (!isPinned) connection.endReading();
  }
}

/** Rows by the values of a column that grows: above the watermark, up to the greatest one. */
function columnIncrement(context: CursorRows): Increment {
  const { column, request } = context;
  const { sql, indexes } = column;
  const found = valuesFound(context);
  const values = found?.values ?? valuesLike(context);
  const isIndexed = indexes && isAnsweredBy(indexes, values);
  const lower = values && lowerBound(context, values);
  const above =
    lower === undefined || values === undefined
      ? []
      : [`${values.key(sql)} ${request.isInclusive ? '>=' : '>'} ${values.literal(lower)}`];
  if (values !== undefined) {
    // Earlier syncs have looked at the values below, where an index saves reading them.
    refuseOthers(context, values, isIndexed === true && request.after !== undefined ? above : []);
  }
  const upper = values && upperBound(context, values, { found: found?.greatest, lower });
  const below =
    upper === undefined || values === undefined ? 'FALSE' : `${values.key(sql)} <= ${values.literal(upper)}`;
  const moment = upper === undefined ? undefined : parseMoment(upper);
  const behindSeconds = moment && secondsBehind(moment, Date.now());
  return {
    condition: `${[...above, below].join(' AND ')}${request.withNulls ? ` OR ${sql} IS NULL` : ''}`,
    watermark: upper,
    lower,
    upper,
    nulls: column.mayBeNull ? countWhere(context, `${sql} IS NULL`) : 0,
    isIndexed,
    behindSeconds,
    warning: futureWarning(upper, behindSeconds) ?? rowidWarning(context, found?.greatest),
  };
}

/** The watermark without the safety lag, or where the first sync begins. */
function lowerBound({ table, request }: CursorRows, values: CursorValues): string | undefined {
  const { after, start, lagSeconds, isInclusive, cursor } = request;
  const holds = `the column holds ${values.like}`;
  if (after === undefined) {
    if (start === undefined) return undefined;
    const converted = values.convert(start);
    if (converted === undefined) throw badCursorValue(table.id, { what: 'start', value: start, why: holds });
    return converted;
  }
  const known = values.read(after);
  if (known === undefined) throw badCursorValue(table.id, { what: 'watermark', value: after, why: holds });
  if (!isTime(cursor) || lagSeconds === 0) return isInclusive ? values.least(known) : known;
  if (values === INTEGERS) {
    throw cursorNotPossible(
      table.id,
      cursor,
      '--incremental-safety-lag needs times, and its values are integers, of which the file does not say whether they are seconds or milliseconds',
    );
  }
  const earlier = values.before(known, lagSeconds);
  if (earlier === undefined) {
    throw badCursorValue(table.id, {
      what: 'watermark',
      value: after,
      why: 'no safety lag can be taken from it, because there is no such day',
    });
  }
  return isInclusive ? values.least(earlier) : earlier;
}

/** Rows may have been deleted: the watermark never moves back, nor before the start. */
function upperBound(
  { request }: CursorRows,
  values: CursorValues,
  { found, lower }: { readonly found: string | undefined; readonly lower: string | undefined },
): string | undefined {
  const least = request.after ?? (found === undefined ? undefined : lower);
  if (found === undefined || least === undefined) return found ?? least;
  return values.isGreater(least, found) ? least : found;
}
