import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CLI_STORES } from '../../harness/cli-stores/index.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/**
 * A year of syncs in short: a source that runs on while it is synced, by transactions that are short, long, nested and rolled
 * back, and syncs that are killed now and then. A log in the source says which row every transaction has left, so that the table can be
 * told as of the snapshot of each sync.
 */

const SYNCS = { local: 200, s3: 40, gcs: 8, azure: 8 } as const;
/** About one of so many is killed. */
const KILLED = 14;
const CRASHES = [
  'before the first row',
  'when a part is complete and nobody knows',
  'between staging and publishing',
  'before the manifest',
  'between manifest and _SUCCESS',
  'between _SUCCESS and the log',
] as const;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ version: 17, settings: { autovacuum_naptime: 1, autovacuum_vacuum_threshold: 5 } });
  await server.query(`CREATE SCHEMA year; CREATE SCHEMA year_log;
    CREATE TABLE year.big (i int PRIMARY KEY, t text, note text, at timestamptz DEFAULT now());
    CREATE TABLE year.events (i int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text);
    CREATE TABLE year_log.big (seq bigint GENERATED ALWAYS AS IDENTITY, i int, t text, note text, gone boolean, xid xid8 DEFAULT pg_current_xact_id());
    CREATE TABLE year_log.events (i int, t text, xid xid8 DEFAULT pg_current_xact_id());
    CREATE FUNCTION year_log.big() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.i <> NEW.i) THEN
        INSERT INTO year_log.big (i, gone) VALUES (OLD.i, true);
      END IF;
      IF TG_OP <> 'DELETE' THEN INSERT INTO year_log.big (i, t, note, gone) VALUES (NEW.i, NEW.t, NEW.note, false); END IF;
      RETURN NULL;
    END $$;
    CREATE FUNCTION year_log.events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO year_log.events (i, t) VALUES (NEW.i, NEW.t); RETURN NULL;
    END $$;
    CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON year.big FOR EACH ROW EXECUTE FUNCTION year_log.big();
    CREATE TRIGGER log AFTER INSERT ON year.events FOR EACH ROW EXECUTE FUNCTION year_log.events();
    INSERT INTO year.big (i, t) SELECT i, md5(i::text) FROM generate_series(1, 400) i`);
});
afterAll(() => server.stop());

/** Transactions of one client, one after the other, until told to stop. */
class Writer {
  readonly #client: pg.Client;
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(client: pg.Client) {
    this.#client = client;
    this.#done = this.#work();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    await this.#client.end();
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      // A row that another client holds is left alone.
      await this.#transaction().catch(() => this.#client.query('ROLLBACK'));
      await sleep(randomInt(10, 60));
    }
  }

  async #transaction(): Promise<void> {
    await this.#client.query(`BEGIN; SET LOCAL lock_timeout = '200ms'`);
    for (let n = randomInt(1, 4); n > 0; n--) {
      const isNested = randomInt(3) === 0;
      if (isNested) await this.#client.query('SAVEPOINT s');
      await this.#client.query(statement());
      if (isNested) await this.#client.query(randomInt(3) === 0 ? 'ROLLBACK TO s' : 'RELEASE s');
      // Some stay open over several syncs.
      await sleep(randomInt(12) === 0 ? randomInt(200, 1500) : 0);
    }
    await this.#client.query(randomInt(8) === 0 ? 'ROLLBACK' : 'COMMIT');
  }
}

function statement(): string {
  const key = randomInt(1, 500);
  const value = `md5(random()::text)`;
  switch (randomInt(6)) {
    case 0:
      return `DELETE FROM year.big WHERE i = ${key}`;
    case 1:
      return `INSERT INTO year.big (i, t, at) VALUES (${key}, ${value}, '1990-01-01') ON CONFLICT (i) DO UPDATE SET t = excluded.t, note = NULL`;
    case 2:
      return `UPDATE year.big SET i = i + 1000 WHERE i = ${key} AND NOT EXISTS (SELECT FROM year.big AS o WHERE o.i = ${key + 1000})`;
    case 3:
      return `INSERT INTO year.events (t) SELECT ${value} FROM generate_series(1, ${randomInt(1, 4)})`;
    default:
      return `UPDATE year.big SET t = ${value}, note = repeat('n', ${randomInt(0, 40)}) WHERE i BETWEEN ${key} AND ${key + randomInt(3)}`;
  }
}

/** Rows of a table as text, by their order, as of the snapshot of a sync. */
async function tableAt(snapshot: string): Promise<string> {
  const [row] = await server.query(
    `SELECT coalesce(string_agg(i || ' ' || t || ' ' || coalesce(note, '-'), E'\\n' ORDER BY i), '') AS text FROM (
       SELECT DISTINCT ON (i) * FROM year_log.big WHERE pg_visible_in_snapshot(xid, $1::pg_snapshot) ORDER BY i, seq DESC
     ) AS last WHERE NOT gone`,
    [snapshot],
  );
  return String(row?.['text']);
}

async function eventsAt(snapshot: string): Promise<string> {
  const [row] = await server.query(
    `SELECT coalesce(string_agg(i || ' ' || t, E'\\n' ORDER BY i), '') AS text
     FROM year_log.events WHERE pg_visible_in_snapshot(xid, $1::pg_snapshot)`,
    [snapshot],
  );
  return String(row?.['text']);
}

describe('a year of syncs of a source that runs on', () => {
  it.each(['local', 's3', 'gcs', 'azure'] as const)(
    'leaves the lake as the tables were at the snapshot of each sync: %s',
    async (kind) => {
      const store = kind === 'local' ? undefined : await CLI_STORES[kind]();
      const lake = await SyncedLake.of(
        server,
        'year',
        [
          ...['--incremental_table', 'big:xmin!upsert', '--incremental_table', 'events:xmin', '--detect_deletes'],
          ...['--exclude_columns', 'big:at', '--n_jobs', '1'],
        ],
        store,
      );
      const writers = await Promise.all(Array.from({ length: 3 }, async () => new Writer(await server.connect())));
      let killed = 0;
      try {
        for (let n = 1; n <= SYNCS[kind]; n++) {
          if (n > 1 && randomInt(KILLED) === 0) {
            const runId = randomUUID();
            const point = CRASHES[randomInt(CRASHES.length)]!;
            await lake.killedAt(point, runId);
            killed++;
            if (randomInt(2) === 0) await lake.resume(runId);
          }
          const tables = await lake.sync();
          expect(tables.map(({ state }) => state)).toEqual(['completed', 'completed']);
          const where = `sync ${n}, ${killed} killed`;
          const big = await lake.query(
            'big',
            `coalesce(string_agg(i || ' ' || t || ' ' || coalesce(note, '-'), chr(10) ORDER BY i), '') AS text`,
          );
          expect(big[0]?.['text'], where).toBe(await tableAt(lake.snapshot('big')));
          const events = await lake.query(
            'events',
            `coalesce(string_agg(i || ' ' || t, chr(10) ORDER BY i), '') AS text`,
          );
          expect(events[0]?.['text'], where).toBe(await eventsAt(lake.snapshot('events')));
        }
      } finally {
        await Promise.all(writers.map((writer) => writer.stop()));
        await store?.stop();
      }
      const verified = await lake.user.run('verify', 'out/year');
      expect(verified.code, verified.stdout).toBe(0);
    },
    20 * 60_000,
  );
});
