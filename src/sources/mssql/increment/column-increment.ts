import { LakeportError } from '../../../errors.js';
import { isTime } from '../../../model/cursor.js';
import type { Increment } from '../../increment.js';
import {
  badCursorValue,
  cursorNotPossible,
  cursorTypeMismatch,
  futureWarning,
  noCursorColumn,
} from '../../increment-errors.js';
import {
  momentText,
  offsetSeconds,
  parseMoment,
  secondsBefore,
  secondsBehind,
  withSeconds,
} from '../../moment-text.js';
import type { KeyType } from '../../partitioning/key-type.js';
import { fromClause } from '../../row-set.js';
import { firstAnswer } from '../connection/server.js';
import { errorNumber } from '../errors.js';
import { quoteName } from '../identifiers.js';
import { keyTypeOf } from '../partitioning/key-type.js';
import { declaredTypeOf, displayWireType } from '../tds/wire-type.js';
import { isIndexed } from './cursor-index.js';
import { countWhere, type CursorRows, withNulls } from './cursor-rows.js';

const TIMES = new Set(['date', 'smalldatetime', 'datetime', 'datetime2', 'datetimeoffset']);
const INTEGERS = new Set(['tinyint', 'smallint', 'int', 'bigint']);

/** How values of the column go to the server and back: as text in a form that is exact for its type. */
interface CursorKey extends Pick<KeyType, 'literal'> {
  readonly type: string;
  /** SELECT expression of a value. */
  readonly value: (sql: string) => string;
  readonly isTime: boolean;
  readonly nullable: boolean;
}

/** Rows by the values of a column that grows: above the watermark, up to the greatest one. */
export async function columnIncrement(context: CursorRows): Promise<Increment> {
  const { client, rows, request, column } = context;
  const { after, isInclusive } = request;
  const key = await cursorKey(context);
  await refuseMasked(context);
  const quoted = quoteName(column);
  const known = after === undefined ? undefined : await checked(context, key, { what: 'watermark', value: after });
  const lower = await lowerBound(context, key, known);
  // A statement of its own, which an index answers at once.
  const [row] = await client.query(`${rows.prefix}SELECT ${key.value(`MAX(${quoted})`)} ${fromClause(rows)}`);
  const found = textOf(row?.[0]);
  // Rows may have been deleted: the watermark never moves back, nor before the start.
  const least = known ?? (found === undefined ? undefined : lower);
  const upper = found === undefined || least === undefined ? (found ?? least) : greater(key, found, least);
  const range = [
    ...(lower === undefined ? [] : [`${quoted} ${isInclusive ? '>=' : '>'} ${key.literal(lower)}`]),
    upper === undefined ? '1 = 0' : `${quoted} <= ${key.literal(upper)}`,
  ].join(' AND ');
  const behindSeconds = upper === undefined || !key.isTime ? undefined : await secondsBehindClock(context, key, upper);
  return {
    condition: withNulls(range, { quoted, isWanted: request.withNulls }),
    watermark: upper,
    lower,
    upper,
    nulls: key.nullable ? await countWhere(context, `${quoted} IS NULL`) : 0,
    isIndexed: await isIndexed(context),
    behindSeconds,
    warning: futureWarning(upper, behindSeconds),
  };
}

const INVALID_COLUMN = 207;

/** @throws LakeportError if there is no such column, or it has a type that the cursor cannot have */
async function cursorKey({ client, rows, table, request, column }: CursorRows): Promise<CursorKey> {
  const { cursor } = request;
  const [found] = await client
    .describeColumns(`${rows.prefix}SELECT TOP (0) ${quoteName(column)} ${fromClause(rows)}`)
    .catch((thrown: unknown) => {
      throw errorNumber(thrown) === INVALID_COLUMN ? noCursorColumn(table.id, column) : thrown;
    });
  if (found === undefined) throw noCursorColumn(table.id, column);
  const { type: wire, nullable } = found;
  const { name = displayWireType(wire), scale = 0 } = declaredTypeOf(wire) ?? {};
  const key = keyTypeOf(wire);
  const isNumber = INTEGERS.has(name) || ((name === 'decimal' || name === 'numeric') && scale === 0);
  if (key === undefined || !(isTime(cursor) ? TIMES.has(name) : isNumber)) {
    const needs = isTime(cursor)
      ? 'date, smalldatetime, datetime, datetime2 or datetimeoffset'
      : 'tinyint, smallint, int, bigint or a decimal without a scale';
    throw cursorTypeMismatch(table.id, { cursor, is: name, needs });
  }
  const isTable = table.kind === 'table' || table.kind === 'partitioned table';
  // A view's columns are as nullable as when it was last refreshed.
  return { type: name, literal: key.literal, value: key.value, isTime: isTime(cursor), nullable: nullable || !isTable };
}

