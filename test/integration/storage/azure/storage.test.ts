import { createHash, randomBytes } from 'node:crypto';

import {
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { AzureCredentials } from '../../../../src/storage/azure/info.js';
import { openAzureStorage } from '../../../../src/storage/azure/index.js';
import type { StagedPart, Storage } from '../../../../src/storage/storage.js';
import { type Azurite, startAzurite } from '../../../servers/azurite.js';
import { failure } from '../../../harness/failure.js';
import { type FaultProxy, type ProxiedRequest, startFaultProxy } from '../../../servers/fault-proxy.js';
import { azureEntry } from '../../../harness/store-entries.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const OTHER_RUN = '22222222-2222-4222-8222-222222222222';
const BLOCK = 256 * 1024;
const HIDDEN = 'base/exports/.lakeport/';
const PART_0 = 'public/orders/part-00000.parquet';
const PART_1 = 'public/orders/part-00001.parquet';
const PART_2 = 'public/orders/part-00002.parquet';

let azurite: Azurite;
/** Breaks no request here, but sees them. */
let proxy: FaultProxy;
const seen: ProxiedRequest[] = [];
let container: string;
let storage: Storage;

beforeAll(async () => {
  azurite = await startAzurite();
  proxy = await startFaultProxy(azurite);
  proxy.breakBy((request) => {
    seen.push(request);
    return undefined;
  });
});

afterAll(async () => {
  await proxy.stop();
  await azurite.stop();
});

beforeEach(async () => {
  container = `c-${randomBytes(6).toString('hex')}`;
  await official().create();
  storage = await open();
});

afterEach(() => storage.close());

function open(credentials: AzureCredentials = { kind: 'account-key', accountKey: azurite.key }): Promise<Storage> {
  const { account: accountName } = azurite;
  return openAzureStorage(azureEntry({ endpointUrl: proxy.endpoint, accountName, container, credentials }));
}

/** Microsoft's own client, which reads back what was written. */
function official() {
  return BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container);
}

async function names(options: { uncommitted?: boolean } = {}): Promise<string[]> {
  const found: string[] = [];
  const query = options.uncommitted === true ? { includeUncommitedBlobs: true } : {};
  for await (const blob of official().listBlobsFlat(query)) found.push(blob.name);
  return found.sort();
}

async function stage(path: string, content: Uint8Array, options: { runId?: string; provisional?: boolean } = {}) {
  const writer = await storage.stage(path, { runId: RUN, ...options });
  for (let at = 0; at < content.length; at += 70_000) await writer.write([content.subarray(at, at + 70_000)]);
  return writer.end();
}

async function read(path: string): Promise<string> {
  return (await official().getBlockBlobClient(`base/exports/${path}`).downloadToBuffer()).toString();
}

const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

