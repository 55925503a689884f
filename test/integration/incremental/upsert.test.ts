import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** One row for each key, and rows that are deleted in the source. */

const CRASH_POINTS = new URL('../../harness/crash-points.js', import.meta.url).href;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const COLUMNS = 'id int, region text, v bigint NOT NULL, note text, PRIMARY KEY (region, id)';

/** A schema of its own, with a table whose rows get a new `v` with each change. */
async function lakeOf(schema: string, cursor: string, ...flags: string[]): Promise<SyncedLake> {
  await server.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t (${COLUMNS}); CREATE INDEX ON ${schema}.t (v);
    CREATE SEQUENCE ${schema}.changes`);
  return SyncedLake.of(server, schema, ['--incremental_table', `${schema}.t:${cursor}`, ...flags]);
}

/** Inserts rows, or changes those that are there. */
async function write(schema: string, from: number, to: number, every = 1): Promise<void> {
  await server.query(`INSERT INTO ${schema}.t SELECT i, 'r' || i % 3, nextval('${schema}.changes'), 'note ' || random()
      FROM generate_series(${from}, ${to}, ${every}) i
    ON CONFLICT (region, id) DO UPDATE SET v = excluded.v, note = excluded.note`);
}

const LIST = 'id, region, v::VARCHAR AS v, note';

async function sourceRows(schema: string): Promise<unknown[]> {
  return server.query(`SELECT id, region, v::text AS v, note FROM ${schema}.t ORDER BY id, region`);
}

async function lakeRows(lake: SyncedLake): Promise<unknown[]> {
  return [...(await lake.query('t', LIST))].sort((a, b) => Number(a['id']) - Number(b['id']));
}

async function expectVerified(lake: SyncedLake): Promise<void> {
  const { code, stdout } = await lake.user.run('verify', lake.directory('t'), '--deep');
  expect(code, stdout).toBe(0);
}

describe('upsert', () => {
  it.each(['v:integer!upsert', 'xmin!upsert'])(
    'keeps the lake equal to the table, whatever is written and deleted: %s',
    async (cursor) => {
      const schema = `mirror_${cursor.slice(0, 1)}`;
      const lake = await lakeOf(schema, cursor, '--detect_deletes');
      await write(schema, 1, 300);
      for (let round = 0; round < 6; round++) {
        const [table] = await lake.sync();
        expect(table!.compaction?.missing_keys ?? 0).toBe(0);
        expect(await lakeRows(lake)).toEqual(await sourceRows(schema));
        await write(schema, 1 + round * 20, 320 + round * 10, 1 + round);
        await server.query(`DELETE FROM ${schema}.t WHERE random() < 0.1`);
      }
      expect(lake.manifest('t').files).toHaveLength(1);
      await expectVerified(lake);
      // With nothing new, nothing is written.
      await lake.sync();
      const before = lake.names('t');
      const [idle] = await lake.sync();
      expect(idle).toMatchObject({ rows: 0 });
      expect(idle).not.toHaveProperty('compaction');
      expect(lake.manifest('t').row_count).toBe((await sourceRows(schema)).length);
      expect(lake.names('t')).toEqual(before);
      lake.user.remove();
    },
  );

  it('merges at every Nth sync only where that is asked for, and keeps each row in its directory', async () => {
    const lake = await lakeOf('nth', 'v:integer!upsert', '--compact_every', '2', '--partition_by', 'nth.t:region');
    await write('nth', 1, 30);
    await lake.sync();
    await write('nth', 1, 30, 2);
    expect(await lake.sync()).toMatchObject([{ sync: { number: 2 } }]);
    expect((await lakeRows(lake)).length).toBe(45);
    await write('nth', 25, 35);
    expect(await lake.sync()).toMatchObject([{ sync: { number: 3 }, compaction: { number: 4, superseded_rows: 21 } }]);
    expect(lake.manifest('t').files.map(({ name }) => name)).toEqual([
      'region=r0/part-00004-00000.parquet',
      'region=r1/part-00004-00001.parquet',
      'region=r2/part-00004-00002.parquet',
    ]);
    expect(await lakeRows(lake)).toEqual(await sourceRows('nth'));
    await expectVerified(lake);
    lake.user.remove();
  });

  it('needs a key that is in the files', async () => {
    await server.query('CREATE SCHEMA keyless; CREATE TABLE keyless.t (v int); INSERT INTO keyless.t VALUES (1)');
    const keyless = await SyncedLake.of(server, 'keyless', ['--incremental_table', 'keyless.t:v:integer!upsert']);
    expect(await keyless.syncOne()).toMatchObject({ state: 'failed', error: { code: 'SYNC_NEEDS_KEY' } });
    const lake = await lakeOf('half', 'v:integer!upsert', '--exclude_columns', 'half.t:region');
    await write('half', 1, 3);
    expect(await lake.syncOne()).toMatchObject({ state: 'failed', error: { code: 'COMPACT_NO_KEY' } });
    keyless.user.remove();
    lake.user.remove();
  });

  it('widens columns of earlier files where the source has', async () => {
    const lake = await lakeOf('wider', 'v:integer!upsert', '--on_schema_change', 'evolve');
    await write('wider', 1, 10);
    await lake.sync();
    await server.query(`ALTER TABLE wider.t ALTER id TYPE bigint, ADD more text NOT NULL DEFAULT 'more'`);
    await write('wider', 5, 12);
    expect(await lake.sync()).toMatchObject([{ compaction: { rows: 12, superseded_rows: 6 } }]);
    expect(await lake.query('t', 'count(more) AS more, min(typeof(id)) AS type')).toEqual([
      { more: '8', type: 'BIGINT' },
    ]);
    await expectVerified(lake);
    lake.user.remove();
  });

  it('publishes the sync though its files cannot be merged, which the next sync does', async () => {
    const lake = await lakeOf('later', 'v:integer!upsert');
    await write('later', 1, 10);
    await lake.sync();
    const file = path.join(lake.directory('t'), 'part-00001-00000.parquet');
    const content = readFileSync(file);
    writeFileSync(file, Buffer.concat([content.subarray(0, 8), Buffer.alloc(60, 0xff), content.subarray(68)]));
    await write('later', 5, 12);
    const { code, stdout } = await lake.run();
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ warnings: [{ code: 'SYNC_NOT_COMPACTED', cause: 'PARQUET_DAMAGED' }] });
    expect(lake.manifest('t')).toMatchObject({ row_count: 18, incremental: { last_number: 2 } });
    expect(lake.names('t').filter((name) => name.includes('lakeport'))).toEqual([]);
    writeFileSync(file, content);
    expect(await lake.sync()).toMatchObject([{ rows: 0, compaction: { number: 4, rows: 12 } }]);
    expect(await lakeRows(lake)).toEqual(await sourceRows('later'));
    lake.user.remove();
  });
});

describe('a compaction that is killed', () => {
  it.each([
    ['before its files are published', 'before merged files are published', 18],
    ['before its manifest', 'before the manifest of a compaction', 18],
    ['before the files go that were merged', 'before merged files go', 12],
  ])('%s leaves a whole table, and the next sync goes on', async (_, point, rows) => {
    const schema = `killed${rows}_${point.length}`;
    const lake = await lakeOf(schema, 'v:integer!upsert');
    await write(schema, 1, 10);
    await lake.sync();
    await write(schema, 5, 12);
    const command = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', 'out', ...lake.flags];
    const env = { NODE_OPTIONS: `--import ${CRASH_POINTS}`, LAKEPORT_TEST_CRASH: point };
    const killed = await lake.user.start(command, { env }).result;
    expect(killed.signal).toBe('SIGKILL');
    const { files, row_count } = lake.manifest('t');
    expect(row_count).toBe(rows);
    const names = files.map(({ name }) => quote(path.join(lake.directory('t'), name)));
    expect(await queryDuckDb(`SELECT count(*)::INT AS n FROM read_parquet([${names.join(', ')}])`)).toEqual([
      { n: rows },
    ]);
    await write(schema, 11, 15);
    await lake.sync();
    expect(await lakeRows(lake)).toEqual(await sourceRows(schema));
    await expectVerified(lake);
    expect(lake.names('t').filter((name) => name.includes('lakeport'))).toEqual([]);
    lake.user.remove();
  });
});

describe('deleted rows', () => {
  it('append lists the keys that the source has no more, by sync; a compaction leaves them out', async () => {
    const lake = await lakeOf('gone', 'v:integer', '--detect_deletes');
    await write('gone', 1, 10);
    expect(await lake.sync()).toMatchObject([{ sync: { number: 1, kind: 'full' } }]);
    await server.query('DELETE FROM gone.t WHERE id IN (2, 4)');
    await write('gone', 11, 11);
    expect(await lake.sync()).toMatchObject([{ rows: 1, deleted_keys: 2 }]);
    expect(lake.manifest('t').deleted).toMatchObject([{ name: '_deleted/part-00002-00000.parquet', sync: 2, rows: 2 }]);
    // One comes back, and another one goes.
    await write('gone', 2, 2);
    await server.query('DELETE FROM gone.t WHERE id = 11');
    expect(await lake.sync()).toMatchObject([{ rows: 1, deleted_keys: 1 }]);
    expect(await lake.sync()).toMatchObject([{ rows: 0, deleted_keys: 0 }]);
    const { files, deleted = [] } = lake.manifest('t');
    const from = (list: readonly { name: string; sync: number }[]) =>
      list
        .map(
          ({ name, sync }) =>
            `SELECT *, ${sync} AS sync FROM read_parquet(${quote(path.join(lake.directory('t'), name))})`,
        )
        .join(' UNION ALL BY NAME ');
    // As the docs say.
    const present = await queryDuckDb(`SELECT id FROM (${from(files)}) r
      WHERE NOT EXISTS (FROM (${from(deleted)}) d WHERE d.region = r.region AND d.id = r.id AND d.sync > r.sync)`);
    expect(present.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10]);
    expect(await lake.query('t', 'count(*)::INT AS n')).toEqual([{ n: 12 }]);
    await expectVerified(lake);
    rmSync(path.join(lake.directory('t'), deleted[0]!.name));
    const { code, stdout } = await lake.user.run('verify', lake.directory('t'));
    expect(code).toBe(3);
    expect(stdout).toContain('part-00002-00000.parquet');
    expect(await lake.syncOne()).toMatchObject({ state: 'failed', error: { code: 'SYNC_FILES_MISSING' } });
    lake.user.remove();
  });
});

describe.each(['s3', 'gcs', 'azure'] as const)('in a store: %s', (kind) => {
  let store: CliStore;
  beforeAll(async () => {
    store = await CLI_STORES[kind]();
  });
  afterAll(() => store.stop());

  it('merges files and lists deleted keys', async () => {
    const schema = `stored_${kind}`;
    const made = await lakeOf(schema, 'v:integer');
    made.user.remove();
    const user = new LoggedUser(server);
    await user.authorize({ lake: store.entry });
    const flags = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--source_schema_name', schema];
    const sync = async (...more: string[]) => {
      const cursor = ['--incremental_table', `${schema}.t:v:integer`, '--detect_deletes'];
      const { code, stderr } = await user.run(...flags, '--target_storage_id', 'lake', ...cursor, ...more);
      expect(code, stderr).toBe(0);
    };
    await write(schema, 1, 20_000);
    await sync();
    await write(schema, 100, 20_100);
    await server.query(`DELETE FROM ${schema}.t WHERE id < 10`);
    await sync();
    await write(schema, 50, 60);
    await sync('--strategy', 'upsert');
    const scratch = new ScratchDirectory();
    const files = [...(await store.objects())].filter(([name]) => name.endsWith('.parquet'));
    expect(files.map(([name]) => name)).toEqual([`${schema}/t/part-00004-00000.parquet`]);
    const copy = path.join(scratch.path, 'copy.parquet');
    writeFileSync(copy, files[0]![1]);
    expect(await queryDuckDb(`SELECT ${LIST} FROM read_parquet(${quote(copy)}) ORDER BY id, region`)).toEqual(
      await sourceRows(schema),
    );
    const verified = await user.run('verify', '-a', 'auth.json', 'lake');
    expect(verified.code, verified.stdout).toBe(0);
    expect(await store.leftovers()).toEqual([]);
    scratch.remove();
    user.remove();
  });
});
