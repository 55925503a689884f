import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, runCli, type RunningCli, startCli, writeAuthFile } from '../../harness/cli.js';
import { runExportHere } from '../../harness/export-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { hasPgBouncer, type PgBouncer, startPgBouncer } from '../../servers/pgbouncer.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/** Behind a pooler the next statement may be in another session of the server, which other programs have used before. */

const TABLES = 20;
const ROWS = 50;

/** What other programs set for themselves in sessions that they share with ours. */
const OTHERS = [
  `SET search_path = app; SET intervalstyle = 'postgres'; SET row_security = on; SET datestyle = 'German'`,
  `SET timezone = 'Asia/Kathmandu'; SET extra_float_digits = -3; SET bytea_output = 'escape'; SET row_security = on`,
  `SET intervalstyle = 'postgres_verbose'; SET statement_timeout = 60000; SET default_transaction_isolation = serializable`,
];

let server: PostgresServer;
let scratch: ScratchDirectory;

beforeAll(async () => {
  if (!hasPgBouncer) return;
  server = await startPostgres();
  await server.query(`
    CREATE SCHEMA app; CREATE SCHEMA s;
    CREATE ROLE owner NOLOGIN; CREATE ROLE reader LOGIN PASSWORD '${server.password}';
    DO $$ BEGIN FOR n IN 1..${TABLES} LOOP EXECUTE format($f$
      CREATE TABLE s.t%s AS SELECT i AS id, make_interval(days => i, hours => 1) AS span, 0.1::float4 + i AS f,
        timestamptz '2024-01-02 03:04:05Z' AS moment, '\\xdeadbeef'::bytea AS b FROM generate_series(1, ${ROWS}) i $f$, n);
    END LOOP; END $$;
    CREATE TABLE s.big AS SELECT i AS id, make_interval(days => 1, hours => 1) AS span FROM generate_series(1, 200000) i;
    CREATE VIEW s.slow AS SELECT 1 AS id FROM pg_catalog.pg_sleep(300);
    CREATE VIEW s.fast AS SELECT generate_series(1, 1000000000) AS id, repeat('x', 1000) AS text;
    CREATE SCHEMA hidden; CREATE TABLE hidden.h AS SELECT i AS id FROM generate_series(1, 1000) i;
    ALTER TABLE hidden.h ENABLE ROW LEVEL SECURITY;
    CREATE POLICY half ON hidden.h USING (id % 2 = 0);
    GRANT USAGE ON SCHEMA hidden TO reader; GRANT SELECT ON hidden.h TO reader; ANALYZE;`);
});
afterAll(() => server.stop());
beforeEach(() => (scratch = new ScratchDirectory()));
afterEach(() => scratch.remove());

/** Other clients of the pooler, each with settings of its own, at work until they are told to stop. */
async function startOthers(pooled: PostgresServer, count: number, user = 'postgres'): Promise<() => Promise<void>> {
  let stopped = false;
  const clients = await Promise.all(Array.from({ length: count }, () => pooled.connect({ user })));
  const work = async (client: pg.Client, index: number) => {
    // Without the pooler there is no work.
    client.once('end', () => (stopped = true));
    while (!stopped) {
      await client.query(`${OTHERS[index % OTHERS.length]}; SELECT pg_sleep(0.005)`).catch(() => undefined);
    }
    await client.end();
  };
  const working = clients.map(work);
  return async () => {
    stopped = true;
    await Promise.all(working);
  };
}

/** Every row as it must be, whoever else sets what. */
async function expectExact(files: (name: string) => Promise<string[]>): Promise<void> {
  const read = async (names: string[]) =>
    `read_parquet([${(await Promise.all(names.map(files))).flat().map(quote).join(', ')}])`;
  const names = Array.from({ length: TABLES }, (_, i) => `t${i + 1}`);
  const small = await queryDuckDb(`
    SELECT count(*)::INT AS rows, count(*) FILTER (span = 'P' || id || 'DT1H')::INT AS spans,
           count(*) FILTER (f = 0.1::FLOAT::DOUBLE + id)::INT AS floats, count(*) FILTER (hex(b) = 'DEADBEEF')::INT AS bytes,
           count(DISTINCT moment)::INT AS times
    FROM ${await read(names)}`);
  const all = TABLES * ROWS;
  expect(small).toEqual([{ rows: all, spans: all, floats: all, bytes: all, times: 1 }]);
  const big = await queryDuckDb(`
    SELECT count(DISTINCT id)::INT AS ids, count(*) FILTER (span = 'P1DT1H')::INT AS spans FROM ${await read(['big'])}`);
  expect(big).toEqual([{ ids: 200_000, spans: 200_000 }]);
}