/**
 * The greatest of masked values would be that of their masks, while conditions see the values themselves.
 * @throws LakeportError if this user sees masks in place of the column's values
 */
async function refuseMasked({ client, table, request, column }: CursorRows): Promise<void> {
  if (table.objectId === undefined) return;
  const { objectId } = table;
  // No masks before SQL Server 2016.
  const [row] = await firstAnswer([
    () =>
      client.query(
        `SELECT CONVERT(int, c.is_masked), CONVERT(int, HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'UNMASK'))
         FROM sys.columns AS c WHERE c.object_id = ${objectId} AND c.name = @column`,
        { column },
      ),
    () => Promise.resolve([]),
  ]);
  if (row?.[0] !== 1 || row[1] === 1) return;
  throw cursorNotPossible(table.id, request.cursor, 'the column is masked for this user, who needs UNMASK');
}

/** The watermark without the safety lag, or where the first sync begins. */
async function lowerBound(context: CursorRows, key: CursorKey, known: string | undefined): Promise<string | undefined> {
  const { start, lagSeconds } = context.request;
  if (known === undefined) {
    return start === undefined
      ? undefined
      : checked(context, key, { what: 'start', value: startText(context, key, start) });
  }
  if (!key.isTime || lagSeconds === 0) return known;
  const moment = parseMoment(known);
  // A literal with seconds would be rounded to the next minute.
  const coarse =
    moment && key.type === 'smalldatetime' ? { ...moment, time: moment.time.slice(0, 5), fraction: '' } : moment;
  const earlier = coarse && secondsBefore(coarse, lagSeconds);
  if (earlier === undefined) {
    throw badCursorValue(context.table.id, { what: 'watermark', value: known, why: 'it is no time' });
  }
  const text = momentText(key.type === 'smalldatetime' ? { ...earlier, time: `${earlier.time}:00` } : earlier);
  return checked(context, key, { what: 'watermark', value: text });
}

/** A user's moment in the only form that all types and languages read alike; of `datetimeoffset` in UTC. */
function startText({ table }: CursorRows, key: CursorKey, start: string): string {
  if (!key.isTime) return start;
  const moment = parseMoment(start);
  const bad = (why: string) => badCursorValue(table.id, { what: 'start', value: start, why });
  if (moment === undefined) throw bad('it is no date or time as in 2025-01-31T12:34:56');
  const { time, zone } = moment;
  if (zone !== '' && key.type !== 'datetimeoffset') throw bad(`values of ${key.type} have no offset`);
  if (key.type === 'date') {
    if (/[1-9]/.test(time + moment.fraction)) throw bad('values of date have no time');
    return moment.day;
  }
  const whole = { ...withSeconds(moment), separator: 'T', zone: '' };
  const offset = offsetSeconds(zone);
  const inUtc = offset === 0 ? whole : secondsBefore(whole, offset);
  if (inUtc === undefined) throw bad('there is no such day');
  return momentText(inUtc);
}

/** The value as the server writes it. @throws LakeportError if it is none of the column's type */
async function checked(
  { client, table }: CursorRows,
  key: CursorKey,
  { what, value }: { readonly what: 'start' | 'watermark'; readonly value: string },
): Promise<string> {
  try {
    const [row] = await client.query(`SELECT ${key.value(key.literal(value))}`);
    return textOf(row?.[0]) ?? value;
  } catch (thrown) {
    const isOfValue = thrown instanceof LakeportError || errorNumber(thrown) !== undefined;
    if (!isOfValue) throw thrown;
    throw badCursorValue(table.id, { what, value, why: `${key.type} cannot hold it` });
  }
}

function textOf(answer: unknown): string | undefined {
  return typeof answer === 'string' ? answer.replace(' ', 'T') : undefined;
}

/** Of moments in one form, the text sorts as they do: a fraction that is left out is 0. */
function greater({ isTime: isMoment }: CursorKey, a: string, b: string): string {
  return (isMoment ? a > b : BigInt(a) > BigInt(b)) ? a : b;
}

/** By the server's clocks: columns without an offset have the time of its own zone, or of UTC. */
async function secondsBehindClock(
  { client }: CursorRows,
  { type }: CursorKey,
  value: string,
): Promise<number | undefined> {
  const moment = parseMoment(value);
  const [row] = await client.query(
    `SELECT CONVERT(nvarchar(33), SYSUTCDATETIME(), 126), CONVERT(nvarchar(33), SYSDATETIME(), 126)`,
  );
  const [utc, local] = (row ?? []).map((clock) => Date.parse(`${(textOf(clock) ?? '').slice(0, 23)}Z`));
  if (moment === undefined || utc === undefined || local === undefined || Number.isNaN(utc + local)) return undefined;
  if (type === 'datetimeoffset') return secondsBehind({ ...moment, zone: 'Z' }, utc);
  return secondsBehind(moment, local) ?? secondsBehind(moment, utc);
}
