import { randomBytes } from 'node:crypto';
import http from 'node:http';

import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { AzureInfo } from '../../../../src/storage/azure/info.js';
import { openAzureStorage } from '../../../../src/storage/azure/index.js';
import type { StagedPart, Storage } from '../../../../src/storage/storage.js';
import { type Azurite, startAzurite } from '../../../servers/azurite.js';
import { failure } from '../../../harness/failure.js';
import {
  breakTimes,
  type Fault,
  type FaultProxy,
  type ProxiedRequest,
  startFaultProxy,
} from '../../../servers/fault-proxy.js';
import { azureEntry } from '../../../harness/store-entries.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const BLOCK = 256 * 1024;
const PART = 'public/orders/part-00000.parquet';
const OTHER_PART = 'public/orders/part-00001.parquet';

let azurite: Azurite;
let proxy: FaultProxy;
let container: string;
let storage: Storage;

beforeAll(async () => {
  azurite = await startAzurite();
  proxy = await startFaultProxy(azurite);
});

afterAll(async () => {
  await proxy.stop();
  await azurite.stop();
});

beforeEach(async () => {
  container = `c-${randomBytes(6).toString('hex')}`;
  await official().create();
  proxy.breakBy(() => undefined);
  proxy.throttle(undefined);
  storage = await open();
});

afterEach(() => storage.close());

function open(info: Partial<AzureInfo> = {}): Promise<Storage> {
  const credentials = { kind: 'account-key', accountKey: azurite.key } as const;
  const { account: accountName } = azurite;
  const patience = { timeoutMs: 400, maxRetries: 3 };
  return openAzureStorage(
    azureEntry({ endpointUrl: proxy.endpoint, accountName, container, credentials, ...patience, ...info }),
  );
}

function official() {
  return BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(container);
}

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const blob of official().listBlobsFlat({ includeUncommitedBlobs: true })) found.push(blob.name);
  return found.sort();
}

