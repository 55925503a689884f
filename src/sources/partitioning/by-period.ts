import { LakeportError } from '../../errors.js';
import { fromClause } from '../row-set.js';
import { requireKey, resolveKey, type SliceKey } from './key.js';
import { checkDay } from './key-type.js';
import { type Share, wholeTable } from './predicate.js';
import type { KeyedTable } from './sql-dialect.js';

/** `Timepartition`: one slice per year, month, day or ISO week that has rows, and one for NULL. */

export type Period = 'year' | 'month' | 'day' | 'week';

export interface TimeKey {
  readonly column: string;
  readonly period: Period;
}

const PERIODS: Readonly<Record<string, Period>> = {
  year: 'year',
  'year,month': 'month',
  'year,month,day': 'day',
  'year,week': 'week',
};

/** A key, followed by its periods after the last commas: an expression may contain commas too. */
const TIME_KEY = /^\s*(.+?)\s*,\s*(year(?:\s*,\s*(?:month|day|week))*)\s*$/is;

/** `(col,year)`, `(col,year,month)`, `(col,year,month,day)` or `(col,year,week)`. @throws LakeportError for anything else */
export function parseTimeKey(text: string): TimeKey {
  const [, column = '', periods = ''] = TIME_KEY.exec(text.trim().replace(/^\((.*)\)$/s, '$1')) ?? [];
  const period = PERIODS[periods.replace(/\s/g, '').toLowerCase()];
  if (period !== undefined) return { column, period };
  throw new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    message: `The method Timepartition cannot use the key ${text}`,
    hint: 'Write (column,year), (column,year,month), (column,year,month,day) or (column,year,week)',
    context: { detail: text },
  });
}

export async function byPeriod(table: KeyedTable, { column, period }: TimeKey): Promise<Share[]> {
  const { dialect } = table;
  const key = await resolveKey(table, column);
  const { calendar } = key.type;
  requireKey(key, 'Timepartition', calendar !== undefined, 'a date or a timestamp');
  if (calendar === undefined) return [wholeTable(undefined)];
  // Days whatever the period: there are never many, and the server needs no notion of weeks. Only the distinct days are
  // converted to text, not every row.
  const rows = await table.query(`
    SELECT ${dialect.dayText('slice_days.d')}, ${dialect.toNumber('slice_days.n')} FROM (
      SELECT slice_keys.d AS d, ${dialect.count} AS n FROM (
        SELECT ${calendar.day(key.sql)} AS d ${fromClause(table.rows)}
      ) AS slice_keys GROUP BY slice_keys.d
    ) AS slice_days`);
  if (rows.length === 0) return [wholeTable(0)];
  const periods = new Map<string, number>();
  let nulls: number | undefined;
  let tableRows = 0;
  for (const [day, count] of rows) {
    tableRows += Number(count);
    if (typeof day !== 'string') nulls = Number(count);
    else {
      const start = startOf(checkDay(day), period);
      periods.set(start, (periods.get(start) ?? 0) + Number(count));
    }
  }
  const shares = [...periods]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([start, count]) => share(key, period, start, count));
  return (nulls === undefined ? shares : [...shares, nullShare(key, nulls)]).map((one) => ({ ...one, tableRows }));
}

const DAY_MS = 86_400_000;

/** First day of the period. */
export function startOf(day: string, period: Period): string {
  if (period === 'year') return `${day.slice(0, 4)}-01-01`;
  if (period === 'month') return `${day.slice(0, 7)}-01`;
  if (period === 'day') return day;
  const time = Date.parse(day);
  const sinceMonday = (new Date(time).getUTCDay() + 6) % 7;
  return dayOf(time - sinceMonday * DAY_MS);
}

/** First day after the period; undefined if that is past the type's last day. */
export function endOf(start: string, period: Period, lastDay = '9999-12-31'): string | undefined {
  const date = new Date(start);
  if (period === 'year') date.setUTCFullYear(date.getUTCFullYear() + 1);
  else if (period === 'month') date.setUTCMonth(date.getUTCMonth() + 1);
  else date.setTime(date.getTime() + (period === 'week' ? 7 : 1) * DAY_MS);
  const isInRange = date.getUTCFullYear() <= 9999 && dayOf(date.getTime()) <= lastDay;
  return isInRange ? dayOf(date.getTime()) : undefined;
}

/** Hive-style, e.g. `year=2025/month=01`; weeks as in ISO 8601, whose week 1 contains the year's first Thursday. */
export function directoryOf(start: string, period: Period): string {
  const [year = '', month = '', day = ''] = start.split('-');
  if (period === 'year') return `year=${year}`;
  if (period === 'month') return `year=${year}/month=${month}`;
  if (period === 'day') return `year=${year}/month=${month}/day=${day}`;
  const thursday = new Date(Date.parse(start) + 3 * DAY_MS);
  const yearStart = new Date(0);
  yearStart.setUTCFullYear(thursday.getUTCFullYear(), 0, 1);
  const week = Math.floor((thursday.getTime() - yearStart.getTime()) / (7 * DAY_MS)) + 1;
  return `year=${String(thursday.getUTCFullYear()).padStart(4, '0')}/week=${String(week).padStart(2, '0')}`;
}

function share(key: SliceKey, period: Period, start: string, count: number): Share {
  const { sql, name, type } = key;
  const end = endOf(start, period, type.calendar?.lastDay);
  const literal = (day: string) => {
    const { scale } = type;
    return type.literal(typeof scale === 'object' ? scale.toText(scale.toPosition(day)) : day);
  };
  const below = end === undefined ? '' : ` AND ${sql} < ${literal(end)}`;
  return {
    method: 'Timepartition',
    bounds: end === undefined ? `${name} >= ${start}` : `${name} in [${start}, ${end})`,
    where: `${sql} >= ${literal(start)}${below}`,
    estimatedRows: count,
    directory: directoryOf(start, period),
  };
}

function nullShare({ sql, name }: SliceKey, count: number): Share {
  return {
    method: 'Timepartition',
    bounds: `${name} is NULL`,
    where: `${sql} IS NULL`,
    estimatedRows: count,
    directory: 'year=__HIVE_DEFAULT_PARTITION__',
  };
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
