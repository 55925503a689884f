import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { ExportOptions } from '../../../src/export/model/options.js';
import { exportOptions, exportTables } from '../../harness/export-tables.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';

const ACCOUNTS = 1_000_000;
const OPENING_BALANCE = 1000;

let server: PostgresServer;
let scratch: ScratchDirectory;
let base: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE accounts AS SELECT i AS id, ${OPENING_BALANCE} AS balance FROM generate_series(1, ${ACCOUNTS}) i;
    ALTER TABLE accounts ADD PRIMARY KEY (id);
    CREATE TABLE ledger (account int, amount int);
    ANALYZE;`);
});
afterAll(() => server.stop());
beforeEach(() => {
  scratch = new ScratchDirectory();
  base = path.join(scratch.path, 'out');
});
afterEach(() => scratch.remove());

/** Changes rows of both tables in single transactions, and moves others to other pages, until it is told to stop. */
async function writeUntil(stopped: () => boolean): Promise<number> {
  const client = await server.connect();
  let transactions = 0;
  while (!stopped()) {
    const from = Math.floor(Math.random() * (ACCOUNTS - 500));
    const amount = Math.floor(Math.random() * 100) - 50;
    await client.query(`
      WITH paid AS (UPDATE accounts SET balance = balance + ${amount}
                    WHERE id BETWEEN ${from} AND ${from + 200} RETURNING id)
      INSERT INTO ledger SELECT id, ${amount} FROM paid`);
    await client.query(`
      WITH moved AS (DELETE FROM accounts WHERE id BETWEEN ${from + 300} AND ${from + 500} RETURNING *)
      INSERT INTO accounts SELECT * FROM moved`);
    transactions += 2;
  }
  await client.end();
  return transactions;
}

/** Accounts in the files, distinct ones, and those whose balance is not what the ledger in the files says. */
async function audit(): Promise<{ rows: number; accounts: number; wrong: number }> {
  const read = (table: string) => `read_parquet(${quote(path.join(base, 'public', table, '*.parquet'))})`;
  const [row] = await queryDuckDb(`
    WITH booked AS (SELECT account, sum(amount) AS amount FROM ${read('ledger')} GROUP BY account)
    SELECT count(*)::int AS rows, count(DISTINCT id)::int AS accounts,
           count(*) FILTER (balance <> ${OPENING_BALANCE} + coalesce(amount, 0))::int AS wrong
    FROM ${read('accounts')} LEFT JOIN booked ON account = id`);
  return row as { rows: number; accounts: number; wrong: number };
}

async function exportWhileWriting(options: Partial<ExportOptions>): Promise<number> {
  let done = false;
  const writing = [1, 2].map(() => writeUntil(() => done));
  const result = await exportTables({ server, options: exportOptions(base, { parallel: 2, jobs: 2, ...options }) });
  done = true;
  expect(result.exit).toBeUndefined();
  const transactions = await Promise.all(writing);
  return transactions.reduce((sum, count) => sum + count, 0);
}

describe('an export beside writers', () => {
  it('all readers see all tables in one snapshot', async () => {
    const transactions = await exportWhileWriting({});
    expect(transactions).toBeGreaterThan(10);
    expect(await audit()).toEqual({ rows: ACCOUNTS, accounts: ACCOUNTS, wrong: 0 });
  });

  it('without a snapshot, the same check finds a mixture', async () => {
    // So that the tables are read one after the other, with writing in between.
    await exportWhileWriting({ consistency: 'none', jobs: 1, parallel: 1 });
    const { wrong, rows, accounts } = await audit();
    expect(wrong > 0 || rows !== ACCOUNTS || accounts !== ACCOUNTS).toBe(true);
  });
});
