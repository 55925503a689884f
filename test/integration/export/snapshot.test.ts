import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExportHere } from '../../harness/export-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/*
 * One snapshot for all tables and all readers, while a writer never rests: it moves money between accounts, moves
 * orders between two tables, inserts and deletes pairs of rows that belong together. Whatever the moment of the
 * snapshot, the sums are the same and no pair is torn.
 */

const ACCOUNTS = 20_000;
const ORDERS = 30_000;
const START_SUM = ACCOUNTS * 100;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE accounts (id integer PRIMARY KEY, balance integer NOT NULL, padding text NOT NULL);
    INSERT INTO accounts SELECT n, 100, repeat('x', 200) FROM generate_series(1, ${ACCOUNTS}) n;
    CREATE TABLE open_orders (id integer PRIMARY KEY, amount integer NOT NULL, padding text NOT NULL);
    CREATE TABLE closed_orders (LIKE open_orders INCLUDING ALL);
    INSERT INTO open_orders SELECT n, n % 100, repeat('y', 200) FROM generate_series(1, ${ORDERS}) n;
    CREATE TABLE debits (pair integer NOT NULL, amount integer NOT NULL);
    CREATE TABLE credits (pair integer NOT NULL, amount integer NOT NULL);
    ANALYZE;`);
});
afterAll(() => server.stop());

/** Each statement is one transaction that keeps the sums. */
function disturbances(round: number): string[] {
  const at = (round * 7919) % ACCOUNTS;
  const order = (round * 6151) % ORDERS;
  return [
    // Every update gives the row another place in the table.
    `UPDATE accounts SET balance = balance + CASE WHEN id % 2 = 0 THEN 7 ELSE -7 END
     WHERE id BETWEEN ${at - (at % 2) + 1} AND ${Math.min(at - (at % 2) + 200, ACCOUNTS)}`,
    `WITH moved AS (DELETE FROM open_orders WHERE id BETWEEN ${order} AND ${order + 300} RETURNING *)
     INSERT INTO closed_orders SELECT * FROM moved`,
    `WITH moved AS (DELETE FROM closed_orders WHERE id % 3 = ${round % 3} RETURNING *)
     INSERT INTO open_orders SELECT * FROM moved`,
    `WITH debit AS (INSERT INTO debits SELECT ${round} * 100 + n, n FROM generate_series(1, 100) n RETURNING *)
     INSERT INTO credits SELECT pair, amount FROM debit`,
    `WITH gone AS (DELETE FROM credits WHERE pair % 5 = ${round % 5} RETURNING pair)
     DELETE FROM debits WHERE pair IN (SELECT pair FROM gone)`,
  ];
}

/** A writer on connections of its own, until it is stopped. Returns the number of transactions. */
function startWriter(): () => Promise<number> {
  let stopped = false;
  let transactions = 0;
  let round = 0;
  const write = async () => {
    const client = await server.connect();
    try {
      while (!stopped) {
        for (const sql of disturbances(++round)) {
          await client.query(sql).catch((error: unknown) => {
            // Two writers that wait for one another; one of them has changed nothing.
            if (!String(error).includes('deadlock')) throw error;
          });
          transactions++;
        }
      }
    } finally {
      await client.end();
    }
  };
  const writers = Promise.all([write(), write()]);
  return async () => {
    stopped = true;
    await writers;
    return transactions;
  };
}

/** What the files say that must be true at any one moment. */
async function invariants(files: (table: string) => Promise<string[]>): Promise<Record<string, unknown>> {
  const rows = async (table: string) => `read_parquet([${(await files(table)).map(quote).join(', ')}])`;
  const [found] = await queryDuckDb(`
    WITH orders AS (SELECT * FROM ${await rows('open_orders')} UNION ALL SELECT * FROM ${await rows('closed_orders')}),
         pairs AS (SELECT d.pair AS d, c.pair AS c FROM ${await rows('debits')} d FULL JOIN ${await rows('credits')} c
                   ON d.pair = c.pair AND d.amount = c.amount)
    SELECT (SELECT count(*) FROM ${await rows('accounts')})::INT AS accounts,
           (SELECT count(DISTINCT id) FROM ${await rows('accounts')})::INT AS "different accounts",
           (SELECT sum(balance) FROM ${await rows('accounts')})::INT AS balance,
           (SELECT count(*) FROM orders)::INT AS orders,
           (SELECT count(DISTINCT id) FROM orders)::INT AS "different orders",
           (SELECT count(*) FROM pairs WHERE d IS NULL OR c IS NULL)::INT AS "torn pairs"`);
  return found ?? {};
}

const TRUE_AT_ANY_MOMENT = {
  accounts: ACCOUNTS,
  'different accounts': ACCOUNTS,
  balance: START_SUM,
  orders: ORDERS,
  'different orders': ORDERS,
  'torn pairs': 0,
};

describe('an export during constant writes', () => {
  it.each([
    ['one reader', ['-p', '1', '--n_jobs', '1']],
    ['several tables at a time', ['-p', '1', '--n_jobs', '4']],
    ['several readers in each table', ['-p', '3', '--n_jobs', '2', '--large_table_threshold', '1']],
    [
      'small row groups, so that reading takes longer',
      ['-p', '2', '--large_table_threshold', '1', '--row_group_rows', '500'],
    ],
  ])('all tables are from one snapshot (%s)', async (_, args) => {
    const stop = startWriter();
    const run = await runExportHere(server, { args }).finally(async () => {
      expect(await stop()).toBeGreaterThan(10);
    });
    try {
      expect(run.cli.code).toBe(0);
      expect(run.result.consistency).toBe('run');
      expect(await invariants((table) => run.files(table))).toEqual(TRUE_AT_ANY_MOMENT);
    } finally {
      await run.remove();
    }
  });

  it('result and manifest say if a single snapshot was not possible', async () => {
    const run = await runExportHere(server, { args: ['--consistency', 'none'] });
    try {
      expect(run.cli.code).toBe(0);
      expect(run.result.consistency).toBe('none');
      expect(await run.manifest('accounts')).toMatchObject({ consistency: 'none' });
    } finally {
      await run.remove();
    }
  });
});
