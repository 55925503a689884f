import pLimit from 'p-limit';
import type pg from 'pg';
import { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import type { CountOptions, RowCount } from '../source.js';
import { abandon } from './cancel.js';
import { connectPostgres, leave } from './connection.js';
import { postgresError } from './errors.js';
import { quoteTable } from './identifiers.js';
import type { PostgresSettings } from './settings.js';
import type { Member } from './slices.js';
import { begin } from './transaction.js';

/** Relations counted by one statement: the session holds a lock on each of them meanwhile. */
const BATCH = 64;

export interface CountedTable extends CountOptions {
  readonly table: TableId;
  /** Relations whose own rows belong to the table, as when it was sliced. */
  readonly members: readonly Pick<Member, 'id'>[];
}

/**
 * Counts rows as the readers see them. On connections of its own, one at a time: the planner's has to answer whether the
 * snapshot is still held, and a reader's is in the middle of a COPY.
 */
export class RowCounter {
  readonly #oneByOne = pLimit(1);
  readonly #closing = new AbortController();

  /** @throws LakeportError where the rows can't be counted, or when it is aborted */
  count(settings: PostgresSettings, counted: CountedTable): Promise<RowCount> {
    const signal = AbortSignal.any([counted.signal, this.#closing.signal]);
    const place = { entry: settings.entryId, table: counted.table };
    return this.#oneByOne(async () => {
      try {
        return await countMembers(settings, { ...counted, signal });
      } catch (thrown) {
        throw signal.aborted ? givenUp() : postgresError(thrown, place);
      }
    });
  }

  /** Ends what is being counted. */
  close(): void {
    this.#closing.abort();
  }
}

async function countMembers(
  settings: PostgresSettings,
  { members, snapshot: { token }, signal }: CountedTable,
): Promise<RowCount> {
  signal.throwIfAborted();
  // Within the time to connect: a pooler lets everybody in, and lets them wait then.
  const first = (client: pg.Client) => begin(client, settings, { mode: 'snapshot', snapshot: token });
  const client = await connectPostgres(settings, { first, signal });
  let abort: () => void = () => undefined;
  const isAborted = new Promise<never>((_, reject) => {
    abort = () => reject(givenUp());
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    signal.throwIfAborted();
    const rows = await Promise.race([countIn(client, members), isAborted]);
    await leave(client);
    return { rows, ofSnapshot: token !== undefined };
  } catch (error) {
    // A count goes on in the server until it is told.
    await abandon(client, settings);
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function countIn(client: pg.Client, members: CountedTable['members']): Promise<number> {
  let rows = 0;
  for (let start = 0; start < members.length; start += BATCH) {
    const counts = members
      .slice(start, start + BATCH)
      .map(({ id }) => `SELECT pg_catalog.count(*) AS n FROM ONLY ${quoteTable(id)}`);
    await client.query('SAVEPOINT counted');
    const { rows: answer } = await client.query<{ n: string }>(
      `SELECT pg_catalog.sum(n)::pg_catalog.text AS n FROM (${counts.join(' UNION ALL ')}) AS counts`,
    );
    // Gives the locks back, of which the server has a number for all sessions together.
    await client.query('ROLLBACK TO SAVEPOINT counted');
    rows += Number(answer[0]?.n ?? 0);
  }
  return rows;
}

function givenUp(): LakeportError {
  return new LakeportError({ code: 'INTERRUPTED', exit: 'interrupted', message: 'the count of the rows was given up' });
}
