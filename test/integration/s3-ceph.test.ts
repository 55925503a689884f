import { createHash, randomBytes } from 'node:crypto';

import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { S3Info } from '../../src/auth/entries.js';
import { openS3Storage } from '../../src/storage/s3/index.js';
import { probeStorage } from '../../src/storage/probe.js';
import type { Storage } from '../../src/storage/storage.js';
import { postgresEntry, runCli, temporaryDirectory, writeAuthFile } from '../support/cli.js';
import { makeNoisyTable } from '../support/cli-storage-run.js';
import { startPostgres } from '../support/postgres.js';
import { type CephGateway, hasCeph, startCephGateway } from '../support/ceph.js';
import { breakTimes, startFaultProxy } from '../support/fault-proxy.js';
import { s3Entry } from '../support/s3-entry.js';
import { failureOf, MIB, recalled, stage } from '../support/s3-harness.js';
import { saySkipped } from '../support/skipped.js';

const available = hasCeph();
if (!available) {
  saySkipped("Ceph's gateway", 'root and the packages radosgw, ceph-mon, ceph-osd');
}

describe.skipIf(!available)('with the gateway of Ceph', () => {
  const opened: Storage[] = [];
  let gateway: CephGateway;
  let client: S3Client;

  beforeAll(async () => {
    gateway = await startCephGateway();
    const { endpoint, accessKeyId, secretAccessKey } = gateway;
    client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await client.send(new CreateBucketCommand({ Bucket: 'lake' }));
  }, 180_000);
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
  });
  afterAll(async () => {
    client.destroy();
    await gateway.stop();
  });

  async function open(info: Partial<S3Info> = {}): Promise<Storage> {
    const entry = s3Entry({
      bucket: 'lake',
      basePath: 'exports',
      endpointUrl: gateway.endpoint,
      partSizeBytes: 5 * MIB,
      ...info,
    });
    const storage = await openS3Storage(entry);
    opened.push(storage);
    return storage;
  }

  async function md5At(path: string): Promise<string> {
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: 'lake', Key: `exports/${path}` }));
    return md5(await body!.transformToByteArray());
  }

  async function uploads(): Promise<number> {
    return (await client.send(new ListMultipartUploadsCommand({ Bucket: 'lake' }))).Uploads?.length ?? 0;
  }

  test('the probe finds everything in order', async () => {
    await probeStorage(await open());
    expect(await uploads()).toBe(0);
  });

  test('parts of all sizes are staged, published, listed and removed', async () => {
    const storage = await open({ tags: { team: 'etl' } });
    const contents = [10, 100_000, 5 * MIB, 12 * MIB + 1].map((bytes) => randomBytes(bytes));
    for (const [index, content] of contents.entries()) {
      const path = `sales/ü +&/part-0000${index}.parquet`;
      const part = await stage(storage, path, content);
      await (await open()).publish(recalled(part), path);
      expect(await md5At(path)).toBe(md5(content));
    }
    const listed = await storage.list('sales');
    expect(listed.map((object) => object.bytes)).toEqual(contents.map((content) => content.length));
    await storage.remove(listed.map((object) => object.path));
    expect(await storage.list('sales')).toEqual([]);
    expect(await storage.get('sales/nothing')).toBeUndefined();
    expect(await uploads()).toBe(0);
  });

  test.each([false, true])(
    'parts under another number are moved inside the store (provisional: %s)',
    async (provisional) => {
      const storage = await open();
      const content = randomBytes(6 * MIB);
      const part = await stage(storage, 'moved/part-00001.parquet', content, { provisional });
      await storage.publish(part, 'moved/part-00000.parquet');
      await storage.publish(part, 'moved/part-00000.parquet');
      expect(await storage.list('moved')).toEqual([{ path: 'moved/part-00000.parquet', bytes: content.length }]);
      expect(await md5At('moved/part-00000.parquet')).toBe(md5(content));
    },
  );

  test('a completion whose answer is lost is found', async () => {
    const proxy = await startFaultProxy(gateway);
    try {
      const storage = await open({ endpointUrl: proxy.endpoint });
      const content = randomBytes(6 * MIB);
      const part = await stage(storage, 'lost/part-00000.parquet', content);
      const isCompletion = ({ method, url }: { method: string; url: string }) =>
        method === 'POST' && url.includes('uploadId=');
      proxy.breakBy(breakTimes(1, isCompletion, { kind: 'lose-answer' }));
      await storage.publish(part, 'lost/part-00000.parquet');
      expect(proxy.broken).toHaveLength(1);
      expect(await md5At('lost/part-00000.parquet')).toBe(md5(content));
    } finally {
      await proxy.stop();
    }
  });

  test('a run notes its uploads, and a later one withdraws those of a dead one', async () => {
    const storage = await open();
    await stage(storage, 'dead/part-00000.parquet', randomBytes(6 * MIB), { runId: 'dead' });
    expect(await uploads()).toBe(1);
    await storage.put(
      '.lakeport/runs/dead/run.json',
      Buffer.from(JSON.stringify({ process: { pid: 1, host: 'gone' }, ended: true })),
    );
    const next = await open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(1);
    await next.endRun();
    expect(await uploads()).toBe(0);
    expect(await storage.list('.lakeport/runs/dead')).toEqual([]);
  });

  test('takes whole exports, the second in place of the first', async () => {
    await using home = await temporaryDirectory();
    const postgres = await startPostgres();
    try {
      const { endpoint, accessKeyId, secretAccessKey } = gateway;
      const keys = { access_key_id: accessKeyId, secret_access_key: secretAccessKey };
      const info = { bucket: 'lake', base_path: 'whole', endpoint_url: endpoint, part_size: '5 MiB', ...keys };
      const entries = { ds_pg: postgresEntry(postgres), lake: { storage_type: 's3', info } };
      const auth = await writeAuthFile(home.path, entries);
      const flags = ['-a', auth, '--source_db_auth_id', 'ds_pg', '--target_storage_id', 'lake', '--json'];
      const run = () => runCli([...flags, '--max_rows_per_file', '10000'], { env: { XDG_STATE_HOME: home.path } });
      const keysThere = async () => {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'lake', Prefix: 'whole/' }));
        return Contents.map(({ Key = '' }) => Key);
      };
      await makeNoisyTable(postgres, 'large', 16);
      await postgres.query('CREATE TABLE small AS SELECT 1 AS id');
      const first = await run();
      expect(first.code, first.stdout).toBe(0);
      expect((await keysThere()).filter((key) => key.includes('/large/part-')).length).toBeGreaterThan(1);

      await postgres.query('DELETE FROM large WHERE id > 10');
      const second = await run();
      expect(second.code, second.stdout).toBe(0);
      expect(await keysThere()).toEqual(
        ['large', 'small']
          .map((table) => `whole/public/_${table}.manifest.json`)
          .concat(
            ['large', 'small'].flatMap((table) =>
              ['_SUCCESS', 'part-00000.parquet'].map((name) => `whole/public/${table}/${name}`),
            ),
          ),
      );
      const { Body: body } = await client.send(
        new GetObjectCommand({ Bucket: 'lake', Key: 'whole/public/_large.manifest.json' }),
      );
      expect(JSON.parse(await body!.transformToString())).toMatchObject({ row_count: 10 });
      expect(await uploads()).toBe(0);
    } finally {
      await postgres.stop();
    }
  });

  test('keeps the mark by which a part is recognised', async () => {
    const storage = await open();
    await storage.publish(await stage(storage, 'mark/part-00000.parquet', randomBytes(MIB)), 'mark/part-00000.parquet');
    const head = await client.send(new HeadObjectCommand({ Bucket: 'lake', Key: 'exports/mark/part-00000.parquet' }));
    expect(head.Metadata?.['lakeport-part']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each<[string, Partial<S3Info>, string]>([
    ['no such bucket', { bucket: 'ponds' }, 'S3_NO_SUCH_BUCKET'],
    ['unknown access key', { credentials: keys('AKIANOBODY', 'test-secret-key') }, 'S3_UNKNOWN_ACCESS_KEY'],
    ['wrong secret key', { credentials: keys('AKIATEST', 'wrong-secret-key') }, 'S3_WRONG_SECRET_KEY'],
    ['unknown storage class', { storageClass: 'ICE' }, 'S3_REFUSED'],
  ])('explains: %s', async (_name, info, code) => {
    const storage = await open({ maxRetries: 0, ...info });
    const error = await failureOf(stage(storage, 't/part-00000.parquet', randomBytes(MIB)));
    expect(error).toMatchObject({ code });
  });

  test('finds the region, which it does not care about', async () => {
    await probeStorage(await open({ region: undefined }));
  });

  test('checksums, where the entry wants them', async () => {
    const storage = await open({ requestChecksum: 'when_supported' });
    const content = randomBytes(6 * MIB);
    await storage.publish(await stage(storage, 'sum/part-00000.parquet', content), 'sum/part-00000.parquet');
    expect(await md5At('sum/part-00000.parquet')).toBe(md5(content));
  });
});

function md5(content: Uint8Array): string {
  return createHash('md5').update(content).digest('hex');
}

function keys(accessKeyId: string, secretAccessKey: string): S3Info['credentials'] {
  return { kind: 'keys', accessKeyId, secretAccessKey, sessionToken: undefined };
}
