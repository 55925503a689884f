import type { Client } from 'pg';

import { LakeportError } from '../../../errors.js';
import { isTime } from '../../../model/cursor.js';
import { fromClause } from '../../row-set.js';
import type { Increment } from '../../increment.js';
import {
  badCursorValue,
  cursorNotPossible,
  cursorTypeMismatch,
  futureWarning,
  noCursorColumn,
} from '../../increment-errors.js';
import { inSavepoint } from '../connection/savepoint.js';
import { describeStatement } from '../catalog/statement-description.js';
import { quoteName } from '../identifiers.js';
import { textLiteral } from '../../../text/sql-quotes.js';
import { postgresRows } from '../rows/rows.js';
import type { IncrementContext } from './context.js';

/** A type of columns that order rows. */
interface CursorColumnType {
  /** How values are written in SQL. */
  readonly sql: string;
  readonly isTime: boolean;
  /** A value above all others that says nothing about the order: rows with it are treated like those with NULL. */
  readonly beyond?: string | undefined;
}

/** By oid of `pg_type`, all of them built in. */
const TYPES: ReadonlyMap<number, CursorColumnType> = new Map([
  [20, { sql: 'pg_catalog.int8', isTime: false }],
  [21, { sql: 'pg_catalog.int2', isTime: false }],
  [23, { sql: 'pg_catalog.int4', isTime: false }],
  [1700, { sql: 'pg_catalog.numeric', isTime: false, beyond: 'NaN' }],
  [1082, { sql: 'pg_catalog.date', isTime: true, beyond: 'infinity' }],
  [1114, { sql: 'pg_catalog.timestamp', isTime: true, beyond: 'infinity' }],
  [1184, { sql: 'pg_catalog.timestamptz', isTime: true, beyond: 'infinity' }],
]);

/** Rows by the values of a column that grows: above the watermark, up to the greatest that the session sees. */
export async function columnIncrement(context: IncrementContext & { readonly column: string }): Promise<Increment> {
  const { client, table, request, column } = context;
  const type = await columnType(context);
  const name = quoteName(column);
  const literal = (value: string, sql = type.sql) => `${textLiteral(value)}::${sql}`;
  const from = (condition?: string) => fromClause(postgresRows({ ...table.dataset, increment: undefined }), condition);
  const beyond = type.beyond === undefined ? undefined : `${name} = ${literal(type.beyond)}`;
  const finite = type.beyond === undefined ? `${name} IS NOT NULL` : `${name} < ${literal(type.beyond)}`;
  const lower = await lowerBound(context, type);
  const after =
    request.after === undefined ? undefined : await bound(context, type, { what: 'watermark', value: request.after });
  // A statement of its own, which an index answers at once.
  const greatest = await client.query<{ value: string | null }>(
    `SELECT (SELECT pg_catalog.max(${name}) ${from(finite)})::pg_catalog.text AS value`,
  );
  const found = greatest.rows[0]?.value ?? undefined;
  if (found !== undefined && /infinity/i.test(found)) {
    throw cursorNotPossible(table.id, request.cursor, `its greatest value is ${found}`);
  }
  // Rows may have been deleted, or all are below the start: the watermark never moves back.
  const least = after ?? (request.start === undefined ? undefined : lower?.value);
  const upper = found === undefined ? after : await greater(client, type, found, least);
  const { rows: answers } = await client.query<{ clock: string | null; nulls: string }>(
    `SELECT ${
      type.isTime && upper !== undefined
        ? `EXTRACT(EPOCH FROM pg_catalog.transaction_timestamp() - (${literal(upper)})::pg_catalog.timestamptz)::pg_catalog.text`
        : 'NULL'
    } AS clock, ${
      (await mayBeNull(context)) || beyond !== undefined
        ? `(SELECT pg_catalog.count(*) ${from(`(${[`${name} IS NULL`, ...(beyond === undefined ? [] : [beyond])].join(' OR ')})`)})`
        : '0'
    }::pg_catalog.text AS nulls`,
  );
  const [{ clock, nulls } = { clock: null, nulls: '0' }] = answers;
  const behindSeconds = clock === null ? undefined : Math.round(Number(clock));
  const range = [
    ...(lower === undefined ? [] : [`${name} ${request.isInclusive ? '>=' : '>'} ${literal(lower.value, lower.sql)}`]),
    upper === undefined ? 'false' : `${name} <= ${literal(upper)}`,
  ].join(' AND ');
  const withNulls = request.withNulls ? ` OR ${name} IS NULL${beyond === undefined ? '' : ` OR ${beyond}`}` : '';
  return {
    condition: `${range}${withNulls}`,
    watermark: upper,
    lower: lower?.value,
    upper,
    nulls: Number(nulls),
    isIndexed: await isIndexed(context),
    behindSeconds,
    warning: futureWarning(upper, behindSeconds),
  };
}