/** The settings of every server session of the pool, as a new client finds them. */
async function poolState(pooled: PostgresServer, sessions: number): Promise<Set<string>> {
  const clients = await Promise.all(Array.from({ length: sessions }, () => pooled.connect()));
  const states = await Promise.all(
    clients.map(async (client) => {
      // A transaction each, so that each is in a session of its own.
      await client.query('BEGIN');
      const { rows } = await client.query<{ state: string }>(`
        SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) || ' user=' || current_user || ' locks=' ||
          (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') || ' prepared=' ||
          (SELECT count(*) FROM pg_prepared_statements) || ' temp=' ||
          (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS state
        FROM pg_settings WHERE source = 'session' AND name NOT LIKE 'transaction%' AND name <> 'application_name'`);
      return rows[0]!.state;
    }),
  );
  await Promise.all(clients.map((client) => client.end()));
  return new Set(states);
}

/** Waits until so many views are being read. */
async function untilReading(count: number, why: () => string = () => ''): Promise<void> {
  const sql = `SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ~ 'COPY .*(slow|fast)' AND state = 'active'`;
  for (let waited = 0; (await server.query(sql)).length !== count; waited += 100) {
    if (waited > 60_000) throw new Error(`${count} views are not being read: ${why()}`);
    await sleep(100);
  }
}

/** An export of both views, which would never end by itself. */
async function startEndless(from: PostgresServer, options: Readonly<Record<string, string>>): Promise<RunningCli> {
  const directory = path.join(scratch.path, String(from.port));
  await mkdir(directory);
  const auth = await writeAuthFile(directory, { ds_pg: postgresEntry(from, { options }) });
  const views = ['--include_views', '-i', 's.slow,s.fast', '-p', '1', '--n_jobs', '2'];
  const target = ['--output_dir', path.join(directory, 'out')];
  return startCli(['-a', auth, '--source_db_auth_id', 'ds_pg', ...target, ...views]);
}

