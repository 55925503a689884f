import { setTimeout as sleep } from 'node:timers/promises';

import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { runCliHere } from '../../../harness/cli-here.js';
import { noiseOf } from '../../../harness/cli-storage-run.js';
import {
  type CliResult,
  postgresEntry,
  type RunningCli,
  startCli,
  temporaryDirectory,
  type TemporaryDirectory,
  writeAuthFile,
} from '../../../harness/cli.js';
import { storedIds } from '../../../harness/stored-ids.js';
import { type FaultProxy, startFaultProxy } from '../../../servers/fault-proxy.js';
import { type PostgresServer, startPostgres } from '../../../servers/postgres.js';
import { MIB, useS3Server } from '../../../harness/s3-harness.js';

/** The whole program against the strict S3 server, through a proxy that can be slow. */

const s3 = useS3Server();
let postgres: PostgresServer;
let home: TemporaryDirectory;
let proxy: FaultProxy;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

beforeEach(async () => {
  home = await temporaryDirectory();
  proxy = await startFaultProxy(s3.server);
});
afterEach(async () => {
  await proxy.stop();
  await home.remove();
  await postgres.query('DROP SCHEMA public CASCADE');
  await postgres.query('CREATE SCHEMA public');
});

/** The command line of an export. */
async function words(args: readonly string[]): Promise<string[]> {
  const info = {
    bucket: 'lake',
    base_path: 'exports',
    endpoint_url: proxy.endpoint,
    region: 'us-east-1',
    aws_access_key_id: s3.server.accessKeyId,
    aws_secret_access_key: s3.server.secretAccessKey,
    part_size: '5 MiB',
  };
  const auth = await writeAuthFile(home.path, {
    ds_pg: postgresEntry(postgres),
    lake: { storage_type: 's3', info },
  });
  return ['-a', auth, '--source_db_auth_id', 'ds_pg', '--target_storage_id', 'lake', '--json', ...args];
}

const surroundings = () => ({ env: { XDG_STATE_HOME: home.path } });

/** In a process of its own. */
async function start(...args: string[]): Promise<RunningCli> {
  return startCli(await words(args), surroundings());
}

async function run(...args: string[]): Promise<CliResult> {
  return runCliHere(await words(args), surroundings());
}

async function ids(table: string): Promise<number[]> {
  const files: Buffer[] = [];
  for (const key of s3.keys().filter((each) => each.startsWith(`exports/public/${table}/part-`))) {
    files.push(await s3.download(key));
  }
  return storedIds(files, home.path);
}

/** About 20 MB that do not compress. */
async function makeLargeTable(): Promise<void> {
  await postgres.query(
    `CREATE TABLE large AS SELECT i AS id, ${noiseOf('i', 512)} AS noise FROM generate_series(1, 60000) i`,
  );
  await postgres.query('ANALYZE large');
}

async function uploadsBegun(): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (![...s3.server.store.uploads.values()].some((upload) => upload.parts.size > 0)) {
    if (Date.now() > giveUpAt) throw new Error('No part of an upload has arrived');
    await sleep(20);
  }
}

test('tables of all sizes arrive, each with manifest and _SUCCESS, and nothing else', async () => {
  await makeLargeTable();
  await postgres.query('CREATE TABLE small AS SELECT 1 AS id UNION ALL SELECT 2');
  await postgres.query('CREATE TABLE empty (id int)');
  const result = await run();
  expect(result.stderr + String(result.code)).toMatch(/0$/);
  const large = (await ids('large')).sort((a, b) => a - b);
  expect(large).toEqual(Array.from({ length: 60_000 }, (_, index) => index + 1));
  expect(await ids('small')).toEqual([1, 2]);
  expect(await ids('empty')).toEqual([]);
  for (const table of ['large', 'small', 'empty']) {
    expect(s3.keys()).toContain(`exports/public/${table}/_SUCCESS`);
    expect(s3.keys()).toContain(`exports/public/_${table}.manifest.json`);
  }
  expect(s3.uploads()).toEqual([]);
  expect([...s3.server.store.bucket('lake').keys()].filter((key) => key.includes('.lakeport'))).toEqual([]);
});

test('files that are split by rows are numbered without gaps, in the order of the rows', async () => {
  await makeLargeTable();
  const result = await run('--max_rows_per_file', '9000', '-p', '2', '--large_table_threshold', '1000');
  expect(result.stderr + String(result.code)).toMatch(/0$/);
  const parts = s3.keys().filter((key) => key.includes('/part-'));
  expect(parts).toEqual(parts.map((_, index) => `exports/public/large/part-${String(index).padStart(5, '0')}.parquet`));
  expect(parts.length).toBeGreaterThan(6);
  expect(await ids('large')).toEqual(Array.from({ length: 60_000 }, (_, index) => index + 1));
});

