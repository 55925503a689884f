import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { keepSnapshot } from '../../../src/engines.js';
import { ALL_COLUMNS } from '../../../src/sources/column-choice.js';
import type { SnapshotKeeper, Snapshot, Source } from '../../../src/sources/source.js';
import { exporterOf } from '../../../src/sources/postgres/locking/held-locks.js';
import { failure } from '../../harness/failure.js';
import { findTable, openPostgres } from '../../harness/postgres-source.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** A session that holds the snapshot of another one, and a third one that takes it over from there. */

let server: PostgresServer;

const READER = { username: 'reader', password: 'secret' };
const NAMES = ['plain', 'parent', 'shown', 'some_columns', 'matview', 'Odd "name"'];

beforeAll(async () => {
  server = await startPostgres({ settings: { max_locks_per_transaction: 10, max_connections: 40 } });
  await server.query(`
    CREATE ROLE reader LOGIN PASSWORD 'secret';
    CREATE TABLE plain AS SELECT 1 AS i;
    CREATE TABLE "Odd ""name""" AS SELECT 1 AS i;
    CREATE TABLE parent (i int) PARTITION BY RANGE (i);
    CREATE TABLE member PARTITION OF parent FOR VALUES FROM (0) TO (9);
    CREATE TABLE base AS SELECT 1 AS i;
    CREATE VIEW shown AS SELECT i FROM base;
    CREATE TABLE some_columns AS SELECT 1 AS i, 2 AS hidden;
    CREATE MATERIALIZED VIEW matview AS SELECT 1 AS i;
    GRANT SELECT ON plain, "Odd ""name""", parent, shown, matview TO reader;
    GRANT SELECT (i) ON some_columns TO reader;
  `);
});

afterAll(() => server.stop());

async function pin(source: Source, earlier?: readonly Snapshot[], names = NAMES): Promise<Snapshot> {
  const tables = await Promise.all(names.map((name) => findTable(source, name)));
  const columnChoice = { ...ALL_COLUMNS, skipsUnreadable: true };
  const { snapshot, problems } = await source.pin(tables, { consistency: 'run', columnChoice, earlier });
  expect(problems).toEqual([]);
  return snapshot;
}

async function keep(source: Source, snapshot: Snapshot): Promise<SnapshotKeeper> {
  const keeper = await keepSnapshot(source.readerSettings(), snapshot);
  if (keeper === undefined) throw new Error('PostgreSQL keeps no snapshot');
  return keeper;
}

/** What another session gets that must not wait. */
function truncate(table: string): Promise<unknown> {
  return server.query(`SET lock_timeout = '100ms'; TRUNCATE ${table}`);
}

it('holds all locks of the session, with the least grants, and hands on its snapshot when that has ended', async () => {
  const first = await openPostgres(server, READER);
  const snapshot = await pin(first);
  const keeper = await keep(first, snapshot);
  expect(keeper.snapshot).toMatchObject({ moment: snapshot.moment, takenAt: snapshot.takenAt, id: snapshot.id });
  await first.close();
  for (const table of ['plain', '"Odd ""name"""', 'parent', 'member', 'base', 'some_columns']) {
    await expect(truncate(table), table).rejects.toThrow(/lock timeout/);
  }
  await expect(server.query("SET lock_timeout = '100ms'; REFRESH MATERIALIZED VIEW matview")).rejects.toThrow(
    /lock timeout/,
  );
  expect(await keeper.isHeld()).toBe(true);

  await server.query('INSERT INTO plain VALUES (2)');
  const second = await openPostgres(server, READER);
  const gone = { ...snapshot, token: '00000003-FFFFFFFF-1' };
  const taken = await pin(second, [gone, snapshot, keeper.snapshot]);
  expect(taken).toEqual({ ...snapshot, token: taken.token });
  expect(taken.token).not.toBe(keeper.snapshot.token);
  await keeper.close();
  await expect(truncate('plain')).rejects.toThrow(/lock timeout/);
  await second.close();
  // Nobody holds it any more.
  await truncate('plain');
  const third = await openPostgres(server, READER);
  expect((await pin(third, [taken, keeper.snapshot])).moment).not.toBe(snapshot.moment);
  await third.close();
});

it('is not taken over by a session that needs more locks than it has held', async () => {
  const first = await openPostgres(server, READER);
  const snapshot = await pin(first, undefined, ['plain']);
  const keeper = await keep(first, snapshot);
  await first.close();
  const second = await openPostgres(server, READER);
  expect((await pin(second, [keeper.snapshot], ['plain', 'parent'])).moment).not.toBe(snapshot.moment);
  expect((await pin(second, [keeper.snapshot], ['plain'])).moment).toBe(snapshot.moment);
  await second.close();
  await keeper.close();
});