describe.skipIf(!hasPgBouncer)('behind a pooler in', () => {
  describe.each(['session', 'transaction'] as const)('%s mode', (mode) => {
    let pooler: PgBouncer;
    beforeAll(async () => {
      pooler = await startPgBouncer(server, { mode, poolSize: 12, users: ['reader'] });
    });
    afterAll(() => pooler[Symbol.asyncDispose]());

    const args = ['--source_schema_name', 's', '-p', '2', '--n_jobs', '3', '--large_table_threshold', '1000'];

    it.each(['run', 'none'])('all is exact beside others that set what they like (--consistency %s)', async (level) => {
      const stop = await startOthers(pooler.server, mode === 'session' ? 4 : 12);
      await using run = await runExportHere(pooler.server, { args: [...args, '--consistency', level] }).finally(stop);
      expect(run.cli).toMatchObject({ code: 0 });
      expect(run.result).toMatchObject({ consistency: level, totals: { completed: TABLES + 1 } });
      await expectExact((name) => run.files(name, 's'));
    });

    it('a read that is given up ends in the server too', async () => {
      // The server has no other way to notice.
      const running = await startEndless(pooler.server, { client_connection_check_interval: '0' });
      await untilReading(2, () => running.stderr());
      running.kill('SIGINT');
      expect(await running.result).toMatchObject({ code: 130, signal: null });
      await untilReading(0);
    });

    it('a wait for a lock that is given up ends in the server too', async () => {
      const owner = await server.connect();
      const waiting = () => server.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
      try {
        await owner.query('BEGIN; LOCK TABLE s.t1');
        const auth = await writeAuthFile(scratch.path, { ds_pg: postgresEntry(pooler.server) });
        const target = ['--output_dir', path.join(scratch.path, 'out'), '-i', 's.t1', '--lock_timeout', '10m'];
        const running = startCli(['-a', auth, '--source_db_auth_id', 'ds_pg', ...target]);
        await expect.poll(waiting, { timeout: 60_000 }).toHaveLength(1);
        running.kill('SIGINT');
        expect(await running.result).toMatchObject({ code: 130, signal: null });
        await expect.poll(waiting, { timeout: 60_000 }).toHaveLength(0);
      } finally {
        await owner.end();
      }
    });

    it('no row is hidden by a policy without a word', async () => {
      const stop = await startOthers(pooler.server, mode === 'session' ? 4 : 12, 'reader');
      const reader = { ...pooler.server, user: 'reader' };
      try {
        for (const level of ['run', 'none']) {
          const args = ['--source_schema_name', 'hidden', '--consistency', level];
          await using run = await runExportHere(reader, { args });
          expect(run.table('h', 'hidden')).toMatchObject({ state: 'failed', error: { code: 'TABLE_ROW_SECURITY' } });
        }
      } finally {
        await stop();
      }
    });
  });

  it('any mode, and in front of none, the server notices that the program was killed', async () => {
    await using pooler = await startPgBouncer(server, { mode: 'transaction' });
    const running = await Promise.all([server, pooler.server].map((from) => startEndless(from, {})));
    await untilReading(4, () => running.map((one) => one.stderr()).join(''));
    for (const one of running) one.kill('SIGKILL');
    await untilReading(0);
  });

  it('transaction mode nothing is left behind, by plan, check, an export, and a run log', async () => {
    await server.query('CREATE DATABASE log');
    await using pooler = await startPgBouncer(server, { mode: 'transaction', poolSize: 6 });
    const auth = await writeAuthFile(scratch.path, {
      ds_pg: postgresEntry(pooler.server, { options: { search_path: 'app', work_mem: '8MB' } }),
      log_pg: postgresEntry(pooler.server, { database: 'log' }),
    });
    const before = await poolState(pooler.server, 6);
    const source = ['-a', auth, '--source_db_auth_id', 'ds_pg'];
    const target = [
      '--output_dir',
      path.join(scratch.path, 'out'),
      '--source_schema_name',
      's',
      '-p',
      '2',
      '--n_jobs',
      '2',
    ];
    for (const args of [
      ['check', '-a', auth, 'ds_pg'],
      ['plan', ...source, ...target],
      [...source, ...target, '--log_db_auth_id', 'log_pg'],
      ['runs', '-a', auth, '--log_db_auth_id', 'log_pg'],
    ]) {
      const { code, stderr } = await runCli(args);
      expect(stderr).not.toContain('ERROR');
      expect(code).toBe(0);
    }
    expect(await poolState(pooler.server, 6)).toEqual(before);
    const logged = await pooler.server.connect({ database: 'log' });
    expect((await logged.query('SELECT status FROM runs')).rows).toEqual([{ status: 'completed' }]);
    await logged.end();
  });

  it('statement mode is refused with what helps', async () => {
    await using pooler = await startPgBouncer(server, { mode: 'statement' });
    for (const level of ['run', 'none']) {
      await using run = await runExportHere(pooler.server, {
        args: ['--source_schema_name', 's', '--consistency', level],
      });
      expect(run.cli.code).toBe(4);
      expect(run.result.error).toMatchObject({ code: 'SOURCE_POOLER_MODE' });
      expect(run.result.error?.hint).toContain('pool_mode = transaction');
    }
  });

  it('a pool that is too small for all readers is told, and the run goes on with fewer', async () => {
    await using pooler = await startPgBouncer(server, { mode: 'transaction', poolSize: 2 });
    const auth = await writeAuthFile(scratch.path, { ds_pg: postgresEntry(pooler.server, { connect_timeout: 1 }) });
    const target = ['--output_dir', path.join(scratch.path, 'out'), '-i', 's.t1,s.t2,s.t3', '-p', '1', '--n_jobs', '2'];
    const run = await runCli(['-a', auth, '--source_db_auth_id', 'ds_pg', ...target, '--json']);
    expect(run.stderr).toContain('accepted the connection but has not answered');
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ consistency: 'run', totals: { completed: 3 } });
  });
});