test('a small table costs four requests, and six over an earlier export', async () => {
  for (let index = 0; index < 40; index++) await postgres.query(`CREATE TABLE t_${index} AS SELECT ${index} AS id`);
  s3.server.counts();
  const result = await run();
  expect(result.code).toBe(0);
  // Every other second the run proves its claim by two requests, however many tables it publishes.
  // Four: a look at the place, the part, the manifest, _SUCCESS.
  const { GetObject: proofs = 0, ListObjectsV2: lists = 0, ...counts } = s3.server.counts();
  expect({ ...counts, ListObjectsV2: lists - proofs }).toEqual({
    // Eleven for the run itself: is the bucket there, may it write, is it alive, whose are the tables, what is left of others,
    // the end.
    PutObject: 40 * 3 + 4,
    ListObjectsV2: 40 + 5,
    DeleteObject: 1,
    DeleteObjects: 1,
  });

  // Two more over an earlier export: its manifest is read, since it names statements for other systems that may have to
  // go, and its _SUCCESS goes first.
  expect((await run()).code).toBe(0);
  const { GetObject: laterGets = 0, ListObjectsV2: laterLists = 0, ...later } = s3.server.counts();
  const laterProofs = laterGets - 40;
  expect({ ...later, ListObjectsV2: laterLists - laterProofs }).toEqual({
    PutObject: 40 * 3 + 4,
    ListObjectsV2: 40 + 5,
    DeleteObject: 40 + 1,
    DeleteObjects: 1,
  });
});

describe('a run that ends early', () => {
  let before: Map<string, string>;

  beforeEach(async () => {
    await makeLargeTable();
    expect((await run()).code).toBe(0);
    before = contents();
    await postgres.query('UPDATE large SET id = -id');
  });

  function contents(): Map<string, string> {
    return new Map(s3.keys().map((key) => [key, s3.server.store.bucket('lake').get(key)!.etag]));
  }

  test('by SIGTERM withdraws its uploads and leaves the earlier export as it was', async () => {
    proxy.throttle(4 * MIB);
    const running = await start();
    await uploadsBegun();
    running.kill('SIGTERM');
    expect((await running.result).code).toBe(143);
    expect(s3.uploads()).toEqual([]);
    expect(contents()).toEqual(before);
    expect([...s3.server.store.bucket('lake').keys()].filter((key) => key.includes('.lakeport'))).toEqual([]);
  });

  test('by kill -9 leaves the earlier export as it was, and its uploads to the next run', async () => {
    proxy.throttle(4 * MIB);
    const running = await start();
    await uploadsBegun();
    running.kill('SIGKILL');
    await running.result;
    expect(s3.uploads().length).toBeGreaterThan(0);
    expect(contents()).toEqual(before);

    const foreign = new S3Client({
      endpoint: s3.server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: s3.server.accessKeyId, secretAccessKey: s3.server.secretAccessKey },
    });
    const theirs = { Bucket: 'lake', Key: 'exports/public/large/part-00000.parquet' };
    const { UploadId } = await foreign.send(new CreateMultipartUploadCommand(theirs));
    foreign.destroy();

    proxy.throttle(undefined);
    expect((await run()).code).toBe(0);
    expect([...s3.server.store.uploads.keys()]).toEqual([UploadId]);
    expect((await ids('large')).every((id) => id < 0)).toBe(true);
  });

  test('for a permission that is taken away fails the table by name, and leaves the earlier export', async () => {
    let parts = 0;
    proxy.breakBy(({ url }) =>
      url.includes('partNumber=') && ++parts > 2
        ? { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
        : undefined,
    );
    await postgres.query('CREATE TABLE small AS SELECT 1 AS id');
    const result = await run();
    expect(result.code).toBe(3);
    expect(result.stdout).toContain('S3_ACCESS_DENIED');
    expect(s3.uploads()).toEqual([]);
    expect(await ids('small')).toEqual([1]);
    const large = [...contents()].filter(([key]) => key.includes('large'));
    expect(new Map(large)).toEqual(before);
  });
});

test('secrets are nowhere in what is shown', async () => {
  await postgres.query('CREATE TABLE small AS SELECT 1 AS id');
  proxy.breakBy(() => ({ kind: 'answer', status: 403, body: '<Error><Code>SignatureDoesNotMatch</Code></Error>' }));
  const { code, stdout, stderr } = await run('--log_level', 'DEBUG');
  expect(code).toBe(4);
  expect(stdout + stderr).toContain('SignatureDoesNotMatch');
  expect(stdout + stderr).not.toContain(s3.server.secretAccessKey);
});