it('waits for nobody, and leaves no session behind', async () => {
  const first = await openPostgres(server, READER);
  const snapshot = await pin(first);
  const other = await server.connect();
  const waiting = other.query('TRUNCATE plain');
  await waitsForLock();
  expect(await failure(keep(first, snapshot))).toMatchObject({ code: 'TABLE_LOCKED' });
  await first.close();
  await waiting;
  await other.end();
  expect((await failure(keep(first, snapshot))).message).toMatch(
    /snapshot "[0-9A-F-]+" does not exist|invalid snapshot identifier/,
  );
  await expect
    .poll(() => server.query(`SELECT FROM pg_stat_activity WHERE usename = 'reader'`), { timeout: 10_000 })
    .toEqual([]);
});

describe('a source whose session has ended', () => {
  let first: Source;
  let snapshot: Snapshot;
  let keeper: SnapshotKeeper;

  beforeEach(async () => {
    first = await openPostgres(server, READER, { lockTimeoutMs: 5_000 });
    snapshot = await pin(first);
    keeper = await keep(first, snapshot);
    const lost = new Promise<void>((resolve) => first.onLost?.(resolve));
    await end(snapshot);
    await lost;
    expect(await first.isPinned?.()).toBe(false);
    await first.reopen?.({ instance: first.server.instance });
  });
  afterEach(async () => {
    await first.close();
    await keeper.close();
    await server.query('DROP TABLE IF EXISTS later');
  });

  /** Ends the session that has exported the snapshot. */
  async function end({ token = '' }: Snapshot): Promise<void> {
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'virtualxid' AND virtualtransaction = '${exporterOf(token)}'`);
  }

  it('holds the same snapshot and all locks again, and notices when that session ends', async () => {
    await server.query('INSERT INTO plain VALUES (3)');
    // What has been added to a table since then is none of it.
    await server.query(
      'CREATE TABLE later (i int); ALTER TABLE parent ATTACH PARTITION later FOR VALUES FROM (10) TO (20)',
    );
    const taken = await first.takeOver?.([{ ...snapshot, token: '00000003-FFFFFFFF-1' }, snapshot, keeper.snapshot]);
    expect(taken).toEqual({ ...snapshot, token: taken?.token });
    expect(await first.isPinned?.()).toBe(true);
    expect(first.loss).toBeUndefined();
    await keeper.close();
    for (const table of ['plain', '"Odd ""name"""', 'parent', 'member', 'base', 'some_columns']) {
      await expect(truncate(table), table).rejects.toThrow(/lock timeout/);
    }
    const lost = new Promise<void>((resolve) => first.onLost?.(resolve));
    await end(taken!);
    await lost;
    expect(await first.isPinned?.()).toBe(false);
    await truncate('plain');
  });

  it('does not hold it where its keepers are gone', async () => {
    await keeper.close();
    expect(await first.takeOver?.([snapshot, keeper.snapshot])).toBeUndefined();
    expect(await first.isPinned?.()).toBe(false);
  });

  it('waits for locks that others wait for, but not for ever', async () => {
    const other = await server.connect();
    const given = expect(other.query("SET lock_timeout = '1s'; TRUNCATE plain")).rejects.toThrow(/lock timeout/);
    await waitsForLock();
    const taken = await first.takeOver?.([keeper.snapshot]);
    expect(taken?.moment).toBe(snapshot.moment);
    await given;

    await end(taken!);
    await expect.poll(() => first.isPinned?.(), { timeout: 10_000 }).toBe(false);
    await first.reopen?.({});
    const waiting = other.query('SET lock_timeout = 0; TRUNCATE plain');
    await waitsForLock();
    expect(await first.takeOver?.([keeper.snapshot])).toBeUndefined();
    await keeper.close();
    await waiting;
    await other.end();
  });
});

async function waitsForLock(): Promise<void> {
  await expect.poll(() => server.query('SELECT FROM pg_locks WHERE NOT granted'), { timeout: 10_000 }).toHaveLength(1);
}

it('takes no more than a quarter of the lock table', async () => {
  await server.query(`DO $$ BEGIN FOR n IN 1..110 LOOP
    EXECUTE format('CREATE TABLE many%s (i int); GRANT SELECT ON many%s TO reader', n, n); END LOOP; END $$`);
  const first = await openPostgres(server, READER);
  const many = Array.from({ length: 110 }, (_, n) => `many${n + 1}`);
  const tables = (await first.listTables()).filter(({ id }) => many.includes(id.name));
  const { snapshot } = await first.pin(tables, { consistency: 'run' });
  expect(await failure(keep(first, snapshot))).toMatchObject({
    code: 'SNAPSHOT_NOT_KEPT',
    message: expect.stringContaining('110 locks') as string,
  });
  await first.close();
});
