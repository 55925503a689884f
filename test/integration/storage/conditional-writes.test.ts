import { randomBytes } from 'node:crypto';

import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openAzureStorage } from '../../../src/storage/azure/index.js';
import { openGcsStorage } from '../../../src/storage/gcs/index.js';
import { openS3Storage } from '../../../src/storage/s3/index.js';
import type { Replaced, StagedPart, Storage } from '../../../src/storage/storage.js';
import { startAzurite } from '../../servers/azurite.js';
import { failure } from '../../harness/failure.js';
import { type FaultProxy, startFaultProxy } from '../../servers/fault-proxy.js';
import { startGcsServer } from '../../servers/gcs-server.js';
import { s3Entry } from '../../harness/s3-entry.js';
import { startS3Server } from '../../servers/s3-server/index.js';
import type { Quirks } from '../../servers/s3-server/request.js';
import { azureEntry, gcsEntry } from '../../harness/store-entries.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const PART = 'public/orders/part-00000.parquet';
const MANIFEST = 'public/_orders.manifest.json';

interface TestStore {
  readonly proxy: FaultProxy;
  open(): Promise<Storage>;
  stop(): Promise<void>;
}

async function s3(quirks: Quirks = {}): Promise<TestStore> {
  const server = await startS3Server({ bucket: 'lake', quirks });
  const proxy = await startFaultProxy(server);
  const settings = { bucket: 'lake', endpointUrl: proxy.endpoint, partSizeBytes: 5 * 1024 * 1024 };
  return {
    proxy,
    open: () => openS3Storage(s3Entry({ ...settings, basePath: `base/${randomBytes(4).toString('hex')}` })),
    stop: () => Promise.all([proxy.stop(), server.stop()]).then(() => undefined),
  };
}

async function gcs(atomicMove: boolean): Promise<TestStore> {
  const server = await startGcsServer({ buckets: ['test-bucket'], atomicMove });
  const proxy = await startFaultProxy(server);
  return {
    proxy,
    open: () => openGcsStorage(gcsEntry({ endpointUrl: proxy.endpoint, basePath: randomBytes(4).toString('hex') })),
    stop: () => Promise.all([proxy.stop(), server.stop()]).then(() => undefined),
  };
}

