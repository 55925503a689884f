import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { SourceKeys } from '../../../src/export/compact/source-keys.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { postgresEntry } from '../../harness/cli.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** All keys of a table, from its source. */

const ROWS = 60_000;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`CREATE TABLE keyed (a bigint, b text, v bigint NOT NULL, filler text, PRIMARY KEY (a, b));
    INSERT INTO keyed SELECT i, 'k' || i % 10, i, md5(i::text) || md5((i * 7)::text) FROM generate_series(1, ${ROWS}) i;
    -- Longer than any index takes, and than what is read of a file at once.
    CREATE TABLE long_keys AS SELECT a, CASE WHEN a = 7 THEN repeat('long', 200000) ELSE b END AS b FROM keyed`);
});
afterAll(() => server.stop());

const keyFiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith('lakeport-keys-'));

it('goes through each key once in all buckets together, the same as without buckets, and leaves no files', async () => {
  const source = await openPostgres(server);
  const table = await findTable(source, 'long_keys');
  const { snapshot } = await source.pin([table], { consistency: 'run' });
  const columns = (await describeTable(source, table)).slice(0, 2);
  const [slice] = await source.slice(table, columns, { degree: 1, largeTableThreshold: 1 });
  const key = columns.map(({ spec }) => spec);
  const read = { reader: source.readerSettings(), snapshot, dataset: table.dataset, columns, slice: slice! };
  const before = keyFiles();
  const keysOf = async (buckets: number) => {
    const keys = new SourceKeys(read, { key, signal: new AbortController().signal });
    const found: string[] = [];
    const sizes: number[] = [];
    for (let index = 0; index < buckets; index++) {
      const had = found.length;
      await keys.each({ index, count: buckets }, ({ bytes, offsets }, rows) => {
        for (let row = 0; row < rows; row++)
          found.push(Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('latin1'));
      });
      sizes.push(found.length - had);
    }
    await keys.close();
    return { found: found.sort(), sizes };
  };
  const whole = await keysOf(1);
  const divided = await keysOf(5);
  await source.close();
  expect(new Set(whole.found).size).toBe(ROWS);
  expect(divided.found).toEqual(whole.found);
  for (const size of divided.sizes) expect(size).toBeGreaterThan(ROWS / 10);
  expect(keyFiles()).toEqual(before);
});

it('a table of many megabytes is merged in a thread, with what the source has deleted', async () => {
  const lake = await SyncedLake.of(server, 'public', [
    '--incremental_table',
    'keyed:v:integer!upsert',
    '--detect_deletes',
  ]);
  await lake.sync('-i', 'keyed', '--compression_type', 'None');
  await server.query(`UPDATE keyed SET v = ${ROWS} + a WHERE a % 100 = 0; DELETE FROM keyed WHERE a % 1000 = 1`);
  expect(await lake.sync('-i', 'keyed', '--compression_type', 'None')).toMatchObject([
    { rows: ROWS / 100, compaction: { rows: ROWS - 60, superseded_rows: 600, deleted_keys: 60, missing_keys: 0 } },
  ]);
  expect(await lake.query('keyed', 'count(*)::INT AS n, count(DISTINCT a)::INT AS a, sum(v)::VARCHAR AS v')).toEqual(
    (await server.query(
      'SELECT count(*)::int AS n, count(DISTINCT a)::int AS a, sum(v)::text AS v FROM keyed',
    )) as never,
  );
  lake.user.remove();
});

it('keys that were read while the snapshot was lost delete nothing; the next sync does', async () => {
  // Whoever asks for the key alone waits at the gate; the sync's rows have another column.
  await server.query(`CREATE ROLE waiting LOGIN PASSWORD '${server.password}';
    CREATE FUNCTION gate() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      IF current_query() LIKE '%COPY%' AND current_query() NOT LIKE '%"v"%' THEN
        PERFORM pg_advisory_lock(42);
        PERFORM pg_advisory_unlock(42);
      END IF;
      RETURN true;
    END $$;
    CREATE TABLE gated (id int PRIMARY KEY, v int NOT NULL);
    INSERT INTO gated SELECT i, i FROM generate_series(1, 100) i;
    ALTER TABLE gated ENABLE ROW LEVEL SECURITY;
    CREATE POLICY slow ON gated USING (gate());
    GRANT SELECT ON gated TO waiting`);
  const source = {
    id: 'ds_pg',
    entry: postgresEntry(server, { username: 'waiting', options: { row_security: 'on' } }),
  };
  const lake = await SyncedLake.of(source, 'public', ['--incremental_table', 'gated:v:integer', '--detect_deletes']);
  const sync = ['-i', 'gated'];
  await lake.sync(...sync);
  await server.query('DELETE FROM gated WHERE id <= 10; UPDATE gated SET v = 1000 + v WHERE id = 50');
  const gatekeeper = await server.connect();
  await gatekeeper.query('SELECT pg_advisory_lock(42)');
  const running = lake.run(...sync);
  const asked = async (condition: string) =>
    server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'waiting' AND ${condition}`);
  const isWaiting = () => server.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
  await vi.waitFor(async () => expect(await isWaiting()).toHaveLength(1), { timeout: 60_000 });
  // Among them the one that holds the snapshot, and the table against a TRUNCATE.
  expect(await asked("state = 'idle in transaction'")).not.toHaveLength(0);
  await gatekeeper.end();
  const result = await running;
  expect(result.stderr).toContain('Deleted rows were not looked for');
  expect(result.code).toBe(0);
  const document = JSON.parse(result.stdout) as { readonly tables: readonly object[] };
  expect(document.tables[0]).toMatchObject({ state: 'completed', rows: 1 });
  expect(document.tables[0]).not.toHaveProperty('deleted_keys');
  expect(await lake.sync(...sync)).toMatchObject([{ rows: 0, deleted_keys: 10 }]);
  lake.user.remove();
});