async function stage(content: Uint8Array, options: { path?: string; provisional?: boolean } = {}): Promise<StagedPart> {
  const { path = PART, ...rest } = options;
  const writer = await storage.stage(path, { runId: RUN, ...rest });
  try {
    for (let at = 0; at < content.length; at += 100_000) await writer.write([content.subarray(at, at + 100_000)]);
    return await writer.end();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function read(path: string): Promise<Buffer> {
  return official().getBlockBlobClient(`base/exports/${path}`).downloadToBuffer();
}

/** An error answer of the service, which never leaves out its request id. */
function refusal(status: number, code: string): Fault {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/xml', 'x-ms-request-id': 'fault', 'x-ms-error-code': code },
    body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${code} it is.</Message></Error>`,
  };
}

const isBlock = ({ url }: ProxiedRequest) => url.includes('comp=block&');
const isCommit = ({ url }: ProxiedRequest) => url.includes('comp=blocklist');
const isCopy = ({ headers }: ProxiedRequest) => headers['x-ms-copy-source'] !== undefined;
const isDelete = ({ method }: ProxiedRequest) => method === 'DELETE';
const isPut = ({ method, url }: ProxiedRequest) => method === 'PUT' && !url.includes('comp=');

const PASSING: [string, Fault][] = [
  ['a reset in mid-body', { kind: 'reset', afterBytes: 50_000 }],
  ['a reset at once', { kind: 'reset', afterBytes: 0 }],
  ['HTTP 500', refusal(500, 'InternalError')],
  ['HTTP 503 ServerBusy', refusal(503, 'ServerBusy')],
  ['HTTP 502 as a web page', { kind: 'answer', status: 502, body: '<html><body>Bad Gateway</body></html>' }],
  ['a stall beyond the timeout', { kind: 'stall' }],
  ['a lost answer', { kind: 'lose-answer' }],
];

describe('trouble that passes', () => {
  it.each(PASSING)('%s at blocks is overcome', async (_what, fault) => {
    const content = randomBytes(9 * BLOCK + 7);
    proxy.breakBy(breakTimes(3, isBlock, fault));
    await storage.publish(await stage(content), PART);
    expect(proxy.broken.length).toBeGreaterThan(0);
    expect((await read(PART)).equals(content)).toBe(true);
  });

  it.each(PASSING)('%s at publishing is overcome, and the part is published once', async (_what, fault) => {
    await storage.put(PART, Buffer.from('old'));
    const staged = await stage(Buffer.from('new'));
    let commits = 0;
    const breaking = breakTimes(1, isCommit, fault);
    proxy.breakBy((request) => {
      const broken = breaking(request);
      if (isCommit(request) && (broken === undefined || broken.kind === 'lose-answer')) commits++;
      return broken;
    });
    await storage.publish(staged, PART);
    expect((await read(PART)).toString()).toBe('new');
    expect(commits).toBe(1);
  });

  it.each(
    PASSING.flatMap(([what, fault]) =>
      (
        [
          ['commit', isCommit],
          ['copy', isCopy],
          ['removal', isDelete],
        ] as const
      ).map(([where, matches]) => ({ what, fault, where, matches })),
    ),
  )('$what at the $where of a part that changes its name is overcome', async ({ fault, matches }) => {
    await storage.put(PART, Buffer.from('old'));
    const staged = await stage(Buffer.from('new'), { path: OTHER_PART });
    const before = proxy.broken.length;
    proxy.breakBy(breakTimes(1, matches, fault));
    await storage.publish(staged, PART);
    expect(proxy.broken.length - before).toBe(1);
    expect((await read(PART)).toString()).toBe('new');
    expect(await names()).toEqual([`base/exports/${PART}`]);
  });

  it.each([
    ['copied', isCopy, OTHER_PART, false, 'staged'],
    ['copied from a hidden name', isCopy, OTHER_PART, true, 'staged'],
    ['removed', isDelete, OTHER_PART, true, 'published'],
  ] as const)('a part that a killed process has not yet %s is located and published', async (...given) => {
    const [, matches, path, provisional, standing] = given;
    const staged = await stage(Buffer.from('new'), { path, provisional });
    const killed = await open({ maxRetries: 0 });
    proxy.breakBy((request) => (matches(request) ? refusal(403, 'AuthorizationFailure') : undefined));
    await failure(killed.publish(staged, PART));
    await killed.close();
    proxy.breakBy(() => undefined);

    await storage.beginRun({ runId: RUN, directory: '' });
    expect(await storage.locate(staged, PART)).toBe(standing);
    if (standing === 'staged') await storage.publish(staged, PART);
    expect(await storage.locate(staged, PART)).toBe('published');
    await storage.endRun();
    expect((await read(PART)).toString()).toBe('new');
    expect(await names()).toEqual([`base/exports/${PART}`]);
  });

  it.each(PASSING)('%s at the marker of a run is overcome', async (_what, fault) => {
    proxy.breakBy(breakTimes(1, isPut, fault));
    await storage.beginRun({ runId: RUN, directory: '' });
    await storage.endRun();
    expect(await names()).toEqual([]);
  });
});

describe('parts that change their numbers', () => {
  it('come one after the other, whatever delays one of them', async () => {
    const third = 'public/orders/part-00002.parquet';
    const staged = [
      await stage(Buffer.from('second'), { path: OTHER_PART }),
      await stage(Buffer.from('third'), { path: third }),
    ] as const;
    proxy.breakBy(
      breakTimes(2, (request) => isCommit(request) && request.url.includes('part-00001'), refusal(503, 'ServerBusy')),
    );
    await Promise.all([storage.publish(staged[0], PART), storage.publish(staged[1], OTHER_PART)]);
    expect([(await read(PART)).toString(), (await read(OTHER_PART)).toString()]).toEqual(['second', 'third']);
    expect(await names()).toHaveLength(2);
  });

  it('leave no blocks behind when they are withdrawn, which alone can not be deleted', async () => {
    const staged = await stage(Buffer.from('content'), { provisional: true });
    const seen: string[] = [];
    // Azurite deletes what Azure says is not there: a blob that is nothing but blocks.
    const notThere = breakTimes(1, isDelete, refusal(404, 'BlobNotFound'));
    proxy.breakBy((request) => {
      seen.push(isCommit(request) ? 'commit' : request.method);
      return notThere(request);
    });
    await storage.discard(staged);
    expect(seen).toEqual(['DELETE', 'commit', 'DELETE']);
    expect(await names()).toEqual([]);
  });
});

describe('trouble that stays', () => {
  it('is told as what it is, and can be tried again later', async () => {
    proxy.breakBy((request) => (isBlock(request) ? { kind: 'reset', afterBytes: 10 } : undefined));
    const error = await failure(stage(randomBytes(3 * BLOCK), { provisional: true }));
    expect(error).toMatchObject({ code: 'AZURE_CONNECTION_LOST', exit: 'unreachable', transient: true });
    expect(await names()).toEqual([]);
  });

  it('stalls no longer than the timeout allows', async () => {
    storage = await open({ maxRetries: 0 });
    proxy.breakBy(() => ({ kind: 'stall' }));
    const start = performance.now();
    expect(await failure(storage.put('x', Buffer.from('x')))).toMatchObject({
      code: 'AZURE_TIMED_OUT',
      transient: true,
    });
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('a permission that is taken away in mid-run ends the part at once', async () => {
    const before = proxy.broken.length;
    storage = await open({ uploadConcurrency: 1 });
    proxy.breakBy((request) => (isBlock(request) ? refusal(403, 'AuthorizationPermissionMismatch') : undefined));
    const error = await failure(stage(randomBytes(8 * BLOCK)));
    expect(error).toMatchObject({ code: 'AZURE_ACCESS_DENIED', exit: 'unreachable', transient: false });
    expect(error.hint).toContain('Storage Blob Data Contributor');
    expect(proxy.broken.length - before).toBe(1);
  });

  it('a container that disappears in mid-run is named', async () => {
    const staged = await stage(Buffer.from('content'));
    await official().delete();
    expect(await failure(storage.publish(staged, PART))).toMatchObject({
      code: 'AZURE_NO_SUCH_CONTAINER',
      transient: false,
    });
    expect(await failure(storage.get('x'))).toMatchObject({ code: 'AZURE_NO_SUCH_CONTAINER' });
    await official().create();
  });

  it.each([
    ['BlobImmutableDueToPolicy', 409, 'AZURE_BLOB_IMMUTABLE'],
    ['LeaseIdMissing', 412, 'AZURE_BLOB_LEASED'],
    ['InvalidBlobType', 409, 'AZURE_OTHER_BLOB_TYPE'],
    ['InvalidBlobOrBlock', 400, 'AZURE_FOREIGN_BLOCKS'],
  ])('%s (HTTP %d) is explained', async (code, status, explained) => {
    proxy.breakBy((request) => (isPut(request) ? refusal(status, code) : undefined));
    const error = await failure(storage.put('x', Buffer.from('x')));
    expect(error).toMatchObject({ code: explained, transient: false });
    expect(error.hint).toBeDefined();
  });
});

describe('a slow store', () => {
  it('makes the writer wait, and holds no more than the blocks on their way and one', async () => {
    storage = await open({ timeoutMs: 5_000 });
    proxy.throttle(4 * 1024 * 1024);
    let begun = 0;
    proxy.breakBy((request) => {
      if (isBlock(request)) begun++;
      return undefined;
    });
    const writer = await storage.stage(PART, { runId: RUN });
    const start = performance.now();
    for (let block = 1; block <= 20; block++) {
      await writer.write([randomBytes(BLOCK)]);
      expect(block - begun).toBeLessThanOrEqual(5);
    }
    await writer.end();
    expect(performance.now() - start).toBeGreaterThan(800);
  });
});

describe('a blob too large to be copied in one step', () => {
  let steps: number;
  let server: http.Server;

  /** Azurite has no "Put Block From URL": this does it in its place, by reading the range and staging it. */
  beforeEach(async () => {
    steps = 0;
    server = http.createServer((request, response) => {
      const step = async () => {
        const { 'x-ms-copy-source': source, 'x-ms-source-range': range } = request.headers;
        const blockId = new URL(request.url ?? '/', 'http://x').searchParams.get('blockid') ?? '';
        const copied = await fetch(String(source), { headers: { 'x-ms-range': String(range) } });
        const content = Buffer.from(await copied.arrayBuffer());
        await official().getBlockBlobClient(`base/exports/${PART}`).stageBlock(blockId, content, content.length);
        steps++;
        response.writeHead(201, { 'x-ms-request-id': 'step' }).end();
      };
      request.resume();
      if (isBlock({ url: request.url ?? '' } as ProxiedRequest) && request.headers['x-ms-copy-source'] !== undefined) {
        void step();
        return;
      }
      const { method, url, headers } = request;
      const onward = http.request({ host: '127.0.0.1', port: azurite.port, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is copied in several, and appears when all have come', async () => {
    const { port } = server.address() as { port: number };
    const patience = { timeoutMs: 100_000, partSizeBytes: 16 * 1024 * 1024 };
    storage = await open({ endpointUrl: `http://127.0.0.1:${port}`, ...patience });
    const content = randomBytes(1024 * 1024);
    const writer = await storage.stage(OTHER_PART, { runId: RUN });
    for (let megabyte = 0; megabyte < 257; megabyte++) await writer.write([content]);
    await storage.publish(await writer.end(), PART);
    expect(steps).toBe(2);
    const properties = await official().getBlockBlobClient(`base/exports/${PART}`).getProperties();
    expect(properties.contentLength).toBe(257 * 1024 * 1024);
    const tail = official()
      .getBlockBlobClient(`base/exports/${PART}`)
      .downloadToBuffer(256 * 1024 * 1024);
    expect((await tail).equals(content)).toBe(true);
    expect(await names()).toEqual([`base/exports/${PART}`]);
  });
});
