import { LakeportError } from '../../errors.js';

/** Years, months, days and ISO weeks, by their first day as text: `2025-01-31`. */

export type Period = 'year' | 'month' | 'day' | 'week';

const PERIODS: Readonly<Record<string, Period>> = {
  year: 'year',
  'year,month': 'month',
  'year,month,day': 'day',
  'year,week': 'week',
};

/** A key, followed by its periods after the last commas: an expression may contain commas too. */
const TIME_KEY = /^\s*(.+?)\s*,\s*(year(?:\s*,\s*(?:month|day|week))*)\s*$/is;

/** `(col,year)`, `(col,year,month)`, `(col,year,month,day)` or `(col,year,week)`. @throws LakeportError for anything else */
export function parseTimeKey(text: string): { readonly column: string; readonly period: Period } {
  const [, column = '', periods = ''] = TIME_KEY.exec(text.trim().replace(/^\((.*)\)$/s, '$1')) ?? [];
  return { column, period: parsePeriods(periods, text) };
}

/** @param text of the whole key, for the error. @throws LakeportError for periods that are not nested */
export function parsePeriods(periods: string, text: string): Period {
  const period = PERIODS[periods.replace(/\s/g, '').toLowerCase()];
  if (period !== undefined) return period;
  throw new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    message: `There are no directories by the periods of ${text}`,
    hint: 'Write (column,year), (column,year,month), (column,year,month,day) or (column,year,week) for Timepartition; year(column), month(column) and the like for --partition-by',
    context: { detail: text },
  });
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

/** Values of the period's directories, e.g. year and month; weeks as in ISO 8601, whose week 1 contains the year's first Thursday. */
export function directoryValues(start: string, period: Period): string[] {
  const [year = '', month = '', day = ''] = start.split('-');
  if (period === 'year') return [year];
  if (period === 'month') return [year, month];
  if (period === 'day') return [year, month, day];
  const thursday = new Date(Date.parse(start) + 3 * DAY_MS);
  const yearStart = new Date(0);
  yearStart.setUTCFullYear(thursday.getUTCFullYear(), 0, 1);
  const week = Math.floor((thursday.getTime() - yearStart.getTime()) / (7 * DAY_MS)) + 1;
  return [String(thursday.getUTCFullYear()).padStart(4, '0'), String(week).padStart(2, '0')];
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
