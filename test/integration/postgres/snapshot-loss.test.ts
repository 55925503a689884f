import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { RunObserver } from '../../../src/export/model/observer.js';
import type { ExportOptions } from '../../../src/export/model/options.js';
import { exportOptions, exportTables } from '../../harness/export-tables.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { fileSums, serverSums } from '../../harness/table-sums.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';

/**
 * The session that holds the snapshot and the locks ends, while a reader lives on in its own transaction: its view of the
 * rows is as before, but what a TRUNCATE has removed since is missing from it without a word.
 */

let server: PostgresServer;
let gate: TcpGate;
let scratch: ScratchDirectory;
let out: string;
let messages: string[];

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  gate = await startTcpGate(server);
});
afterAll(async () => {
  await gate.stop();
  await server.stop();
});
beforeEach(async () => {
  scratch = new ScratchDirectory();
  out = path.join(scratch.path, 'out');
  messages = [];
  // The view is read first, as nobody knows its size, and long enough for something to happen meanwhile.
  await server.query(`
    DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s;
    CREATE VIEW s.a AS SELECT i::bigint, md5(i::text) || pg_sleep(0.01) AS t FROM generate_series(1, 150) i;
    CREATE TABLE s.b AS SELECT i::bigint, md5(i::text) AS t FROM generate_series(1, 1000) i; ANALYZE s.b;`);
});
afterEach(() => scratch.remove());

/** What another program does as soon as nobody holds a lock on the table: the whole of it is new. */
const RELOAD = `BEGIN; TRUNCATE s.b; INSERT INTO s.b SELECT i, 'new' FROM generate_series(1, 2000) i; COMMIT`;

/** Ends the session that holds the locks: no reader has been on this table yet. */
const TERMINATE = `
  SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 's.b'::regclass AND mode = 'AccessShareLock'`;

/** Exports with one reader. @param onFirst is done while the first table is being read */
async function run(onFirst: () => Promise<unknown>, options: Partial<ExportOptions> = {}) {
  let doing: Promise<unknown> | undefined;
  const observer: RunObserver = {
    message: (level, text) => void messages.push(`${level}: ${text}`),
    // The reader is in its transaction when the view's function is at work.
    sliceStarted: () => {
      doing ??= whenReading().then(onFirst);
    },
  };
  const all = exportOptions(out, {
    schemaPatterns: ['s'],
    optIns: ['views'],
    jobs: 1,
    parallel: 1,
    consistency: 'auto',
    ...options,
  });
  const result = await exportTables({
    server: { ...server, host: gate.host, port: gate.port },
    observer,
    options: all,
  });
  await doing;
  return result;
}

async function whenReading(): Promise<void> {
  const reading = `SELECT FROM pg_stat_activity WHERE query LIKE '%COPY (%' AND pid <> pg_backend_pid() AND state = 'active'`;
  await expect.poll(() => server.query(reading), { timeout: 20_000 }).toHaveLength(1);
}

describe.each<[string, () => Promise<unknown>]>([
  ['is terminated', () => server.query(TERMINATE)],
  [
    'is cut off without a word',
    () => {
      gate.loseOldest();
      return Promise.resolve();
    },
  ],
])('where the session that holds snapshot and locks %s', (how, end) => {
  it('nothing counts that was read without the locks', async () => {
    const result = await run(async () => {
      await end();
      await server.query(RELOAD);
    });
    expect(result).toMatchObject({ exit: undefined, consistency: 'table', rows: 150 + 2000 });
    expect(await fileSums(path.join(out, 's', 'b'))).toEqual(await serverSums(server, 's.b'));
    const reason = how === 'is terminated' ? 'terminating connection due to administrator command' : 'not answered';
    expect(messages.join('\n')).toContain(`The connection that held the snapshot was lost (`);
    expect(messages.join('\n')).toContain(reason);
  });
});

it('with --consistency run the tables fail that are not read, and say why', async () => {
  const result = await run(
    async () => {
      await server.query(TERMINATE);
      await server.query(RELOAD);
    },
    { consistency: 'run' },
  );
  expect(result.tables.map(({ state, rows, error }) => [state, rows, error?.code])).toEqual([
    ['failed', 0, 'SNAPSHOT_LOST'],
    ['failed', 0, 'SNAPSHOT_LOST'],
  ]);
  expect(result.tables[1]?.error?.message).toContain('terminating connection due to administrator command');
  expect(result.tables[1]?.error?.hint).toContain('pg_terminate_backend');
});

it('without a snapshot a table that is reloaded while a read waits for it is read as it is after that', async () => {
  const writer = await server.connect();
  await server.query('DROP VIEW s.a');
  await writer.query(RELOAD.replace('COMMIT', ''));
  const exporting = exportTables({
    server,
    options: exportOptions(out, { schemaPatterns: ['s'], consistency: 'none' }),
  });
  await expect.poll(() => server.query('SELECT FROM pg_locks WHERE NOT granted'), { timeout: 20_000 }).toHaveLength(1);
  await writer.query('COMMIT');
  await writer.end();
  expect(await exporting).toMatchObject({ exit: undefined, consistency: 'none', rows: 2000 });
});
