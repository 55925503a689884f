import { createHash } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { ManifestDocument } from '../../../src/export/cdm/documents.js';
import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { CliStorageRuns, makeNoisyTable, partsOnTheirWay } from '../../harness/cli-storage-run.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** `--target_storage_id` through the whole program, to every kind of store, read back by official clients and DuckDB. */

const MIB = 1024 * 1024;
const LAKE = ['--target_storage_id', 'lake'];

let postgres: PostgresServer;
let runs: CliStorageRuns;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

describe.each(['local', 's3', 'gcs', 'azure'] as const)('a storage entry of the kind %s', (kind) => {
  let store: CliStore;

  beforeAll(async () => {
    store = await CLI_STORES[kind]();
  });
  afterAll(() => store.stop());
  beforeEach(() => {
    runs = new CliStorageRuns(postgres, { lake: store });
  });
  afterEach(async () => {
    runs.remove();
    await store.clear();
    await postgres.query('DROP SCHEMA public CASCADE');
    await postgres.query('CREATE SCHEMA public');
  });

  test('is checked, planned and exported to, and holds what the database holds', async () => {
    await makeNoisyTable(postgres, 'large', 8);
    await postgres.query(`CREATE TABLE small AS SELECT 1 AS id, 'ä' AS name; CREATE TABLE empty (id int)`);

    const { document: checked } = await runs.run('check', 'lake');
    expect(checked.entries).toMatchObject([{ kind, address: store.shownBase, result: 'ok' }]);
    expect([...(await store.objects())]).toEqual([]);

    const { document: planned } = await runs.run('plan', ...LAKE, '--sub_path', 'daily');
    expect(planned.tables).toContainEqual(
      expect.objectContaining({ table: 'small', storage: 'lake', path: `${store.shownBase}/daily/public/small` }),
    );
    expect(await digests(store)).toEqual(new Map());

    const exported = await runs.run(
      'export',
      ...LAKE,
      '--sub_path',
      'daily',
      '-p',
      '2',
      '--large_table_threshold',
      '9',
      '--generate_metadata',
      '--include_entity_files',
    );
    expect(exported.document).toMatchObject({ exit_code: 0, totals: { tables: 3, completed: 3 } });
    const objects = await store.objects();
    expect([...objects.keys()].filter((name) => !name.includes('/large/'))).toEqual([
      ...['empty', 'large', 'small'].map((table) => `daily/public/_${table}.manifest.json`),
      'daily/public/default.manifest.cdm.json',
      ...['empty.cdm.json', 'empty/_SUCCESS', 'empty/part-00000.parquet', 'large.cdm.json', 'manifest.json'].map(
        (name) => `daily/public/${name}`,
      ),
      ...['small.cdm.json', 'small/_SUCCESS', 'small/part-00000.parquet'].map((name) => `daily/public/${name}`),
    ]);
    const described = JSON.parse(String(objects.get('daily/public/manifest.json'))) as ManifestDocument;
    const partitions = described.entities.flatMap((entity) => entity.dataPartitions.map(({ location }) => location));
    expect(partitions.map((location) => `daily/public/${location}`).toSorted()).toEqual(
      [...objects.keys()].filter((name) => name.endsWith('.parquet')),
    );
    expect(await store.leftovers()).toEqual([]);

    expect(await runs.query(objects, 'daily/public/small', 'SELECT * FROM parts')).toEqual([{ id: 1, name: 'ä' }]);
    expect(await runs.query(objects, 'daily/public/empty', 'SELECT count(*)::int AS n FROM parts')).toEqual([{ n: 0 }]);
    const [large] = await postgres.query(
      `SELECT count(*)::int AS n, sum(id)::text AS ids, md5(string_agg(noise, '' ORDER BY id)) AS noise FROM large`,
    );
    const query = `SELECT count(*)::int AS n, sum(id)::text AS ids, md5(string_agg(noise, '' ORDER BY id)) AS noise FROM parts`;
    expect(await runs.query(objects, 'daily/public/large', query)).toEqual([large]);

    const manifest: unknown = JSON.parse(String(objects.get('daily/public/_large.manifest.json')));
    expect(manifest).toMatchObject({
      storage: { kind, atomic_publish: true, resumable_stage: true },
      row_count: large!['n'],
    });

    // Again, from the run log and the store alone.
    const runId = exported.document.run_id;
    const again = await runs.run('metadata', '--run_id', runId, '--include_entity_files');
    expect(again.document).toMatchObject({ exit_code: 0, tables: 3 });
    expect(String((await store.objects()).get('daily/public/manifest.json'))).toBe(
      String(objects.get('daily/public/manifest.json')),
    );
    expect(await store.leftovers()).toEqual([]);

    const { document: verified } = await runs.run('verify', exported.document.run_id);
    expect(verified).toMatchObject({ exit_code: 0, totals: { tables: 3, differences: 0 }, differences: [] });
    const { document: below } = await runs.run('verify', 'lake/daily');
    expect(below).toMatchObject({ exit_code: 0, totals: verified.totals });
    const { document: inspected } = await runs.run(
      'inspect',
      'lake/daily/public/small/part-00000.parquet',
      '--rows',
      '1',
    );
    expect(inspected).toMatchObject({ exit_code: 0, rows: 1, first_rows: [[1, 'ä']] });
    const { document: wide } = await runs.run('inspect', 'lake/daily/public/large/part-00000.parquet');
    expect(wide.bytes).toBeGreaterThan(MIB);
    expect(wide.bytes_read).toBeLessThan(100_000);
  });

  test('keeps the earlier export of a table that fails', async () => {
    await postgres.query(`CREATE TABLE good AS SELECT 1 AS id;
      CREATE TABLE bad AS SELECT 1::numeric(9,2) AS amount FROM generate_series(1, 20000)`);
    expect((await runs.run('export', ...LAKE)).document.exit_code).toBe(0);
    const before = await digests(store);
    await postgres.query(`UPDATE good SET id = 2; INSERT INTO bad VALUES ('NaN')`);
    const { document } = await runs.run('export', ...LAKE);
    expect(document).toMatchObject({ exit_code: 5, totals: { completed: 1, failed: 1 } });
    expect(ofTable(await digests(store), 'bad')).toEqual(ofTable(before, 'bad'));
    expect(await runs.query(await store.objects(), 'public/good', 'SELECT id FROM parts')).toEqual([{ id: 2 }]);
    expect(await store.leftovers()).toEqual([]);
  });

  test('loses the parts that a smaller export does not replace', async () => {
    await makeNoisyTable(postgres, 't', 1);
    const many = ['-p', '4', '--large_table_threshold', '9', '--max_rows_per_file', '300'];
    await runs.run('export', ...LAKE, ...many);
    expect((await store.objects()).size).toBeGreaterThan(6);
    await postgres.query('DELETE FROM t WHERE id > 10');
    await runs.run('export', ...LAKE);
    expect([...(await store.objects()).keys()]).toEqual([
      'public/_t.manifest.json',
      'public/t/_SUCCESS',
      'public/t/part-00000.parquet',
    ]);
  });
});

