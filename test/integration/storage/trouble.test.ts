import { createHash } from 'node:crypto';
import http from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { CLI_STORES, type CliStore } from '../../harness/cli-stores/index.js';
import { CliStorageRuns, makeNoisyTable, withDocument } from '../../harness/cli-storage-run.js';
import type { RunDocument } from '../../harness/export-run.js';
import type { Fault } from '../../servers/fault-proxy.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** Whole exports while the store, or the line to it, is in trouble. */

const LAKE = ['--target_storage_id', 'lake'];
/** What the program calls a bucket that is not there, and a right that is missing. */
const GONE = /NO_SUCH_(?:BUCKET|CONTAINER)$/;
const DENIED = /ACCESS_DENIED$/;

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

describe.each(['s3', 'gcs', 'azure'] as const)('an export to %s', (kind) => {
  let store: CliStore;
  let runs: CliStorageRuns;

  beforeAll(async () => {
    store = await CLI_STORES[kind]();
    const info = { ...(store.entry['info'] as object), timeout: '1s', max_retries: 4 };
    runs = new CliStorageRuns(postgres, { lake: { entry: { ...store.entry, info } } });
  });
  afterAll(async () => {
    runs.remove();
    await store.stop();
  });
  beforeEach(() => {
    store.proxy!.breakBy(() => undefined);
    store.proxy!.delay(undefined);
  });
  afterEach(async () => {
    store.proxy!.breakBy(() => undefined);
    // The last test takes the bucket away.
    await Promise.resolve()
      .then(() => store.clear())
      .catch(() => undefined);
    await postgres.query('DROP SCHEMA public CASCADE');
    await postgres.query('CREATE SCHEMA public');
  });

  test('survives resets, 500, 503, a stall longer than the timeout and lost answers, all in one run', async () => {
    await makeNoisyTable(postgres, 'large', 32);
    const ofParts: Fault[] = [
      { kind: 'reset', afterBytes: 100_000 },
      { kind: 'answer', status: 500 },
      { kind: 'answer', status: 503, headers: { 'retry-after': '1' } },
      { kind: 'stall' },
      { kind: 'lose-answer' },
    ];
    const ofPublishing: Fault[] = [{ kind: 'answer', status: 503 }, { kind: 'lose-answer' }];
    let parts = 0;
    store.proxy!.breakBy((request) => {
      if (store.publishesPart(request)) return ofPublishing.shift();
      // Others in between, so that none is tried more often than the entry allows. Cloud Storage is asked after each
      // fault what has arrived, and then sent the chunk again.
      const between = kind === 'gcs' ? 3 : 2;
      return store.carriesPart(request) && parts++ % between === 0 ? ofParts.shift() : undefined;
    });
    const { document, stderr } = await runs.run('export', ...LAKE, '-p', '1');
    expect(document, stderr).toMatchObject({ exit_code: 0, totals: { completed: 1 } });
    expect([ofParts, ofPublishing]).toEqual([[], []]);
    const objects = await store.objects();
    expect([...objects.keys()].filter((name) => name.endsWith('.parquet'))).toEqual([
      'public/large/part-00000.parquet',
    ]);
    const query = `SELECT count(*)::int AS n, sum(id)::text AS ids, md5(string_agg(noise, '' ORDER BY id)) AS noise FROM`;
    expect(await runs.query(objects, 'public/large', `${query} parts`)).toEqual(await postgres.query(`${query} large`));
    expect((await store.leftovers()).filter((left) => left.includes('.lakeport'))).toEqual([]);
  });

  test('keeps the earlier one where nothing may be deleted, and names what is missing', async () => {
    await postgres.query('CREATE TABLE t AS SELECT 1 AS id');
    expect((await runs.run('export', ...LAKE)).document.exit_code).toBe(0);
    const before = await digests(store);
    await postgres.query('UPDATE t SET id = 2');
    store.proxy!.breakBy((request) => (store.deletes(request) ? { kind: 'answer', ...store.denial } : undefined));
    const { document, stdout } = await runs.run('export', ...LAKE);
    expect([3, 4]).toContain(document.exit_code);
    const error = document.error ?? document.tables[0]?.error;
    expect(error?.code, stdout).toMatch(DENIED);
    expect(`${error?.message ?? ''} ${error?.hint ?? ''}`).toMatch(/delete/i);
    expect(await digests(store)).toEqual(before);
  });

  test('sends requests for many tables side by side', async () => {
    const tables = Array.from({ length: 60 }, (_, index) => `CREATE TABLE t_${index} AS SELECT ${index} AS id`);
    await postgres.query(tables.join(';'));
    store.proxy!.delay(50);
    store.proxy!.mostAtOnce();
    const { document } = await runs.run('export', ...LAKE);
    expect(document).toMatchObject({ exit_code: 0, totals: { completed: 60 } });
    expect(store.proxy!.mostAtOnce()).toBeGreaterThan(8);
  });

  test('holds as much memory as the plan says more than one to disk', async () => {
    await makeNoisyTable(postgres, 'large', 2);
    const memory = async (...target: string[]) => (await runs.run('plan', ...target)).document.reader_memory_bytes;
    const partBytes = (kind === 's3' ? 5 : 1) * 2 ** 20;
    // Those on their way, and the one that fills. Chunks of Cloud Storage go one after the other.
    const parts = kind === 'gcs' ? 2 : 5;
    expect((await memory(...LAKE)) - (await memory('--output_dir', 'disk'))).toBe(parts * partBytes);
  });

  test('fails the tables that are left when the bucket goes in mid-run, and ends', async () => {
    await makeNoisyTable(postgres, 'large', 16);
    let parts = 0;
    let dropped: Promise<void> | undefined;
    store.proxy!.breakBy((request) => {
      if (store.carriesPart(request) && ++parts > 3) dropped ??= store.drop();
      return undefined;
    });
    const { document, stdout } = await runs.run('export', ...LAKE, '-p', '1');
    await dropped;
    expect([3, 4]).toContain(document.exit_code);
    expect(document.tables[0]?.error?.code, stdout).toMatch(GONE);
    expect(document.tables[0]?.error?.hint).toBeDefined();
  });
});

