import { z } from 'zod';

import type { TableKind } from '../../../model/table.js';
import { memberTables } from '../catalog/leaf-relations.js';
import { fromClause, onOwnLines } from '../../row-set.js';
import type { Increment } from '../../increment.js';
import { badCursorValue, cursorNotPossible } from '../../increment-errors.js';
import { postgresRows } from '../rows/rows.js';
import type { IncrementContext } from './context.js';

/**
 * Rows by the transaction that wrote them: `xmin`, which each INSERT and UPDATE sets. Those are new whose transaction the
 * snapshot of the earlier sync did not see, whenever it began, and whatever its rows say of the time.
 *
 * Not `pg_visible_in_snapshot`: it knows no subtransactions (the server's documentation of `pg_current_snapshot`), and
 * on a standby no transaction in progress, so it takes rows of both for seen. Instead, a sync keeps the bounds of its
 * snapshot, and of the ids between them those that rows of the table have: exactly those it has seen.
 *
 * `xmin` has the lower 32 bits of the id, also of rows that are frozen. An id is taken for the last one with these bits,
 * which is right for all rows that are not frozen: the server keeps them within 2^31 transactions. A row frozen longer ago than
 * 2^32 transactions may be taken for a new one, never a new one for it.
 */

/** Where a sync by `xmin` ended. Ids are those of `txid_current_snapshot`, with 64 bits. */
const watermarkSchema = z.object({
  /** Of the cluster, by `pg_control_system`. */
  system: z.string(),
  /** Of its history: another one after a failover, which may have lost transactions. */
  timeline: z.number(),
  /** All ids below had ended. */
  xmin: z.string().regex(/^\d+$/),
  /** No id from here on was visible. */
  xmax: z.string().regex(/^\d+$/),
  /** Lower 32 bits of the ids in between whose rows the sync has seen. */
  seen: z.array(z.number().int()),
  /** Oids of the relations that hold the table's rows. */
  members: z.array(z.number().int()),
});

type Watermark = z.infer<typeof watermarkSchema>;

/** Ids further apart than this cannot be told from earlier ones. */
const HALF = 2n ** 31n;
/** The first id that a transaction can have; below are those of the catalog's first rows and of rows frozen long ago. */
const FIRST_ID = 3;

const KINDS: ReadonlySet<TableKind> = new Set(['table', 'partitioned table', 'materialized view']);

export async function xminIncrement(context: IncrementContext): Promise<Increment> {
  const { table, request } = context;
  if (!KINDS.has(table.kind) || context.oid === undefined || table.isForeign === true) {
    throw cursorNotPossible(table.id, request.cursor, `a ${table.kind} does not say which transaction wrote a row`);
  }
  if (!context.isPinned) {
    throw cursorNotPossible(table.id, request.cursor, 'without a snapshot (--consistency none), rows would be missed');
  }
  const before = request.after === undefined ? undefined : parsed(context, request.after);
  const now = await currentState(context, context.oid);
  const fullBecause = before && whyFull(before, now);
  const seen = await seenBetween(context, now);
  const watermark: Watermark = { ...now, seen };
  const isFull = before === undefined || fullBecause !== undefined;
  return {
    condition: isFull ? undefined : newRows(before, now),
    watermark: JSON.stringify(watermark),
    lower: isFull ? undefined : `transactions seen before ${before.xmax}`,
    upper: `transactions before ${now.xmax}`,
    nulls: 0,
    fullBecause,
    isIndexed: false,
  };
}

function parsed({ table }: IncrementContext, value: string): Watermark {
  try {
    return watermarkSchema.parse(JSON.parse(value));
  } catch {
    throw badCursorValue(table.id, { what: 'watermark', value, why: 'it does not describe a snapshot' });
  }
}

type State = Omit<Watermark, 'seen'>;

/** As the session's snapshot has it. */
async function currentState({ client, server }: IncrementContext, oid: number): Promise<State> {
  const { rows } = await client.query<Omit<State, 'members'> & { readonly members: readonly (string | number)[] }>(
    `WITH RECURSIVE ${memberTables(`SELECT ${oid}::pg_catalog.oid`, server)}
     SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::pg_catalog.text AS system,
            (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()) AS timeline,
            pg_catalog.txid_snapshot_xmin(s)::pg_catalog.text AS xmin,
            pg_catalog.txid_snapshot_xmax(s)::pg_catalog.text AS xmax,
            ARRAY(SELECT DISTINCT oid::pg_catalog.int8 FROM member ORDER BY 1) AS members
     FROM pg_catalog.txid_current_snapshot() AS s`,
  );
  const [row] = rows;
  if (row === undefined) throw new TypeError('The server has no snapshot');
  return { ...row, members: row.members.map(Number) };
}

function whyFull(before: Watermark, now: State): string | undefined {
  if (before.system !== now.system) return 'the last sync was of another server';
  if (before.timeline !== now.timeline) {
    return 'the server has failed over or was restored since: transactions of the last sync may be lost';
  }
  if (BigInt(now.xmax) < BigInt(before.xmax))
    return "the server's count of transactions is behind that of the last sync";
  if (BigInt(now.xmax) - BigInt(before.xmin) >= HALF)
    return 'more than 2^31 transactions have begun since the last sync';
  return undefined;
}

/** The lower bits of a row's id. */
const ID = 'xmin::pg_catalog.text::pg_catalog.int8';
/** Of a table's name in its own queries; not qualified, as conditions are read with or without one. */
const age = (xmax: string) => `((${xmax} - ${ID}) & 4294967295)`;

/** @param before where the earlier sync ended, less than 2^31 transactions ago */
function newRows(before: Watermark, now: State): string {
  const unseen = BigInt(now.xmax) - BigInt(before.xmax);
  const doubtful = BigInt(now.xmax) - BigInt(before.xmin);
  const between =
    before.seen.length === 0
      ? ''
      : ` AND ${ID} NOT IN (SELECT pg_catalog.unnest('{${before.seen.join(',')}}'::pg_catalog.int8[]))`;
  const isNew = `${ID} >= ${FIRST_ID} AND (${age(now.xmax)} <= ${unseen}${
    doubtful === unseen ? '' : ` OR (${age(now.xmax)} <= ${doubtful}${between})`
  })`;
  // Rows of a partition that was attached since are new to the table, however old they are.
  return `(${isNew}) OR tableoid <> ALL ('{${before.members.join(',')}}'::pg_catalog.oid[])`;
}

/** Lower bits of the ids between the snapshot's bounds that visible rows have. Reads the table, unless there are none. */
async function seenBetween({ client, table }: IncrementContext, { xmin, xmax }: State): Promise<number[]> {
  const doubtful = BigInt(xmax) - BigInt(xmin);
  if (doubtful === 0n) return [];
  const condition = onOwnLines(`${ID} >= ${FIRST_ID} AND ${age(xmax)} <= ${doubtful}`);
  const rowSet = postgresRows({ ...table.dataset, increment: undefined });
  const { rows } = await client.query<{ id: string }>(
    `SELECT DISTINCT ${ID} AS id ${fromClause(rowSet, condition)} ORDER BY 1`,
  );
  return rows.map(({ id }) => Number(id));
}
