import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { saySkipped } from '../../harness/skipped.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { type PostgresServer, postgresVersions, startPostgres } from '../../servers/postgres.js';

/** Syncs by the transactions that wrote rows. */

/** Only it comes with `pg_resetwal`. */
const hasDebian = postgresVersions().includes(15);
if (!hasDebian) saySkipped('transactions beyond 2^32', 'PostgreSQL 15 of Debian is not installed');

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ settings: { max_prepared_transactions: 5 } });
});
afterAll(() => server.stop());

async function lakeOf(schema: string, columns: string): Promise<SyncedLake> {
  await server.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t ${columns}`);
  return SyncedLake.of(server, schema, ['--incremental_table', 't:xmin']);
}

describe('a table that is synced by xmin', () => {
  it('gets rows of transactions that begin before a sync and end after it, subtransactions and prepared ones too', async () => {
    const lake = await lakeOf('x1', '(id int PRIMARY KEY, v int)');
    await server.query('INSERT INTO x1.t VALUES (1, 0), (2, 0)');
    const [early, nested, rolledBack] = await Promise.all([server.connect(), server.connect(), server.connect()]);
    try {
      await early.query('BEGIN; INSERT INTO x1.t VALUES (10, 0)');
      await nested.query(
        'BEGIN; SAVEPOINT a; INSERT INTO x1.t VALUES (11, 0); SAVEPOINT b; INSERT INTO x1.t VALUES (12, 0); RELEASE b',
      );
      await nested.query(
        'INSERT INTO x1.t VALUES (13, 0); SAVEPOINT c; INSERT INTO x1.t VALUES (14, 0); ROLLBACK TO c',
      );
      await rolledBack.query('BEGIN; INSERT INTO x1.t VALUES (15, 0)');
      await server.query(`BEGIN; INSERT INTO x1.t VALUES (16, 0); PREPARE TRANSACTION 'p'`);
      // Committed between those that are open.
      await server.query('INSERT INTO x1.t VALUES (3, 0)');
      expect(await lake.syncOne()).toMatchObject({ rows: 3, sync: { number: 1, kind: 'full' } });
      await server.query('INSERT INTO x1.t VALUES (4, 0)');
      expect(await lake.syncOne()).toMatchObject({ rows: 1, sync: { kind: 'increment' } });
      await early.query('COMMIT');
      await server.query('UPDATE x1.t SET v = 1 WHERE id = 2');
      expect(await lake.syncOne()).toMatchObject({ rows: 2 });
      await nested.query('COMMIT');
      await rolledBack.query('ROLLBACK');
      await server.query(`COMMIT PREPARED 'p'`);
      expect(await lake.syncOne()).toMatchObject({ rows: 4 });
      expect(await lake.syncOne()).toMatchObject({ rows: 0, files: 0 });
    } finally {
      await Promise.all([early.end(), nested.end(), rolledBack.end()]);
    }
    expect(await lake.numbers('t')).toEqual([1, 2, 2, 3, 4, 10, 11, 12, 13, 16]);
  });

  it('does not depend on what rows say of the time, on VACUUM, or on how the table is rewritten', async () => {
    const lake = await lakeOf('x2', '(id int, at timestamptz DEFAULT now())');
    await server.query('INSERT INTO x2.t SELECT generate_series(1, 5)');
    await lake.sync();
    await server.query(`INSERT INTO x2.t VALUES (6, '1990-01-01'), (7, '2090-01-01')`);
    await server.query('VACUUM FREEZE x2.t');
    expect(await lake.syncOne()).toMatchObject({ rows: 2 });
    await server.query('VACUUM FULL x2.t');
    expect(await lake.syncOne()).toMatchObject({ rows: 0 });
    // Rows of other transactions as before, in another order.
    await server.query('CREATE INDEX i ON x2.t (at); CLUSTER x2.t USING i');
    expect(await lake.syncOne()).toMatchObject({ rows: 0 });
    await server.query('SELECT * FROM x2.t FOR UPDATE');
    expect(await lake.syncOne()).toMatchObject({ rows: 0 });
    await server.query(
      'BEGIN; CREATE TABLE x2.copy AS SELECT * FROM x2.t; TRUNCATE x2.t; INSERT INTO x2.t SELECT * FROM x2.copy; DROP TABLE x2.copy; COMMIT',
    );
    expect(await lake.syncOne()).toMatchObject({ rows: 7 });
  });

  it('gets the old rows of a partition that is attached, and of a child', async () => {
    await server.query(`CREATE SCHEMA x3;
      CREATE TABLE x3.t (id int, k int) PARTITION BY LIST (k);
      CREATE TABLE x3.t1 PARTITION OF x3.t FOR VALUES IN (1);
      CREATE TABLE x3.t2 (id int, k int); INSERT INTO x3.t2 VALUES (2, 2), (3, 2); INSERT INTO x3.t VALUES (1, 1)`);
    const lake = await SyncedLake.of(server, 'x3', ['-i', 't', '--incremental_table', 't:xmin']);
    expect(await lake.syncOne()).toMatchObject({ rows: 1 });
    await server.query('ALTER TABLE x3.t ATTACH PARTITION x3.t2 FOR VALUES IN (2)');
    expect(await lake.syncOne()).toMatchObject({ rows: 2 });
    // Moves to the other partition.
    await server.query('UPDATE x3.t SET k = 1 WHERE id = 3');
    expect(await lake.syncOne()).toMatchObject({ rows: 1 });
    expect(await lake.numbers('t')).toEqual([1, 2, 3, 3]);
  });

  it('reads everything where ids cannot be compared, and says why', async () => {
    const lake = await lakeOf('x4', '(id int)');
    await server.query('INSERT INTO x4.t VALUES (1)');
    await lake.sync();
    const edit = (change: (watermark: Record<string, unknown>) => void) => {
      lake.editManifest('t', ({ incremental }) => {
        const watermark = JSON.parse(incremental.watermark ?? '') as Record<string, unknown>;
        change(watermark);
        incremental.watermark = JSON.stringify(watermark);
      });
    };
    const expectFull = async (why: string) => {
      expect(await lake.syncOne()).toMatchObject({
        rows: 1,
        sync: { kind: 'full', full_because: expect.stringContaining(why) as string },
      });
      expect(await lake.numbers('t')).toEqual([1]);
    };
    edit((watermark) => (watermark.system = '1'));
    await expectFull('another server');
    edit((watermark) => (watermark.timeline = 99));
    await expectFull('failed over');
    edit((watermark) => (watermark.xmax = '99999999999'));
    await expectFull('behind');
    // As if a snapshot of 2^31 transactions ago.
    edit((watermark) => Object.assign(watermark, { xmin: '3', xmax: '3' }));
    const next = await lake.syncOne();
    expect(next).toMatchObject({ rows: 1, sync: { kind: 'increment' } });
    edit((watermark) => (watermark.seen = 'x'));
    expect(await lake.syncOne()).toMatchObject({ error: { code: 'CURSOR_VALUE' } });
  });

  it.skipIf(!hasDebian)('compares ids beyond 2^32', async () => {
    const wrapped = await startPostgres({ version: 15 });
    try {
      await wrapped.query('CREATE SCHEMA x5; CREATE TABLE x5.t (id int); INSERT INTO x5.t VALUES (1)');
      await wrapped.restart({ epoch: 3 });
      const lake = await SyncedLake.of(wrapped, 'x5', ['--incremental_table', 't:xmin']);
      expect(await lake.syncOne()).toMatchObject({ rows: 1 });
      for (let i = 0; i < 3; i++) await wrapped.query('INSERT INTO x5.t VALUES (2)');
      expect(await lake.syncOne()).toMatchObject({ rows: 3, sync: { kind: 'increment' } });
      // A snapshot of more than 2^31 transactions ago.
      lake.editManifest('t', ({ incremental }) => {
        const watermark = JSON.parse(incremental.watermark ?? '') as Record<string, unknown>;
        incremental.watermark = JSON.stringify({ ...watermark, xmin: '900', xmax: '900' });
      });
      const because = expect.stringContaining('2^31') as string;
      expect(await lake.syncOne()).toMatchObject({ rows: 4, sync: { kind: 'full', full_because: because } });
    } finally {
      await wrapped.stop();
    }
  });

  it('goes on from a server that has become a standby', async () => {
    const standby = await startPostgres();
    try {
      await standby.query('CREATE SCHEMA x7; CREATE TABLE x7.t (id int); INSERT INTO x7.t VALUES (1)');
      const lake = await SyncedLake.of(standby, 'x7', ['--incremental_table', 't:xmin']);
      expect(await lake.syncOne()).toMatchObject({ rows: 1 });
      await standby.query('INSERT INTO x7.t VALUES (2)');
      await standby.restart({ standby: true });
      expect(await lake.syncOne()).toMatchObject({ rows: 1, sync: { kind: 'increment' } });
      expect(await lake.syncOne()).toMatchObject({ rows: 0 });
    } finally {
      await standby.stop();
    }
  });

  it('is refused for what has no such ids, or no snapshot', async () => {
    await server.query('CREATE SCHEMA x6; CREATE TABLE x6.t (id int); CREATE VIEW x6.v AS TABLE x6.t');
    const lake = await SyncedLake.of(server, 'x6', ['--include_views', '-i', 'v', '--incremental_table', 'v:xmin']);
    expect(await lake.syncOne()).toMatchObject({ error: { code: 'CURSOR_NOT_POSSIBLE' } });
    const other = await SyncedLake.of(server, 'x6', ['--incremental_table', 't:xmin', '--consistency', 'none']);
    expect(await other.syncOne()).toMatchObject({
      error: { code: 'CURSOR_NOT_POSSIBLE', message: expect.stringContaining('snapshot') as string },
    });
  });
});
