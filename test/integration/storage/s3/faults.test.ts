import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { S3Info } from '../../../../src/storage/s3/info.js';
import {
  breakTimes,
  type FaultProxy,
  type ProxiedRequest,
  s3Error,
  startFaultProxy,
} from '../../../servers/fault-proxy.js';
import { failureOf, MIB, recalled, stage, useS3Server } from '../../../harness/s3-harness.js';

const PATH = 't/part-00000.parquet';
const KEY = `exports/${PATH}`;

const s3 = useS3Server();
let proxy: FaultProxy;

beforeEach(async () => {
  proxy = await startFaultProxy(s3.server);
});
afterEach(() => proxy.stop());

function open(info: Partial<S3Info> = {}) {
  return s3.open({ endpointUrl: proxy.endpoint, timeoutMs: 1_000, ...info });
}

const isPart = ({ method, url }: ProxiedRequest) => method === 'PUT' && url.includes('partNumber=');
const isCompletion = ({ method, url }: ProxiedRequest) => method === 'POST' && url.includes('uploadId=');
const isSmallPut = ({ method, url }: ProxiedRequest) => method === 'PUT' && !url.includes('partNumber=');

async function expectWhole(content: Buffer): Promise<void> {
  expect((await s3.download(KEY)).equals(content)).toBe(true);
  expect(s3.keys()).toEqual([KEY]);
  expect(s3.uploads()).toEqual([]);
}

describe('faults that pass are survived', () => {
  test.each([
    ['a reset in the middle of a part', breakTimes(2, isPart, { kind: 'reset', afterBytes: 2 * MIB })],
    ['a reset before anything was read', breakTimes(2, isPart, { kind: 'reset', afterBytes: 0 })],
    ['500', breakTimes(2, isPart, s3Error(500, 'InternalError'))],
    ['503 SlowDown', breakTimes(2, isPart, s3Error(503, 'SlowDown'))],
    ['429', breakTimes(1, isPart, s3Error(429, 'TooManyRequests'))],
    ['503 of a gateway, in HTML', breakTimes(2, isPart, { kind: 'answer', status: 503, body: '<html>busy</html>' })],
    ['503 without a body', breakTimes(2, isPart, { kind: 'answer', status: 503 })],
    ['a stall longer than the timeout', breakTimes(1, isPart, { kind: 'stall' })],
    ['a part whose answer is lost', breakTimes(2, isPart, { kind: 'lose-answer' })],
    ['an upload whose id is lost', breakTimes(1, ({ url }) => /\?uploads/.test(url), { kind: 'reset', afterBytes: 0 })],
    ['500 on completing', breakTimes(2, isCompletion, s3Error(500, 'InternalError'))],
    ['an error inside an answer of success', breakTimes(1, isCompletion, { ...s3Error(200, 'InternalError') })],
  ])('%s', async (_name, rule) => {
    const storage = await open();
    proxy.breakBy(rule);
    const content = randomBytes(11 * MIB);
    await storage.publish(await stage(storage, PATH, content), PATH);
    expect(proxy.broken.length).toBeGreaterThan(0);
    await expectWhole(content);
  });

  test('the answer to a small part or a manifest is lost', async () => {
    const storage = await open();
    proxy.breakBy(breakTimes(2, isSmallPut, { kind: 'lose-answer' }));
    const content = randomBytes(1000);
    await storage.publish(await stage(storage, PATH, content), PATH);
    await expectWhole(content);
  });
});

describe('an upload whose completion is not answered', () => {
  test('is published once, and not reported as failed, when the retry finds it gone', async () => {
    const storage = await open();
    const content = randomBytes(MIB);
    const part = await stage(storage, PATH, content);
    proxy.breakBy(breakTimes(1, isCompletion, { kind: 'lose-answer' }));
    await storage.publish(part, PATH);
    expect(proxy.broken).toHaveLength(1);
    await expectWhole(content);
  });

  test('is looked for when no retry is left', async () => {
    const storage = await open({ maxRetries: 0 });
    const content = randomBytes(MIB);
    const part = await stage(storage, PATH, content);
    proxy.breakBy(breakTimes(1, isCompletion, { kind: 'lose-answer' }));
    await storage.publish(part, PATH);
    await expectWhole(content);
  });

  test('is recognised by its ETag where the store drops metadata', async () => {
    await s3.restart({ quirks: { noUploadMetadata: true, emptyEtags: true } });
    await proxy.stop();
    proxy = await startFaultProxy(s3.server);
    const storage = await open();
    const content = randomBytes(6 * MIB);
    const part = await stage(storage, PATH, content);
    proxy.breakBy(breakTimes(1, isCompletion, { kind: 'lose-answer' }));
    await storage.publish(part, PATH);
    await expectWhole(content);
  });

  test('is reported as failed when the object is that of an earlier export, of the same size', async () => {
    const storage = await open({ maxRetries: 0 });
    await storage.put(PATH, randomBytes(MIB));
    const part = await stage(storage, PATH, randomBytes(MIB));
    proxy.breakBy(breakTimes(1, isCompletion, { kind: 'reset', afterBytes: 0 }));
    expect(await failureOf(storage.publish(part, PATH))).toMatchObject({ code: 'S3_CONNECTION_LOST', transient: true });
    await storage.publish(recalled(part), PATH);
    expect(s3.uploads()).toEqual([]);
  });

  test('is found by a resumed run', async () => {
    const storage = await open({ maxRetries: 0 });
    const content = randomBytes(MIB);
    const part = await stage(storage, PATH, content);
    // From the completion on nothing gets through to the client any more, as if it had been killed.
    let completed = false;
    proxy.breakBy((request) => {
      if (completed) return { kind: 'reset', afterBytes: 0 };
      completed = isCompletion(request);
      return completed ? { kind: 'lose-answer' } : undefined;
    });
    expect((await failureOf(storage.publish(part, PATH))).transient).toBe(true);
    proxy.breakBy(() => undefined);
    await (await open()).publish(recalled(part), PATH);
    await expectWhole(content);
  });
});

