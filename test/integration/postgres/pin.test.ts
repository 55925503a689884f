import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LakeportError } from '../../../src/errors.js';
import { connectPostgres, type PostgresSettings } from '../../../src/sources/postgres/connection/connection.js';
import { begin } from '../../../src/sources/postgres/connection/transaction.js';
import { postgresError } from '../../../src/sources/postgres/errors.js';
import type { Snapshot, Source, SourceTable } from '../../../src/sources/source.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { postgresVersions, startPostgres, type PostgresServer } from '../../servers/postgres.js';

const RUN = { consistency: 'run' } as const;
/** For machines that are busy. */
const PATIENT = { timeout: 20_000 };

describe.each(postgresVersions())('PostgreSQL %d', (version) => {
  let server: PostgresServer;
  let source: Source;

  beforeAll(async () => {
    server = await startPostgres({ version });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    // Sessions that a failed test has left would hold their locks.
    await server.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`);
    await server.query(`
      DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP ROLE IF EXISTS reader;
      CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT USAGE ON SCHEMA public TO reader`);
    source = await openPostgres(server, {}, { lockTimeoutMs: 1500 });
    return () => source.close();
  });

  const tables = async (...names: string[]): Promise<SourceTable[]> =>
    Promise.all(names.map((name) => findTable(source, name)));

  /** What a query gives in the exported snapshot, asked on another connection. */
  async function inSnapshot(snapshot: Snapshot, query: string): Promise<unknown> {
    const client = await server.connect();
    await importInto(client, snapshot);
    const { rows } = await client.query<Record<string, unknown>>(query);
    await client.end();
    return Object.values(rows[0]!)[0];
  }

  test('all readers see the database as it was when the tables were locked', async () => {
    await server.query(
      'CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE parted (a int) PARTITION BY LIST (a); CREATE TABLE leaf PARTITION OF parted DEFAULT',
    );
    const before = Date.now();
    const { snapshot, problems } = await source.pin(await tables('t', 'parted'), RUN);
    expect(problems).toEqual([]);
    expect(snapshot.consistency).toBe('run');
    expect(snapshot.id).toMatch(/^\d+:\d+:/);
    expect(snapshot.takenAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Math.abs(Date.parse(snapshot.takenAt) - before)).toBeLessThan(60_000);
    await server.query('INSERT INTO t VALUES (2); INSERT INTO parted VALUES (1)');
    expect(await inSnapshot(snapshot, 'SELECT (SELECT count(*) FROM t) + 10 * (SELECT count(*) FROM parted)')).toBe(
      '1',
    );
    for (const change of ['ALTER TABLE t ADD b int', 'TRUNCATE leaf', 'DROP TABLE parted']) {
      await expect(server.query(`SET lock_timeout = 100; ${change}`)).rejects.toMatchObject({ code: '55P03' });
    }
    await source.close();
    await server.query('DROP TABLE t, parted');
  });

  test('a source that is closed while it waits for a lock waits in the server no longer', async () => {
    await server.query('CREATE TABLE t AS SELECT 1 AS a');
    const holder = await server.connect();
    await holder.query('BEGIN; LOCK TABLE t');
    const patient = await openPostgres(server, {}, { lockTimeoutMs: 60_000 });
    const pinning = patient.pin(await tables('t'), RUN).catch(() => undefined);
    const waiting = async () => {
      const [row] = await server.query('SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted');
      return row?.['n'];
    };
    await expect.poll(waiting, PATIENT).toBe(1);
    await patient.close();
    await pinning;
    await expect.poll(waiting, PATIENT).toBe(0);
    await holder.end();
  });

  test('what changes while it waits for a lock is in the snapshot, shape and rows alike', async () => {
    await server.query('CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE u AS SELECT 1 AS a');
    const listed = await tables('u', 't');
    await source.close();
    source = await openPostgres(server);
    const writer = await server.connect();
    await writer.query('BEGIN; ALTER TABLE t ADD COLUMN b int NOT NULL DEFAULT 7');
    const pinning = source.pin(listed, RUN);
    await expect.poll(() => server.query(`SELECT FROM pg_locks WHERE NOT granted`), PATIENT).toHaveLength(1);
    await writer.query('INSERT INTO u VALUES (2); COMMIT');
    const { snapshot, problems } = await pinning;
    expect(problems).toEqual([]);
    expect(await inSnapshot(snapshot, 'SELECT count(*) FROM u')).toBe('2');
    expect((await describeTable(source, listed[1]!)).map(({ spec }) => spec.name)).toEqual(['a', 'b']);
    expect(await inSnapshot(snapshot, 'SELECT b FROM t')).toBe(7);
    await writer.end();
  });

  test('locked tables fail by themselves, in one lock timeout, with the name of who holds them', async () => {
    await server.query(`
      CREATE TABLE a (i int); CREATE TABLE b (i int); CREATE TABLE c (i int); CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
      CREATE TABLE parted (a int) PARTITION BY LIST (a); CREATE TABLE leaf PARTITION OF parted DEFAULT`);
    const listed = await tables('a', 'b', 'c', 'parted');
    const holder = await server.connect({ application_name: 'the holder' });
    await holder.query('BEGIN; LOCK TABLE a; LOCK TABLE b; LOCK TABLE leaf');
    const start = performance.now();
    const { snapshot, problems } = await source.pin(listed, RUN);
    expect(performance.now() - start).toBeLessThan(4000);
    expect(problems.map(({ id, error }) => [id.name, error.code])).toEqual([
      ['a', 'TABLE_LOCKED'],
      ['b', 'TABLE_LOCKED'],
      ['parted', 'TABLE_LOCKED'],
    ]);
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    for (const { error } of problems) {
      expect(error.message).toContain(
        `process ${rows[0]!.pid} (user postgres, application the holder, idle in transaction`,
      );
      expect(error.message).toContain('holds an exclusive lock');
    }
    expect(await inSnapshot(snapshot, 'SELECT count(*) FROM c')).toBe('0');
    // REFRESH takes such a lock on what LOCK TABLE does not take.
    await holder.query('COMMIT; BEGIN; REFRESH MATERIALIZED VIEW m');
    const second = await source.pin(await tables('m'), RUN);
    expect(second.problems.map(({ error }) => error.code)).toEqual(['TABLE_LOCKED']);
    await holder.end();
  });

  test('tables that may not be read or are gone fail by themselves among many', async () => {
    const count = 450;
    await server.query(`DO $$ BEGIN FOR i IN 1..${count} LOOP
      EXECUTE format('CREATE TABLE t%s (a int)', i); EXECUTE format('GRANT SELECT ON t%s TO reader', i); END LOOP; END $$`);
    await server.query('REVOKE SELECT ON t77, t400 FROM reader');
    await source.close();
    source = await openPostgres(server, { username: 'reader', password: 'reader' });
    const listed = await source.listTables();
    await server.query('DROP TABLE t123');
    const { problems, snapshot } = await source.pin(listed, RUN);
    expect(problems.map(({ id, error }) => [id.name, error.code]).sort()).toEqual([
      ['t123', 'TABLE_NOT_FOUND'],
      ['t400', 'TABLE_PERMISSION_DENIED'],
      ['t77', 'TABLE_PERMISSION_DENIED'],
    ]);
    expect(problems.find(({ id }) => id.name === 't77')!.error.hint).toContain('GRANT SELECT ON "public"."t77"');
    const held = await server.query(`
      SELECT count(*)::int AS n FROM pg_locks JOIN pg_class c ON c.oid = relation
      WHERE relname ~ '^t\\d+$' AND mode = 'AccessShareLock' AND granted`);
    expect(held).toEqual([{ n: count - 3 }]);
    expect(await inSnapshot(snapshot, 'SELECT count(*) FROM t1')).toBe('0');
  });

  test('tables of which only columns may be read are held and exported, where it is all of them', async () => {
    await server.query(`
      CREATE TABLE t AS SELECT 1 AS a, 2 AS "B b"; GRANT SELECT (a, "B b") ON t TO reader;
      CREATE TABLE parted (a int) PARTITION BY LIST (a); CREATE TABLE leaf PARTITION OF parted DEFAULT;
      INSERT INTO parted VALUES (1); GRANT SELECT (a) ON parted TO reader;
      CREATE VIEW v AS SELECT * FROM t; GRANT SELECT (a, "B b") ON v TO reader;
      CREATE TABLE partly (a int, b int, c int); GRANT SELECT (a) ON partly TO reader;
      CREATE TABLE whole (a int); GRANT SELECT ON whole TO reader; CREATE TABLE closed (a int)`);
    await source.close();
    source = await openPostgres(server, { username: 'reader', password: 'reader' });
    const { problems, snapshot } = await source.pin(await source.listTables(), RUN);
    expect(problems.map(({ id, error }) => [id.name, error.code, error.message]).sort()).toEqual([
      ['closed', 'TABLE_PERMISSION_DENIED', expect.stringContaining('permission denied') as string],
      ['partly', 'TABLE_PERMISSION_DENIED', 'Permission denied for columns b, c'],
    ]);
    expect(problems.find(({ id }) => id.name === 'partly')!.error.hint).toContain(
      'GRANT SELECT ("b", "c") ON "public"."partly" TO this user',
    );
    for (const change of ['TRUNCATE t', 'TRUNCATE leaf', 'ALTER TABLE parted ADD x int', 'DROP VIEW v']) {
      await expect(server.query(`SET lock_timeout = 100; ${change}`)).rejects.toMatchObject({ code: '55P03' });
    }
    const table = await findTable(source, 't');
    const slices = await source.slice(table, await describeTable(source, table), {
      degree: 2,
      largeTableThreshold: 0,
      override: { degree: 2 },
    });
    const reader = await server.connect({ user: 'reader', password: 'reader' });
    await importInto(reader, snapshot);
    expect((await reader.query(slices[0]!.query)).rows).toEqual([{ a: 1, 'B b': 2 }]);
    expect(slices).toHaveLength(1);
    await reader.end();
  });

  test('a table of which only columns may be read is not emptied between the snapshot and its lock', async () => {
    await server.query(`
      CREATE TABLE t AS SELECT 1 AS a; GRANT SELECT (a) ON t TO reader;
      CREATE TABLE other AS SELECT 1 AS a; GRANT SELECT ON other TO reader`);
    await source.close();
    source = await openPostgres(server, { username: 'reader', password: 'reader' });
    const listed = await source.listTables();
    const holder = await server.connect();
    await holder.query('BEGIN; TRUNCATE t; INSERT INTO t VALUES (7), (8)');
    const pinning = source.pin(listed, RUN);
    await expect.poll(() => server.query(`SELECT FROM pg_locks WHERE NOT granted`), PATIENT).toHaveLength(1);
    await holder.query('COMMIT');
    await holder.end();
    const { problems, snapshot } = await pinning;
    expect(problems).toEqual([]);
    expect(await inSnapshot(snapshot, 'SELECT sum(a) FROM t')).toBe('15');
  });

  test('views, materialized views and foreign tables are held as well', async () => {
    await server.query(`
      DROP EXTENSION IF EXISTS file_fdw CASCADE; CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE f (a text) SERVER files OPTIONS (filename '/dev/null');
      CREATE TABLE base AS SELECT 1 AS a; CREATE VIEW v AS SELECT * FROM base; CREATE MATERIALIZED VIEW m AS SELECT * FROM base`);
    expect((await source.pin(await tables('f', 'v', 'm'), RUN)).problems).toEqual([]);
    for (const change of [
      'DROP TABLE base CASCADE',
      'REFRESH MATERIALIZED VIEW m',
      'DROP FOREIGN TABLE f',
      'DROP VIEW v',
    ]) {
      await expect(server.query(`SET lock_timeout = 100; ${change}`)).rejects.toMatchObject({ code: '55P03' });
    }
  });

  test('a question that fails leaves the snapshot as it was', async () => {
    await server.query('CREATE TABLE t (a int)');
    const [table] = await tables('t');
    const { snapshot } = await source.pin([table!], RUN);
    const options = { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' } as const;
    // A name that no PostgreSQL can hold makes the statement fail.
    const impossible = { ...table!, id: { schema: 'public', name: 'nul \0' } };
    const asked = await Promise.allSettled([
      source.describe([table!], options),
      source.describe([impossible], options),
      source.freeConnections(),
      source.describe([table!], options),
    ]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(await inSnapshot(snapshot, 'SELECT count(*) FROM t')).toBe('0');
  });

  test('a reader behind a change that waits for the run gives up in time, for the change would wait for ever', async () => {
    await server.query('CREATE TABLE t (a int)');
    const { snapshot } = await source.pin(await tables('t'), RUN);
    const owner = await server.connect();
    const change = owner.query('ALTER TABLE t ADD b int');
    await expect.poll(() => server.query('SELECT FROM pg_locks WHERE NOT granted'), PATIENT).toHaveLength(1);
    const settings = source.readerSettings().connection as PostgresSettings;
    const reader = await connectPostgres(settings);
    await begin(reader, settings, { mode: 'snapshot', snapshot: snapshot.token });
    const failure = postgresError(await reader.query('SELECT FROM t').catch((thrown: unknown) => thrown));
    expect(failure).toMatchObject({ code: 'TABLE_LOCKED', transient: true });
    await reader.end();
    await source.close();
    await change;
    await owner.end();
  });

  test('without consistency nothing is locked and there is no snapshot', async () => {
    await server.query('CREATE TABLE t (a int)');
    const { snapshot, problems } = await source.pin(await tables('t'), { consistency: 'none' });
    expect(problems).toEqual([]);
    expect(snapshot).toMatchObject({ consistency: 'none', token: undefined, id: undefined });
    await server.query('ALTER TABLE t ADD b int');
  });

  test('free connections are what the least of all limits leaves', async () => {
    await server.query(`ALTER ROLE reader CONNECTION LIMIT 5`);
    const limited = await openPostgres(server, { username: 'reader', password: 'reader' });
    expect(await limited.freeConnections()).toBe(4);
    const free = await source.freeConnections();
    expect(free).toBe(50 - 3 - 2);
    await limited.close();
  });

  test('a hot standby exports a snapshot too', async () => {
    await server.query('CREATE TABLE t AS SELECT 1 AS a');
    await source.close();
    await server.restart({ standby: true });
    try {
      source = await openPostgres(server);
      const { snapshot, problems } = await source.pin(await tables('t'), RUN);
      expect(problems).toEqual([]);
      expect(await inSnapshot(snapshot, 'SELECT count(*) FROM t')).toBe('1');
    } finally {
      await source.close();
      await server.restart();
    }
  });
});

async function importInto(client: pg.Client, { token }: Snapshot): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '${token}'`);
}

test('a server without room for the locks says which setting to raise', async () => {
  const server = await startPostgres({
    settings: { max_connections: 5, max_locks_per_transaction: 10, max_wal_senders: 0 },
  });
  await server.query(
    `DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE TABLE t%s ()', i); COMMIT; END LOOP; END $$`,
  );
  const source = await openPostgres(server);
  const listed = await source.listTables();
  const error = LakeportError.from(await source.pin(listed, RUN).catch((thrown: unknown) => thrown));
  expect(error.code).toBe('SOURCE_OUT_OF_MEMORY');
  expect(error.message).toMatch(/^The server cannot lock 3,0\d\d tables at once: its lock table is full/);
  expect(error.hint).toMatch(/max_locks_per_transaction of the server to [67]\d\d or more .*--consistency none/);
  // The planner's session is usable after that, with fewer tables.
  expect((await source.pin(listed.slice(0, 10), RUN)).problems).toEqual([]);
  await source.close();
  await server.stop();
});
