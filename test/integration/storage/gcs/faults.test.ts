import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { GcsInfo } from '../../../../src/storage/gcs/info.js';
import { openGcsStorage } from '../../../../src/storage/gcs/index.js';
import type { StagedPart, Storage } from '../../../../src/storage/storage.js';
import { failure } from '../../../harness/failure.js';
import {
  breakTimes,
  type Fault,
  type FaultProxy,
  type ProxiedRequest,
  startFaultProxy,
} from '../../../servers/fault-proxy.js';
import { type GcsServer, startGcsServer } from '../../../servers/gcs-server.js';
import { gcsEntry } from '../../../harness/store-entries.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const CHUNK = 256 * 1024;
const BUCKET = 'test-bucket';
const PART = 'public/orders/part-00000.parquet';
const NAME = `base/exports/${PART}`;

let server: GcsServer;
let proxy: FaultProxy;
let storage: Storage;

beforeAll(async () => {
  server = await startGcsServer({ buckets: [BUCKET] });
  proxy = await startFaultProxy(server);
});

afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

beforeEach(async () => {
  server.bucket(BUCKET).objects.clear();
  server.bucket(BUCKET).writes.clear();
  proxy.breakBy(() => undefined);
  proxy.throttle(undefined);
  storage = await open();
});

afterEach(() => storage.close());

function open(info: Partial<GcsInfo> = {}): Promise<Storage> {
  return openGcsStorage(gcsEntry({ endpointUrl: proxy.endpoint, timeoutMs: 400, maxRetries: 3, ...info }));
}

async function stage(content: Uint8Array): Promise<StagedPart> {
  const writer = await storage.stage(PART, { runId: RUN });
  try {
    for (let at = 0; at < content.length; at += 100_000) await writer.write([content.subarray(at, at + 100_000)]);
    return await writer.end();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function refusal(status: number, reason: string, message = reason): Fault {
  const error = { code: status, message, errors: [{ reason, message, domain: 'global' }] };
  return { kind: 'answer', status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error }) };
}

const isChunk = ({ method, headers }: ProxiedRequest) =>
  method === 'PUT' && /^bytes \d/.test(String(headers['content-range']));
const isLastChunk = (request: ProxiedRequest) =>
  isChunk(request) && !String(request.headers['content-range']).endsWith('/*');
const isMiddleChunk = (request: ProxiedRequest) => isChunk(request) && !isLastChunk(request);
const isStart = ({ url }: ProxiedRequest) => url.includes('uploadType=resumable');
const isWhole = ({ url }: ProxiedRequest) => url.includes('uploadType=multipart');
const isMove = ({ url }: ProxiedRequest) => url.includes('/moveTo/');

const PASSING: [string, Fault][] = [
  ['a reset in mid-chunk', { kind: 'reset', afterBytes: 50_000 }],
  ['a reset at once', { kind: 'reset', afterBytes: 0 }],
  ['HTTP 500', refusal(500, 'backendError')],
  ['HTTP 503 in plain text', { kind: 'answer', status: 503, body: 'Service Unavailable' }],
  ['HTTP 502 as a web page', { kind: 'answer', status: 502, body: '<html><body>Bad Gateway</body></html>' }],
  ['HTTP 429', refusal(429, 'rateLimitExceeded')],
  ['a stall beyond the timeout', { kind: 'stall' }],
  ['a lost answer', { kind: 'lose-answer' }],
];

describe('trouble that passes', () => {
  it.each(
    PASSING.flatMap(([what, fault]) =>
      (
        [
          ['a chunk', isMiddleChunk],
          ['the last chunk', isLastChunk],
          ['the start of the upload', isStart],
        ] as const
      ).map(([where, matches]) => ({ what, fault, where, matches })),
    ),
  )('$what at $where is overcome', async ({ fault, matches }) => {
    const content = randomBytes(5 * CHUNK + 7);
    proxy.breakBy(breakTimes(1, matches, fault));

    await storage.publish(await stage(content), PART);

    expect(proxy.broken.length).toBeGreaterThan(0);
    expect(server.bucket(BUCKET).find(NAME).body.equals(content)).toBe(true);
    expect([...server.bucket(BUCKET).objects.keys()]).toEqual([NAME]);
  });

  it.each(PASSING)('%s at a small part is overcome', async (_what, fault) => {
    proxy.breakBy(breakTimes(1, isWhole, fault));
    const staged = await stage(Buffer.from('small'));
    expect([...server.bucket(BUCKET).writes.values()]).toEqual([1]);
    await storage.publish(staged, PART);
    expect(server.bucket(BUCKET).find(NAME).body.toString()).toBe('small');
  });

  it.each(PASSING)('%s at publishing is overcome, and the part is published once', async (_what, fault) => {
    await storage.put(PART, Buffer.from('old'));
    const staged = await stage(Buffer.from('new'));
    proxy.breakBy(breakTimes(1, isMove, fault));
    await storage.publish(staged, PART);
    expect(server.bucket(BUCKET).find(NAME).body.toString()).toBe('new');
    expect(server.bucket(BUCKET).writes.get(NAME)).toBe(2);
    expect([...server.bucket(BUCKET).objects.keys()]).toEqual([NAME]);
  });

  it.each(PASSING)('%s at the marker of a run is overcome', async (_what, fault) => {
    proxy.breakBy(breakTimes(1, isWhole, fault));
    await storage.beginRun({ runId: RUN, directory: '' });
    await storage.endRun();
    expect([...server.bucket(BUCKET).objects.keys()]).toEqual([]);
  });

  it('sends again only what has not arrived', async () => {
    const chunks: string[] = [];
    let broken = false;
    proxy.breakBy((request) => {
      if (isChunk(request)) chunks.push(String(request.headers['content-range']));
      if (broken || chunks.length < 2) return undefined;
      broken = true;
      return { kind: 'lose-answer' };
    });
    await stage(randomBytes(3 * CHUNK + 1));
    expect(chunks).toEqual([
      `bytes 0-${CHUNK - 1}/*`,
      `bytes ${CHUNK}-${2 * CHUNK - 1}/*`,
      `bytes ${2 * CHUNK}-${3 * CHUNK - 1}/*`,
      `bytes ${3 * CHUNK}-${3 * CHUNK}/${3 * CHUNK + 1}`,
    ]);
  });
});

