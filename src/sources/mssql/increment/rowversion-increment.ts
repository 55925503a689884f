import type { Increment } from '../../increment.js';
import { badCursorValue, cursorNotPossible, cursorTypeMismatch, noCursorColumn } from '../../increment-errors.js';
import { readAttributes } from '../columns/column-catalog.js';
import { firstAnswer } from '../connection/server.js';
import { errorNumber } from '../errors.js';
import { quoteName } from '../identifiers.js';
import { countWhere, type CursorRows, withNulls } from './cursor-rows.js';
import { isIndexed } from './cursor-index.js';

/**
 * Rows by the version that the server gives them at each INSERT and UPDATE. Versions grow in the order of statements, and
 * not of commits: the greatest one may be of a transaction after one that is still open. So the upper bound is what
 * MIN_ACTIVE_ROWVERSION says, less one: all transactions with versions up to it have ended. It is read before the readers'
 * queries begin, so that they see all of them.
 */
export async function rowversionIncrement(context: CursorRows): Promise<Increment> {
  const { request } = context;
  const { after, start, isInclusive } = request;
  const { nullable } = await rowversionColumn(context);
  const upper = await lastEnded(context);
  const before = after === undefined ? undefined : versionOf(context, { what: 'watermark', value: after });
  const first = start === undefined ? undefined : versionOf(context, { what: 'start', value: start });
  const isBehind = before !== undefined && before > upper;
  const lower = isBehind ? undefined : (before ?? first);
  const quoted = quoteName(context.column);
  const range = [
    ...(lower === undefined ? [] : [`${quoted} ${isInclusive ? '>=' : '>'} ${literal(lower)}`]),
    `${quoted} <= ${literal(upper)}`,
  ].join(' AND ');
  return {
    condition: withNulls(range, { quoted, isWanted: request.withNulls }),
    watermark: hexadecimal(upper),
    lower: lower === undefined ? undefined : hexadecimal(lower),
    upper: hexadecimal(upper),
    nulls: nullable ? await countWhere(context, `${quoted} IS NULL`) : 0,
    ...(isBehind && {
      fullBecause: `the database's row versions are behind those of the last sync: it was restored, or is another one`,
    }),
    isIndexed: await isIndexed(context),
  };
}

/** @throws LakeportError if the table has no such column, or it is of another type */
async function rowversionColumn({
  client,
  table,
  request,
  column,
}: CursorRows): Promise<{ readonly nullable: boolean }> {
  const { cursor } = request;
  if (table.kind !== 'table' && table.kind !== 'partitioned table') {
    throw cursorNotPossible(
      table.id,
      cursor,
      `each database numbers the versions of its own rows, and a ${table.kind} may have rows of others`,
    );
  }
  const [attributes = []] = await readAttributes(client, [table]);
  const folded = column.toLowerCase();
  const found =
    attributes.find(({ name }) => name === column) ?? attributes.find(({ name }) => name.toLowerCase() === folded);
  if (found === undefined) throw noCursorColumn(table.id, column);
  if (found.type !== 'timestamp' && found.type !== 'rowversion') {
    throw cursorTypeMismatch(table.id, { cursor, is: found.type, needs: 'rowversion' });
  }
  return found;
}

/** The greatest version up to which all transactions have ended. */
async function lastEnded({ client, table, request }: CursorRows): Promise<bigint> {
  // A secondary does not know of the transactions that are open on the primary.
  const [row] = await firstAnswer([
    () => client.query(`SELECT CONVERT(nvarchar(20), DATABASEPROPERTYEX(DB_NAME(), N'Updateability'))`),
    () => Promise.resolve([]),
  ]);
  if (row?.[0] === 'READ_ONLY') {
    throw cursorNotPossible(
      table.id,
      request.cursor,
      'this database is read-only, and may not know of transactions that are still open where it is written to',
    );
  }
  try {
    const [answer] = await client.query('SELECT CONVERT(varbinary(8), MIN_ACTIVE_ROWVERSION())');
    const least = answer?.[0];
    if (!(least instanceof Uint8Array)) throw new TypeError('MIN_ACTIVE_ROWVERSION is no version');
    const version = BigInt(`0x${Buffer.from(least).toString('hex')}`);
    return version === 0n ? version : version - 1n;
  } catch (thrown) {
    if (errorNumber(thrown) === undefined) throw thrown;
    throw cursorNotPossible(table.id, request.cursor, 'the server has no MIN_ACTIVE_ROWVERSION');
  }
}

const DIGITS = 16;
const VERSION = /^0x[0-9a-f]{1,16}$/i;

function versionOf(
  { table }: CursorRows,
  { what, value }: { readonly what: 'start' | 'watermark'; readonly value: string },
): bigint {
  if (VERSION.test(value)) return BigInt(value);
  throw badCursorValue(table.id, { what, value, why: `it is no version such as ${hexadecimal(2001n)}` });
}

function hexadecimal(version: bigint): string {
  return `0x${version.toString(DIGITS).toUpperCase().padStart(DIGITS, '0')}`;
}

function literal(version: bigint): string {
  return `CAST(${hexadecimal(version)} AS binary(8))`;
}
