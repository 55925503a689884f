import pLimit from 'p-limit';
import type pg from 'pg';
import { LakeportError } from '../../../errors.js';
import { type Dataset, datasetId } from '../../../model/dataset.js';
import { fromClause, type RowSet } from '../../row-set.js';
import type { CountOptions, RowCount } from '../../source.js';
import { abandon } from '../connection/cancel.js';
import { connectPostgres, leave } from '../connection/connection.js';
import { postgresError } from '../errors.js';
import { connectToServer } from '../connection/server-identity.js';
import type { PostgresSettings } from '../connection/settings.js';
import { begin } from '../connection/transaction.js';

/** Relations per statement; the session holds a lock on each of them meanwhile. */
const BATCH = 64;

export interface CountedTable extends CountOptions {
  readonly dataset: Dataset;
  /** What the slices were cut from: together, all of its rows. */
  readonly members: readonly RowSet[];
}

/**
 * Counts rows as the readers see them. On separate connections, one at a time: the planner's must be free to check that
 * the snapshot still exists, and a reader's is busy with a COPY.
 */
export class RowCounter {
  readonly #oneByOne = pLimit(1);
  readonly #closing = new AbortController();

  /** @throws LakeportError if the rows cannot be counted, or on abort */
  count(settings: PostgresSettings, counted: CountedTable): Promise<RowCount> {
    const signal = AbortSignal.any([counted.signal, this.#closing.signal]);
    const place = { entry: settings.entryId, table: datasetId(counted.dataset) };
    return this.#oneByOne(async () => {
      try {
        return await countMembers(settings, { ...counted, signal });
      } catch (thrown) {
        throw signal.aborted ? givenUp() : postgresError(thrown, place);
      }
    });
  }

  /** Cancels the current count. */
  close(): void {
    this.#closing.abort();
  }
}

async function countMembers(
  settings: PostgresSettings,
  { members, snapshot: { token, server }, signal }: CountedTable,
): Promise<RowCount> {
  signal.throwIfAborted();
  // Within the connect timeout: a pooler accepts every client and lets it wait afterwards.
  const first = (client: pg.Client) => begin(client, settings, { mode: 'snapshot', snapshot: token, server });
  const client = await connectToServer(settings, (chosen) => connectPostgres(chosen, { first, signal }));
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
    // The server continues a count until it is canceled.
    await abandon(client, settings);
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Compiling the query would take longer than it saves. Servers that do not compile have no such setting. */
const UNCOMPILED = `SELECT pg_catalog.set_config('jit', 'off', true) WHERE pg_catalog.current_setting('jit', true) IS NOT NULL`;

async function countIn(client: pg.Client, members: CountedTable['members']): Promise<number> {
  let rows = 0;
  await client.query(UNCOMPILED);
  for (let start = 0; start < members.length; start += BATCH) {
    const counts = members
      .slice(start, start + BATCH)
      .map((rows) => `SELECT pg_catalog.count(*) AS n ${fromClause(rows)}`);
    await client.query('SAVEPOINT counted');
    const { rows: answer } = await client.query<{ n: string }>(
      `SELECT pg_catalog.sum(n)::pg_catalog.text AS n FROM (${counts.join(' UNION ALL ')}) AS counts`,
    );
    // Releases the locks, which are limited in number across all sessions.
    await client.query('ROLLBACK TO SAVEPOINT counted');
    rows += Number(answer[0]?.n ?? 0);
  }
  return rows;
}

function givenUp(): LakeportError {
  return new LakeportError({ code: 'INTERRUPTED', message: 'The row count was aborted' });
}