describe('staging and publishing', () => {
  it.each([
    ['nothing', 0],
    ['one byte', 1],
    ['exactly a block', BLOCK],
    ['a block and a byte', BLOCK + 1],
    ['many blocks', 9 * BLOCK + 12_345],
  ])('stages %s, and shows it only when it is published', async (_what, size) => {
    const content = randomBytes(size);
    const staged = await stage(PART_0, content);

    expect(staged).toMatchObject({ storageId: 'lake', bytes: size, sha256: sha256(content) });
    expect(await storage.list('')).toEqual([]);
    expect(await names()).toEqual([]);

    await storage.publish(staged, PART_0);

    const blob = official().getBlockBlobClient(`base/exports/${PART_0}`);
    expect((await blob.downloadToBuffer()).equals(content)).toBe(true);
    expect((await blob.getProperties()).contentType).toBe('application/vnd.apache.parquet');
    expect(await storage.list('public')).toMatchObject([{ path: PART_0, bytes: size }]);
    expect(await names({ uncommitted: true })).toEqual([`base/exports/${PART_0}`]);
  });

  it('leaves the earlier part as it is until the new one is published, whole, in its place', async () => {
    await storage.put(PART_0, bytes('old'));
    const staged = await stage(PART_0, bytes('new'));
    expect(await read(PART_0)).toBe('old');

    seen.length = 0;
    await storage.publish(staged, PART_0);
    expect(seen.map(({ method, url }) => `${method} ${/comp=\w+/.exec(url)?.[0] ?? ''}`)).toEqual([
      'PUT comp=blocklist',
    ]);
    expect(await read(PART_0)).toBe('new');
  });

  it('publishes under lower numbers where slices were empty, even all at once', async () => {
    await storage.put(PART_0, bytes('old 0'));
    await storage.put(PART_1, bytes('old 1'));
    await storage.put(PART_2, bytes('old 2'));
    const second = await stage(PART_1, bytes('second'));
    const third = await stage(PART_2, bytes('third'));

    await Promise.all([storage.publish(second, PART_0), storage.publish(third, PART_1)]);

    expect([await read(PART_0), await read(PART_1)]).toEqual(['second', 'third']);
    expect(await names({ uncommitted: true })).toEqual([`base/exports/${PART_0}`, `base/exports/${PART_1}`]);
  });

  it('publishes under any names what was staged provisionally, even under those of other parts', async () => {
    const provisional = { provisional: true };
    const first = await stage(PART_0, bytes('first'), provisional);
    const extra = await stage('public/orders/part-00000-00001.parquet', bytes('extra'), provisional);
    const second = await stage(PART_1, bytes('second'), provisional);
    const twin = await stage(PART_1, bytes('twin'), provisional);
    expect((await names({ uncommitted: true })).every((name) => name.startsWith(HIDDEN))).toBe(true);

    await storage.publish(twin, 'public/orders/part-00003.parquet');
    await storage.publish(second, PART_2);
    await Promise.all([storage.publish(first, PART_0), storage.publish(extra, PART_1)]);

    const parts = [PART_0, PART_1, PART_2, 'public/orders/part-00003.parquet'];
    expect(await Promise.all(parts.map(read))).toEqual(['first', 'extra', 'second', 'twin']);
    expect(await names({ uncommitted: true })).toEqual(parts.map((path) => `base/exports/${path}`));
  });

  it('says that a part is gone rather than publish another one in its place', async () => {
    const lost = await stage(PART_0, bytes('lost'));
    const winner = await stage(PART_0, bytes('winner'));
    await storage.publish(winner, PART_0);

    const error = await failure(storage.publish(lost, PART_0));
    expect(error).toMatchObject({ code: 'STAGED_PART_GONE', exit: 'tables-failed', transient: false });
    expect(await read(PART_0)).toBe('winner');
  });

  it.each([false, true])(
    'is published by another process than staged it, once (provisional: %s)',
    async (provisional) => {
      const staged = await stage(PART_0, bytes('content'), { provisional });
      // The run log keeps the part as JSON.
      const kept = JSON.parse(JSON.stringify(staged)) as StagedPart;
      const other = await open();
      await other.publish(kept, PART_0);
      await other.publish(kept, PART_0);
      expect(await read(PART_0)).toBe('content');
      await other.close();
    },
  );

  it('leaves nothing to be seen when it is aborted or withdrawn', async () => {
    await storage.put(PART_1, bytes('old'));
    for (const provisional of [false, true]) {
      const writer = await storage.stage(PART_0, { runId: RUN, provisional });
      await writer.write([randomBytes(3 * BLOCK)]);
      await writer.abort();
      await writer.abort();
      await expect(writer.write([bytes('more')])).rejects.toThrow();
      const staged = await stage(PART_1, bytes('content'), { provisional });
      await storage.discard(staged);
      await storage.discard(staged);
    }
    expect(await names()).toEqual([`base/exports/${PART_1}`]);
    expect(await read(PART_1)).toBe('old');
    // Blocks at a part's own place can't be taken back; the next commit there takes them away.
    expect((await names({ uncommitted: true })).filter((name) => name.startsWith(HIDDEN))).toEqual([]);
  });

  it('removes blocks that failed attempts have left at its place', async () => {
    const writer = await storage.stage(PART_0, { runId: RUN });
    await writer.write([randomBytes(3 * BLOCK)]);
    await writer.abort();
    await storage.publish(await stage(PART_0, bytes('content')), PART_0);
    const blocks = await official().getBlockBlobClient(`base/exports/${PART_0}`).getBlockList('all');
    expect(blocks.uncommittedBlocks ?? []).toEqual([]);
    expect(blocks.committedBlocks).toHaveLength(1);
  });

  it('withdraws nothing but what was staged', async () => {
    await storage.put(PART_0, bytes('precious'));
    const staged = await stage(PART_1, bytes('content'), { provisional: true });
    await storage.discard({ ...staged, token: { ...staged.token, blob: PART_0 } });
    expect(await read(PART_0)).toBe('precious');
  });
});