describe('a store that takes 10 MB/s', () => {
  let store: CliStore;
  let runs: CliStorageRuns;

  beforeAll(async () => {
    store = await CLI_STORES.s3();
    runs = new CliStorageRuns(postgres, { lake: store });
    await makeNoisyTable(postgres, 'large', 60);
  });
  afterAll(async () => {
    runs.remove();
    await store.stop();
    await postgres.query('ALTER DATABASE postgres RESET ALL; DROP TABLE large');
  });

  test('holds the database back: memory stays flat, and none of its time limits ends the run', async () => {
    const limits = ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout', 'tcp_user_timeout'];
    for (const limit of limits) await postgres.query(`ALTER DATABASE postgres SET ${limit} = '1500ms'`);
    const flags = [...LAKE, '-p', '2', '--compression_type', 'None', '--row_group_rows', '5000'];
    const ofProcess = async () => withDocument<RunDocument>(await (await runs.start('export', ...flags)).result);
    const fast = await ofProcess();
    store.proxy!.throttle(10e6);
    const slow = await ofProcess();
    expect([fast.document.exit_code, slow.document.exit_code], slow.stdout).toEqual([0, 0]);
    // Long enough for all limits, and for a hundred megabytes to pile up if they could.
    expect(slow.seconds).toBeGreaterThan(5);
    expect(slow.peakBytes).toBeLessThan(fast.peakBytes + 30e6);
  });
});

/** Every object's content, short enough to compare and to show. */
async function digests(store: CliStore): Promise<Map<string, string>> {
  const objects = await store.objects();
  return new Map([...objects].map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]));
}

test('an endpoint that answers HTML ends the run before it reads a row', async () => {
  const website = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><html>Console</html>');
  });
  await new Promise<void>((resolve) => website.listen(0, '127.0.0.1', resolve));
  const address = website.address();
  const endpoint_url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  const keys = { access_key_id: 'AKIATEST', secret_access_key: 'secret' };
  const runs = new CliStorageRuns(postgres, {
    s3: { entry: { storage_type: 's3', info: { bucket: 'lake', endpoint_url, ...keys } } },
    gcs: { entry: { storage_type: 'gcs', info: { bucket: 'lake', endpoint_url } } },
    azure: {
      entry: {
        storage_type: 'azure',
        info: { account_name: 'acc', container: 'lake', account_key: 'QUJD', endpoint_url },
      },
    },
  });
  await postgres.query('CREATE TABLE IF NOT EXISTS t AS SELECT 1 AS id');
  const codes: (string | undefined)[] = [];
  for (const id of ['s3', 'gcs', 'azure']) {
    const { document } = await runs.run('export', '--target_storage_id', id);
    expect(document.exit_code).toBe(4);
    codes.push(document.error?.code);
  }
  expect(codes).toEqual(['S3_NOT_AN_S3_ENDPOINT', 'GCS_NOT_THE_SERVICE', 'AZURE_NOT_THE_SERVICE']);
  runs.remove();
  website.close();
});