describe('a copy in place of a move', () => {
  let emulator: GcsServer;
  let before: FaultProxy;

  beforeEach(async () => {
    emulator = await startGcsServer({ buckets: [BUCKET], atomicMove: false });
    before = await startFaultProxy(emulator);
    storage = await open({ endpointUrl: before.endpoint });
  });

  afterEach(async () => {
    await before.stop();
    await emulator.stop();
  });

  it.each(PASSING)('is made once in spite of %s', async (_what, fault) => {
    await storage.put(PART, Buffer.from('old'));
    const staged = await stage(Buffer.from('new'));
    before.breakBy(breakTimes(1, ({ url }) => url.includes('/rewriteTo/'), fault));
    await storage.publish(staged, PART);
    expect(emulator.bucket(BUCKET).find(NAME).body.toString()).toBe('new');
    expect(emulator.bucket(BUCKET).writes.get(NAME)).toBe(2);
    expect([...emulator.bucket(BUCKET).objects.keys()]).toEqual([NAME]);
  });

  it('that a killed process has made without removing the staged object is not made again', async () => {
    const staged = await stage(Buffer.from('new'));
    before.breakBy(({ method }) => (method === 'DELETE' ? { kind: 'answer', status: 403 } : undefined));
    await failure(storage.publish(staged, PART));
    before.breakBy(() => undefined);

    const resumed = await open({ endpointUrl: before.endpoint });
    expect(await resumed.locate(staged, PART)).toBe('staged');
    await resumed.publish(staged, PART);
    expect(await resumed.locate(staged, PART)).toBe('published');
    expect(emulator.bucket(BUCKET).writes.get(NAME)).toBe(1);
    expect([...emulator.bucket(BUCKET).objects.keys()]).toEqual([NAME]);
    await resumed.close();
  });
});

describe('trouble that stays', () => {
  it('is told as what it is, and can be tried again later', async () => {
    proxy.breakBy((request) => (isChunk(request) ? { kind: 'reset', afterBytes: 10 } : undefined));
    const error = await failure(stage(randomBytes(3 * CHUNK)));
    expect(error).toMatchObject({ code: 'GCS_CONNECTION_LOST', exit: 'unreachable', transient: true });
    expect(proxy.broken.filter(isChunk).length).toBeGreaterThanOrEqual(1);
    expect([...server.bucket(BUCKET).objects.keys()]).toEqual([]);
  });

  it('stalls no longer than the timeout allows', async () => {
    storage = await open({ maxRetries: 0 });
    proxy.breakBy(() => ({ kind: 'stall' }));
    const start = performance.now();
    const error = await failure(storage.get('x'));
    expect(error).toMatchObject({ code: 'GCS_TIMED_OUT', transient: true });
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('a permission that is taken away in mid-run ends the part at once', async () => {
    const message = 'lake@p.iam does not have storage.objects.create access to the Google Cloud Storage object.';
    proxy.breakBy((request) => (isChunk(request) ? refusal(403, 'forbidden', message) : undefined));
    const before = proxy.broken.length;
    const error = await failure(stage(randomBytes(8 * CHUNK)));
    expect(error).toMatchObject({ code: 'GCS_ACCESS_DENIED', exit: 'unreachable', transient: false });
    expect(error.message).toContain('storage.objects.create');
    expect(error.hint).toContain('roles/storage.objectUser');
    expect(proxy.broken.length - before).toBe(1);
    expect([...server.bucket(BUCKET).objects.keys()]).toEqual([]);
  });

  it('an upload that the service has forgotten is written anew by another attempt', async () => {
    let chunks = 0;
    proxy.breakBy((request) => {
      if (isChunk(request) && ++chunks === 3) server.uploads.sessions.clear();
      return undefined;
    });
    expect(await failure(stage(randomBytes(6 * CHUNK)))).toMatchObject({ code: 'GCS_UPLOAD_LOST', transient: true });
  });

  it('a bucket that disappears in mid-run is named', async () => {
    const doomed = await startGcsServer({ buckets: [BUCKET] });
    storage = await open({ endpointUrl: doomed.endpoint });
    await stage(Buffer.from('content'));
    doomed.dropBucket(BUCKET);
    expect(await failure(stage(Buffer.from('content')))).toMatchObject({
      code: 'GCS_NO_SUCH_BUCKET',
      transient: false,
    });
    await doomed.stop();
  });
});

describe('a slow store', () => {
  it('makes the writer wait, and holds no more than two chunks', async () => {
    proxy.throttle(4 * 1024 * 1024);
    const writer = await storage.stage(PART, { runId: RUN });
    let written = 0;
    const start = performance.now();
    for (let block = 0; block < 40; block++) {
      await writer.write([randomBytes(CHUNK / 2)]);
      written += CHUNK / 2;
      const arrived = [...server.uploads.sessions.values()].reduce((sum, { size }) => sum + size, 0);
      expect(written - arrived).toBeLessThanOrEqual(3 * CHUNK);
    }
    await writer.end();
    expect(performance.now() - start).toBeGreaterThan(800);
  });
});