describe('faults that do not pass', () => {
  test.each([
    ['a 403 in mid-run', () => s3Error(403, 'AccessDenied'), 'S3_ACCESS_DENIED', false],
    ['503 SlowDown for ever', () => s3Error(503, 'SlowDown'), 'S3_BUSY', true],
    ['resets for ever', () => ({ kind: 'reset', afterBytes: MIB }) as const, 'S3_CONNECTION_LOST', true],
    ['stalls for ever', () => ({ kind: 'stall' }) as const, 'S3_TIMED_OUT', true],
  ])('%s: the writer is told, and what was sent is withdrawn', async (_name, fault, code, transient) => {
    const storage = await open({ maxRetries: 1 });
    // The first part arrives, the others do not.
    proxy.breakBy((request) => (isPart(request) && !request.url.includes('partNumber=1&') ? fault() : undefined));
    const writer = await storage.stage(PATH, { runId: 'run-1' });
    const write = async () => {
      for (let index = 0; index < 60; index++) await writer.write([randomBytes(MIB)]);
      await writer.end();
    };
    expect(await failureOf(write())).toMatchObject({ code, transient });
    expect(await failureOf(writer.write([randomBytes(10)]))).toMatchObject({ code });
    await writer.abort();
    expect(s3.uploads()).toEqual([]);
    expect(s3.keys()).toEqual([]);
  });

  test('a run that can not note its upload does not begin it', async () => {
    const storage = await open({ maxRetries: 0 });
    proxy.breakBy((request) => (request.url.includes('/.lakeport/') ? s3Error(403, 'AccessDenied') : undefined));
    expect(await failureOf(stage(storage, PATH, randomBytes(MIB)))).toMatchObject({ code: 'S3_ACCESS_DENIED' });
    expect(s3.uploads()).toEqual([]);
  });
});

describe('cancelling', () => {
  test('stops what is on its way at once, and withdraws the upload', async () => {
    const storage = await open({ timeoutMs: 30_000 });
    proxy.throttle(MIB);
    const writer = await storage.stage(PATH, { runId: 'run-1' });
    const writing = (async () => {
      for (let index = 0; index < 60; index++) await writer.write([randomBytes(MIB)]);
    })();
    writing.catch(() => undefined);
    while (s3.uploads().length === 0) await sleep(20);
    await sleep(300);
    const started = Date.now();
    await writer.abort();
    await expect(writing).rejects.toThrow();
    expect(Date.now() - started).toBeLessThan(2000);
    expect(s3.uploads()).toEqual([]);
  });
});

describe('a slow store', () => {
  test('holds the writer back, within one part more than may be on their way', async () => {
    const storage = await open({ uploadConcurrency: 2, timeoutMs: 10_000 });
    proxy.breakBy((request) => (isPart(request) ? { kind: 'stall' } : undefined));
    const writer = await storage.stage(PATH, { runId: 'run-1' });
    let written = 0;
    const writing = (async () => {
      for (let index = 0; index < 60; index++) {
        await writer.write([randomBytes(MIB)]);
        written++;
      }
    })();
    writing.catch(() => undefined);
    await sleep(1000);
    expect(written).toBe(14);
    expect(storage.writerMemoryBytes?.()).toBe(15 * MIB);
    await writer.abort();
    await expect(writing).rejects.toThrow();
  });

  test('is waited for as long as bytes move, however long a part takes', async () => {
    // The part takes four seconds. What the system's own buffers hold is sent in less than the timeout.
    const storage = await open({ timeoutMs: 2000, partSizeBytes: 32 * MIB });
    proxy.throttle(8 * MIB);
    const content = randomBytes(32 * MIB);
    await storage.publish(await stage(storage, PATH, content), PATH);
    await expectWhole(content);
    expect(s3.server.counts()['UploadPart']).toBe(1);
  });
});