/** Those to S3 are in s3-export.test.ts, those to disk in faults.test.ts. */
describe.each([
  ['gcs', 'SIGINT', 130],
  ['azure', 'SIGTERM', 143],
] as const)('a run to %s over a slow line', (kind, signal, code) => {
  let store: CliStore;
  let before: Map<string, string>;

  beforeAll(async () => {
    store = await CLI_STORES[kind]();
    runs = new CliStorageRuns(postgres, { lake: store });
    await makeNoisyTable(postgres, 'large', 8);
    expect((await runs.run('export', ...LAKE)).document.exit_code).toBe(0);
    before = await digests(store);
    await postgres.query('UPDATE large SET id = -id');
  });
  beforeEach(() => store.proxy?.throttle(2 * MIB));
  afterAll(async () => {
    runs.remove();
    await store.stop();
    await postgres.query('DROP TABLE large');
  });

  test(`that ends by ${signal} leaves the earlier export, and nothing else`, async () => {
    // On a slow line it takes a while until the store has heard of the end.
    const running = await runs.start('export', ...LAKE, '--grace', '60s');
    await partsOnTheirWay(store);
    running.kill(signal);
    expect((await running.result).code).toBe(code);
    expect(await digests(store)).toEqual(before);
    expect(await store.leftovers()).toEqual([]);
  });

  test('that loses a permission fails the table, and leaves the earlier export', async () => {
    let parts = 0;
    store.proxy?.breakBy((request) =>
      store.carriesPart(request) && ++parts > 2 ? { kind: 'answer', ...store.denial } : undefined,
    );
    const { document } = await runs.run('export', ...LAKE);
    expect(document).toMatchObject({ exit_code: 4, totals: { completed: 0, failed: 1 } });
    expect(document.tables[0]!.error).toMatchObject({ code: expect.stringMatching(/DENIED|FORBIDDEN/) as string });
    expect(await digests(store)).toEqual(before);
    expect(await store.leftovers()).toEqual([]);
  });

  test('that ends by kill -9 leaves the earlier export, and the rest to the next run', async () => {
    const running = await runs.start('export', ...LAKE);
    await partsOnTheirWay(store);
    running.kill('SIGKILL');
    await running.result;
    expect(await digests(store)).toEqual(before);
    expect(await store.leftovers()).not.toEqual([]);
    store.proxy?.throttle(undefined);
    expect((await runs.run('export', ...LAKE)).document.exit_code).toBe(0);
    // An upload that was not ended is unknown to everybody else; Cloud Storage forgets it after a week.
    expect((await store.leftovers()).filter((left) => !left.startsWith('upload of'))).toEqual([]);
    const objects = await store.objects();
    expect(await runs.query(objects, 'public/large', 'SELECT max(id) AS latest FROM parts')).toEqual([{ latest: -1 }]);
  });
});

/** Every object's content, short enough to compare and to show. */
async function digests(store: CliStore): Promise<Map<string, string>> {
  const objects = await store.objects();
  return new Map([...objects].map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]));
}

function ofTable(digests: ReadonlyMap<string, string>, table: string): [string, string][] {
  return [...digests].filter(([name]) => name.startsWith(`public/${table}/`));
}