async function columnType({
  client,
  table,
  request: { cursor },
  column,
}: IncrementContext & { readonly column: string }): Promise<CursorColumnType> {
  const rowSet = postgresRows({ ...table.dataset, increment: undefined });
  const fields = await explained(
    client,
    () => describeStatement(client, `SELECT ${quoteName(column)} ${fromClause(rowSet)}`),
    (thrown) => (isUndefinedColumn(thrown) ? noCursorColumn(table.id, column) : thrown),
  );
  const field = fields?.[0];
  if (field === undefined) throw noCursorColumn(table.id, column);
  const type = TYPES.get(field.type);
  if (type !== undefined && type.isTime === isTime(cursor)) return type;
  const { rows } = await client.query<{ name: string }>('SELECT pg_catalog.format_type($1, $2) AS name', [
    field.type,
    field.modifier,
  ]);
  const needs = isTime(cursor) ? 'date, timestamp or timestamptz' : 'smallint, integer, bigint or numeric';
  throw cursorTypeMismatch(table.id, { cursor, is: rows[0]?.name ?? 'of another type', needs });
}

const UNDEFINED_COLUMN = '42703';

function isUndefinedColumn(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === UNDEFINED_COLUMN;
}

interface Bound {
  readonly value: string;
  /** The type that it is written in. */
  readonly sql: string;
}

/** The watermark without the safety lag, or where the first sync begins. */
async function lowerBound(context: IncrementContext, type: CursorColumnType): Promise<Bound | undefined> {
  const { client, request } = context;
  const { after, start, lagSeconds } = request;
  if (after === undefined) {
    if (start === undefined) return undefined;
    return { value: await bound(context, type, { what: 'start', value: start }), sql: type.sql };
  }
  if (!type.isTime || lagSeconds === 0) return { value: after, sql: type.sql };
  // A date less some seconds is a moment of the day before.
  const sql = type.sql === 'pg_catalog.date' ? 'pg_catalog.timestamp' : type.sql;
  const { rows } = await client.query<{ value: string }>(
    `SELECT ((${textLiteral(after)}::${type.sql})::${sql} - pg_catalog.make_interval(secs => ${lagSeconds}))::pg_catalog.text AS value`,
  );
  return rows[0] && { value: rows[0].value, sql };
}

/** The value as the server writes it. @throws LakeportError if it is none of the column's type */
async function bound(
  { client, table }: IncrementContext,
  { sql }: CursorColumnType,
  { what, value }: { readonly what: 'start' | 'watermark'; readonly value: string },
): Promise<string> {
  return explained(
    client,
    async () => {
      const { rows } = await client.query<{ value: string }>(
        `SELECT (${textLiteral(value)}::${sql})::pg_catalog.text AS value`,
      );
      return rows[0]?.value ?? value;
    },
    (thrown) => badCursorValue(table.id, { what, value, why: LakeportError.from(thrown).message }),
  );
}

/** Asks what may fail. @param explain makes what is thrown of the driver's error */
function explained<T>(client: Client, ask: () => Promise<T>, explain: (thrown: unknown) => unknown): Promise<T> {
  return inSavepoint(client, ask).catch((thrown: unknown) => {
    throw explain(thrown);
  });
}

async function greater(client: Client, { sql }: CursorColumnType, a: string, b: string | undefined): Promise<string> {
  if (b === undefined) return a;
  const { rows } = await client.query<{ value: string }>(
    `SELECT GREATEST(${textLiteral(a)}::${sql}, ${textLiteral(b)}::${sql})::pg_catalog.text AS value`,
  );
  return rows[0]?.value ?? a;
}

/** Of a view or query, the catalog does not know. */
async function mayBeNull({ client, oid, request: { cursor } }: IncrementContext): Promise<boolean> {
  if (oid === undefined) return true;
  const { rows } = await client.query<{ isNotNull: boolean }>(
    `SELECT attnotnull AS "isNotNull" FROM pg_catalog.pg_attribute
     WHERE attrelid = $1 AND attname = $2 AND NOT attisdropped`,
    [oid, cursor.column],
  );
  return rows[0]?.isNotNull !== true;
}

/** Whether a complete B-tree begins with the column. */
async function isIndexed({ client, oid, request: { cursor } }: IncrementContext): Promise<boolean | undefined> {
  if (oid === undefined) return undefined;
  const { rows } = await client.query<{ isIndexed: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_catalog.pg_index AS i
       JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
       JOIN pg_catalog.pg_am AS am ON am.oid = c.relam AND am.amname = 'btree'
       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       WHERE i.indrelid = $1 AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL
     ) AS "isIndexed"`,
    [oid, cursor.column],
  );
  return rows[0]?.isIndexed;
}