describe('small objects', () => {
  it('are written, read, listed and removed', async () => {
    await storage.put('many/ü %2F+#.json', bytes('{}'));
    await storage.put('many/_SUCCESS', bytes(''));
    await storage.put('many_more/_SUCCESS', bytes(''));
    expect(await storage.list('many')).toMatchObject([
      { path: 'many/_SUCCESS', bytes: 0 },
      { path: 'many/ü %2F+#.json', bytes: 2 },
    ]);
    expect(await storage.get('many/ü %2F+#.json')).toEqual(Buffer.from('{}'));
    expect(await storage.get('many/none')).toBeUndefined();
    await storage.remove(['many/ü %2F+#.json', 'many/none']);
    expect(await storage.list('many')).toHaveLength(1);
  });

  it('leave out directories, which accounts with a hierarchy list as blobs', async () => {
    await official()
      .getBlockBlobClient('base/exports/many/directory')
      .upload('', 0, { metadata: { hdi_isfolder: 'true' } });
    await storage.put('many/directory/file', bytes('x'));
    expect(await storage.list('many')).toMatchObject([{ path: 'many/directory/file', bytes: 1 }]);
  });

  it('are shown by their address, without a signature', async () => {
    expect(storage.display(PART_0)).toBe(`${proxy.endpoint}/devstoreaccount1/${container}/base/exports/${PART_0}`);
    const signed = await open({ kind: 'sas', sasToken: sas('rcwdl') });
    expect(signed.display(PART_0)).not.toContain('sig=');
    await signed.close();
  });
});

describe('credentials', () => {
  it.each([
    ['an account key', (): AzureCredentials => ({ kind: 'account-key', accountKey: azurite.key })],
    ['a shared access signature', (): AzureCredentials => ({ kind: 'sas', sasToken: `?${sas('rcwdl')}` })],
    [
      'a connection string',
      (): AzureCredentials => ({ kind: 'connection-string', connectionString: azurite.connectionString }),
    ],
    [
      'a connection string with a signature',
      (): AzureCredentials => ({
        kind: 'connection-string',
        connectionString: `BlobEndpoint=${azurite.endpoint}/${azurite.account};SharedAccessSignature=${sas('rcwdl')}`,
      }),
    ],
  ])('%s serves to prepare, stage, publish and copy', async (_what, credentials) => {
    await storage.close();
    storage = await open(credentials());
    await storage.prepare();
    await storage.publish(await stage(PART_0, bytes('content')), PART_0);
    await storage.publish(await stage(PART_2, bytes('copied'), { provisional: true }), PART_1);
    expect([await read(PART_0), await read(PART_1)]).toEqual(['content', 'copied']);
    expect(await names({ uncommitted: true })).toHaveLength(2);
  });

  it('of the emulator need not be given', async () => {
    const entry = azureEntry({ endpointUrl: proxy.endpoint, useEmulator: true, container });
    const emulator = await openAzureStorage(entry);
    await emulator.prepare();
    await emulator.close();
  });
});

describe('runs', () => {
  it('leave nothing in the container when they end', async () => {
    await storage.prepare();
    await storage.beginRun({ runId: RUN, directory: '' });
    expect(await names()).toEqual([`${HIDDEN}run-${RUN}.json`]);
    await stage(PART_0, bytes('never published'), { provisional: true });
    await storage.endRun();
    expect(await names({ uncommitted: true })).toEqual([]);
  });

  it('spare what a living run has staged, and sweep what a dead one has', async () => {
    const other = await open();
    const options = { runId: OTHER_RUN, provisional: true };
    await other.beginRun({ runId: OTHER_RUN, directory: '' });
    const staged = await stage(PART_0, bytes('of the other run'), options);

    await storage.beginRun({ runId: RUN, directory: '' });
    expect(await storage.sweep()).toBe(0);
    await storage.publish(staged, PART_0);

    await stage(PART_1, bytes('of the other run'), options);
    await other.close();
    await markDead(OTHER_RUN);
    expect(await storage.sweep()).toBe(1);
    await storage.endRun();
    expect(await names({ uncommitted: true })).toEqual([`base/exports/${PART_0}`]);
  });

  it('refuse the id of a run that is alive', async () => {
    const other = await open();
    await other.beginRun({ runId: RUN, directory: '' });
    expect(await failure(storage.beginRun({ runId: RUN, directory: '' }))).toMatchObject({
      code: 'RUN_IS_ACTIVE',
      exit: 'in-use',
    });
    await other.endRun();
    await other.close();
  });
});

function sas(permissions: string): string {
  const credential = new StorageSharedKeyCredential(azurite.account, azurite.key);
  return generateBlobSASQueryParameters(
    {
      containerName: container,
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 600_000),
    },
    credential,
  ).toString();
}

/** Makes the run's marker that of a process that is gone. */
async function markDead(runId: string): Promise<void> {
  const blob = official().getBlockBlobClient(`${HIDDEN}run-${runId}.json`);
  // Written by the store under test.
  const marker = JSON.parse((await blob.downloadToBuffer()).toString()) as object;
  const content = JSON.stringify({ ...marker, pid: 2 ** 22 + 1 });
  await blob.upload(content, content.length);
}
