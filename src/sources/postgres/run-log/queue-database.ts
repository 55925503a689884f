import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import type pg from 'pg';

import { connectPostgres, discard, leave } from '../connection/connection.js';
import type { PostgresSettings } from '../connection/settings.js';
import { LakeportError } from '../../../errors.js';
import type { QueueDatabase } from '../../run-log-dialect.js';

/** A statement that takes longer fails: the connection is most likely dead. */
const ANSWER_MS = 30_000;

/** One connection, opened on demand, and replaced after any error, which may have left it inside a transaction. */
export class PostgresQueueDatabase implements QueueDatabase {
  readonly #settings: PostgresSettings;
  readonly #oneByOne = pLimit(1);
  #client: pg.Client | undefined;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
  }

  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> {
    return this.#oneByOne(async () => {
      const client = await this.#connected();
      try {
        return await inTime(client.query<Record<string, unknown>>(text, values));
      } catch (error) {
        this.#client = undefined;
        discard(client);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await leave(client);
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const client = await connectPostgres(this.#settings);
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#client = client;
    return client;
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = setTimeout(ANSWER_MS, undefined, { ref: false, signal: abort.signal }).then(
    () =>
      Promise.reject(
        new LakeportError({
          code: 'RUN_LOG_TIMEOUT',
          message: `The queue did not answer within ${ANSWER_MS / 1000} s`,
        }),
      ),
    // Aborted: the answer came in time.
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    abort.abort();
  }
}