async function azure(): Promise<TestStore> {
  const azurite = await startAzurite();
  const proxy = await startFaultProxy(azurite);
  const key = new StorageSharedKeyCredential(azurite.account, azurite.key);
  await new BlobServiceClient(`${azurite.endpoint}/${azurite.account}`, key).createContainer('test-container');
  const credentials = { kind: 'account-key', accountKey: azurite.key } as const;
  return {
    proxy,
    open: () => {
      const basePath = randomBytes(4).toString('hex');
      return openAzureStorage(
        azureEntry({ endpointUrl: proxy.endpoint, accountName: azurite.account, credentials, basePath }),
      );
    },
    stop: () => Promise.all([proxy.stop(), azurite.stop()]).then(() => undefined),
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const SMALL = bytes('small');
/** More than S3's store keeps in memory. */
const LARGE = new Uint8Array(100_000).fill(7);
const FOREIGN = bytes('of another run');
const NOTHING: Replaced = { version: undefined };

let store: TestStore;
let storage: Storage;

async function stage(content: Uint8Array, provisional = false): Promise<StagedPart> {
  const writer = await storage.stage(PART, { runId: RUN, provisional });
  await writer.write([content]);
  return writer.end();
}

/** As a listing shows it. */
async function seen(path: string): Promise<Replaced> {
  const listed = await storage.list(path.slice(0, path.lastIndexOf('/')));
  return { version: listed.find((object) => object.path === path)?.version };
}

const text = async (path: string) => Buffer.from((await storage.get(path)) ?? []).toString();

const STORES: Readonly<Record<string, () => Promise<TestStore>>> = {
  S3: () => s3(),
  GCS: () => gcs(true),
  'GCS without atomic moves': () => gcs(false),
  Azure: azure,
};

describe.each(Object.keys(STORES))('a write on a condition to %s', (name) => {
  beforeAll(async () => {
    store = await STORES[name]!();
  });
  beforeEach(async () => {
    storage = await store.open();
  });
  afterEach(async () => {
    store.proxy.breakBy(() => undefined);
    await storage.close();
  });
  afterAll(() => store.stop());

  it.each([
    ['a small part', SMALL, false],
    ['a large part', LARGE, false],
    ['a part under a provisional name', LARGE, true],
  ])('puts %s where nothing was and nothing is, or what was still is', async (_, content, provisional) => {
    await storage.publish(await stage(content, provisional), PART, { replaces: NOTHING });
    const replaces = await seen(PART);
    expect(replaces.version).toBeTypeOf('string');
    const other = content.map((byte) => byte ^ 1);
    await storage.publish(await stage(other, provisional), PART, { replaces });
    expect(Buffer.from((await storage.get(PART))!)).toEqual(Buffer.from(other));
  });

  it.each([
    ['a small part', SMALL, false],
    ['a large part', LARGE, false],
    ['a part under a provisional name', LARGE, true],
  ])('leaves what has come since alone: %s', async (_, content, provisional) => {
    const first = await stage(content, provisional);
    await storage.put(PART, FOREIGN);
    const came = await failure(storage.publish(first, PART, { replaces: NOTHING }));
    expect(came.code).toBe('TARGET_CHANGED');
    await storage.discard(first);

    const replaces = await seen(PART);
    const second = await stage(content, provisional);
    await storage.put(PART, bytes('of yet another run'));
    const changed = await failure(storage.publish(second, PART, { replaces }));
    expect(changed.message).toContain('Another program has changed');
    await storage.discard(second);
    expect(await text(PART)).toBe('of yet another run');
  });

  it('knows small objects apart that are the same but for who wrote them', async () => {
    await storage.put(MANIFEST, SMALL, { replaces: NOTHING });
    const found = await storage.find(MANIFEST);
    expect(found).toMatchObject({ path: MANIFEST, bytes: SMALL.length });
    const again = await failure(storage.put(MANIFEST, SMALL, { replaces: NOTHING }));
    expect(again.code).toBe('TARGET_CHANGED');
    await storage.put(MANIFEST, FOREIGN, { replaces: { version: found!.version } });
    expect(await text(MANIFEST)).toBe('of another run');
    expect(await storage.find('public/_no.manifest.json')).toBeUndefined();
  });

  it('takes its own object for no other where only the answer was lost', async () => {
    let lost = false;
    store.proxy.breakBy(({ method, url }) => {
      const isIt = !lost && (method === 'PUT' || method === 'POST') && !url.includes('%2E');
      lost ||= isIt;
      return isIt ? { kind: 'lose-answer' } : undefined;
    });
    await storage.put(MANIFEST, SMALL, { replaces: NOTHING });
    expect(lost).toBe(true);
    expect(await text(MANIFEST)).toBe('small');
  });

  it('removes nothing that has come since', async () => {
    await storage.put(PART, SMALL);
    const versions = new Map([[PART, (await seen(PART)).version!]]);
    await storage.put(PART, FOREIGN);
    expect((await failure(storage.remove([PART], { versions }))).code).toBe('TARGET_CHANGED');
    expect(await text(PART)).toBe('of another run');
    const now = new Map([[PART, (await seen(PART)).version!]]);
    await storage.remove([PART], { versions: now });
    await storage.remove([PART], { versions: now });
    expect(await storage.list('public')).toEqual([]);
  });
});

describe.each(['ignored', 'refused', 'invalid', 'never met'] as const)(
  'an S3 where conditions are %s',
  (conditions) => {
    beforeAll(async () => {
      store = await s3({ conditions });
      storage = await store.open();
    });
    afterAll(async () => {
      await storage.close();
      await store.stop();
    });

    it.each([
      ['a small part', SMALL, false],
      ['a large part', LARGE, false],
      ['a part under a provisional name', LARGE, true],
    ])('takes %s without them, and gives it up again', async (_, content, provisional) => {
      await storage.publish(await stage(content, provisional), PART, { replaces: await seen(PART) });
      await storage.publish(await stage(content, provisional), PART, { replaces: await seen(PART) });
      await storage.put(MANIFEST, SMALL, { replaces: await seen(MANIFEST) });
      expect((await storage.get(PART))!.length).toBe(content.length);
      await storage.remove([PART], { versions: new Map([[PART, (await seen(PART)).version!]]) });
      expect(await storage.get(PART)).toBeUndefined();
    });

    it('copies nothing over what has come since: it is looked for just before', async () => {
      const part = await stage(LARGE, true);
      await storage.put(PART, FOREIGN);
      const came = await failure(storage.publish(part, PART, { replaces: NOTHING }));
      expect(came.code).toBe('TARGET_CHANGED');
      await storage.discard(part);
      expect(await text(PART)).toBe('of another run');
    });

    it.skipIf(conditions === 'ignored')('removes nothing that has come since: it is looked for first', async () => {
      const versions = new Map([[PART, (await seen(PART)).version!]]);
      await storage.put(PART, bytes('of yet another run'));
      for (let attempt = 0; attempt < 2; attempt++) {
        expect((await failure(storage.remove([PART], { versions }))).code).toBe('TARGET_CHANGED');
      }
      expect(await text(PART)).toBe('of yet another run');
    });
  },
);

describe.each(['S3', 'Azure'])("parts that move to each other's numbers in %s", (name) => {
  it('prove the claim when their turn has come', async () => {
    store = await STORES[name]!();
    storage = await store.open();
    const paths = [0, 1, 2].map((number) => `public/orders/part-0000${number}.parquet`);
    const staged: StagedPart[] = [];
    for (const path of paths.slice(1)) {
      const writer = await storage.stage(path, { runId: RUN });
      await writer.write([LARGE]);
      staged.push(await writer.end());
    }
    const proofs: number[] = [];
    const lost = new Error('another run has taken over');
    const publishing = staged.map((part, index) =>
      storage.publish(part, paths[index]!, {
        confirm: () => (proofs.push(index), index === 0 ? Promise.resolve() : Promise.reject(lost)),
      }),
    );
    await publishing[0];
    await expect(publishing[1]).rejects.toBe(lost);
    // Before each of the two requests of the first one; the second one comes no further than its first.
    expect(proofs).toEqual([0, 0, 1]);
    expect((await storage.list('public')).map(({ path }) => path)).toEqual([paths[0]]);
    await storage.close();
    await store.stop();
  });
});
