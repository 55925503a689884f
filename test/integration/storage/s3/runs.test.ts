import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';

import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';

import { probeStorage } from '../../../../src/storage/probe.js';
import { failureOf, MIB, recalled, stage, useS3Server } from '../../../harness/s3-harness.js';
import { Refusal } from '../../../servers/s3-server/refusal.js';

const s3 = useS3Server();

/** All keys, those of runs' own notes included. */
function allKeys(): string[] {
  return [...s3.server.store.bucket('lake').keys()].sort();
}

/** Makes a run's marker say that it lives in another process. */
function rewriteMarker(runId: string, change: (process: Record<string, unknown>) => void): void {
  const bucket = s3.server.store.bucket('lake');
  const key = `exports/.lakeport/run-${runId}.json`;
  const object = bucket.get(key)!;
  const marker = JSON.parse(object.body.toString()) as Record<string, unknown>;
  change(marker);
  bucket.set(key, { ...object, body: Buffer.from(JSON.stringify(marker)) });
}

function age(runId: string, milliseconds: number): void {
  const bucket = s3.server.store.bucket('lake');
  for (const [key, object] of bucket) {
    if (key.includes(runId)) bucket.set(key, { ...object, modified: new Date(Date.now() - milliseconds) });
  }
}

/** The id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

/** A run that begins, stages two parts in another thread's storage, and is killed. */
async function killedRun(runId: string) {
  const main = await s3.open();
  await main.beginRun({ runId, directory: '' });
  const worker = await s3.open();
  const parts = [
    await stage(worker, 'public/orders/part-00000.parquet', randomBytes(6 * MIB), { runId }),
    await stage(worker, 'public/orders/part-00001.parquet', randomBytes(MIB), { runId, provisional: true }),
  ];
  await main.close();
  const pid = await deadPid();
  rewriteMarker(runId, (process) => (process['pid'] = pid));
  return parts;
}

describe('what a killed run leaves', () => {
  test('is withdrawn by the next run to the same place, and nothing else is', async () => {
    await killedRun('dead');
    const foreign = new S3Client({
      endpoint: s3.server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: s3.server.accessKeyId, secretAccessKey: s3.server.secretAccessKey },
    });
    // Another program writes the very same name, in the same minute.
    const target = { Bucket: 'lake', Key: 'exports/public/orders/part-00000.parquet' };
    const { UploadId } = await foreign.send(new CreateMultipartUploadCommand(target));
    await foreign.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'theirs' }));
    foreign.destroy();
    expect(s3.uploads()).toHaveLength(3);

    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(2);
    expect([...s3.server.store.uploads.keys()]).toEqual([UploadId]);
    expect(allKeys()).toEqual(['exports/.lakeport/run-next.json']);
    expect(await next.sweep()).toBe(0);
    await next.endRun();
    expect(allKeys()).toEqual([]);
  });

  test('is published by a run that resumes it', async () => {
    const parts = await killedRun('dead');
    const resumed = await s3.open();
    await resumed.beginRun({ runId: 'dead', directory: '' });
    expect(await resumed.sweep()).toBe(0);
    for (const part of parts) await resumed.publish(recalled(part), part.path);
    expect(s3.keys()).toEqual(parts.map((part) => `exports/${part.path}`));
    await resumed.endRun();
    expect(allKeys()).toHaveLength(2);
  });

  test('is found where it was killed between completing a hidden upload and copying it to its place', async () => {
    const parts = await killedRun('dead');
    const path = 'public/orders/part-00000.parquet';
    s3.server.refuse(({ operation }) => (operation === 'CopyObject' ? new Refusal(403, 'AccessDenied') : undefined));
    await failureOf((await s3.open()).publish(parts[1]!, path));
    s3.server.refuse(undefined);

    const resumed = await s3.open();
    await resumed.beginRun({ runId: 'dead', directory: '' });
    expect(await resumed.locate(recalled(parts[1]!), path)).toBe('staged');
    await resumed.publish(recalled(parts[1]!), path);
    expect(await resumed.locate(recalled(parts[1]!), path)).toBe('published');
    await resumed.endRun();
    expect(allKeys()).toEqual([`exports/${path}`]);
    expect(s3.uploads()).toEqual([]);
  });

  test('is known by the checksums of its parts where a store drops the metadata of uploads', async () => {
    await s3.restart({ quirks: { noUploadMetadata: true, emptyEtags: true } });
    const [part] = await killedRun('dead');
    const resumed = await s3.open();
    await resumed.beginRun({ runId: 'dead', directory: '' });
    expect(await resumed.locate(recalled(part!), part!.path)).toBe('staged');
    await resumed.publish(recalled(part!), part!.path);
    expect(await resumed.locate(recalled(part!), part!.path)).toBe('published');
    await resumed.put(part!.path, randomBytes(part!.bytes));
    expect(await resumed.locate(recalled(part!), part!.path)).toBe('gone');
  });

  test('is asked for by one request, and as good as gone where that is denied', async () => {
    const [part] = await killedRun('dead');
    const resumed = await s3.open();
    s3.server.counts();
    expect(await resumed.locate(recalled(part!), part!.path)).toBe('staged');
    expect(s3.server.counts()).toEqual({ ListParts: 1 });
    s3.server.refuse(({ operation }) => (operation === 'ListParts' ? new Refusal(403, 'AccessDenied') : undefined));
    expect(await resumed.locate(recalled(part!), part!.path)).toBe('gone');
    s3.server.refuse(({ operation }) => (operation === 'ListParts' ? new Refusal(501, 'NotImplemented') : undefined));
    expect(await resumed.locate(recalled(part!), part!.path)).toBe('gone');
  });

  test('goes, hidden objects included, when it was killed while it published', async () => {
    const parts = await killedRun('dead');
    s3.server.refuse(({ operation }) => (operation === 'CopyObject' ? new Refusal(403, 'AccessDenied') : undefined));
    await failureOf((await s3.open()).publish(parts[1]!, 'public/orders/part-00000.parquet'));
    s3.server.refuse(undefined);
    expect(allKeys().filter((key) => key.includes('/.lakeport/part-'))).toHaveLength(1);
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(1);
    expect(allKeys()).toEqual(['exports/.lakeport/run-next.json']);
    expect(s3.uploads()).toEqual([]);
  });

  test('that is published data stays', async () => {
    const parts = await killedRun('dead');
    const publisher = await s3.open();
    await publisher.publish(parts[0]!, parts[0]!.path);
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(1);
    expect(s3.keys()).toEqual(['exports/public/orders/part-00000.parquet']);
  });

  test('is swept again where the sweep itself broke off', async () => {
    await killedRun('dead');
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    let aborts = 0;
    s3.server.refuse(({ operation }) =>
      operation === 'AbortMultipartUpload' && ++aborts === 2 ? new Refusal(403, 'AccessDenied') : undefined,
    );
    await failureOf(next.sweep());
    s3.server.refuse(undefined);
    expect(await next.sweep()).toBe(1);
    expect(s3.uploads()).toEqual([]);
  });
});

describe('a run that is alive', () => {
  test('is left alone in this process, in another one, and on another machine', async () => {
    const main = await s3.open();
    await main.beginRun({ runId: 'alive', directory: '' });
    await stage(await s3.open(), 't/part-00000.parquet', randomBytes(MIB), { runId: 'alive' });
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(0);
    rewriteMarker('alive', (process) => (process['host'] = 'another-machine'));
    expect(await next.sweep()).toBe(0);
    expect(s3.uploads()).toHaveLength(1);
  });

  test('of another machine is taken for dead after ten minutes without a heartbeat, by the clock of the store', async () => {
    await s3.restart({ clockOffsetMs: 6 * 3_600_000 });
    const main = await s3.open();
    await main.beginRun({ runId: 'remote', directory: '' });
    await stage(main, 't/part-00000.parquet', randomBytes(MIB), { runId: 'remote' });
    rewriteMarker('remote', (process) => (process['host'] = 'another-machine'));
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(0);
    age('remote', -6 * 3_600_000 + 11 * 60_000);
    expect(await next.sweep()).toBe(1);
    expect(s3.uploads()).toEqual([]);
  });

  test('of another machine goes on here after ten minutes of silence, with what it had claimed', async () => {
    const main = await s3.open();
    await main.beginRun({ runId: 'remote', directory: '' });
    await main.claim(['public/orders']);
    await main.close();
    const bucket = s3.server.store.bucket('lake');
    for (const [key, object] of bucket) {
      const body = Buffer.from(object.body.toString().replace(/"host":"[^"]*"/, '"host":"elsewhere"'));
      bucket.set(key, { ...object, body });
    }
    const next = await s3.open();
    expect(await failureOf(next.beginRun({ runId: 'remote', directory: '' }))).toMatchObject({ code: 'RUN_IS_ACTIVE' });
    age('remote', 11 * 60_000);
    await next.beginRun({ runId: 'remote', directory: '' });
    await next.claim(['public/orders']);
    await next.endRun();
    expect(allKeys()).toEqual([]);
  });

  test('gives its directories back where it may not delete', async () => {
    const storage = await s3.open();
    await storage.beginRun({ runId: 'first', directory: '' });
    await storage.claim(['public/orders']);
    s3.server.refuse(({ operation }) =>
      operation.startsWith('Delete') ? new Refusal(403, 'AccessDenied') : undefined,
    );
    await storage.endRun();
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    await next.claim(['public/orders']);
  });

  test('without a marker is told by its notes', async () => {
    await stage(await s3.open(), 't/part-00000.parquet', randomBytes(MIB), { runId: 'unknown' });
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(0);
    age('unknown', 11 * 60_000);
    expect(await next.sweep()).toBe(1);
  });
});

describe('notes', () => {
  test('of many uploads at once go into few requests, and name each of them', async () => {
    const storage = await s3.open({ timeoutMs: 60_000 });
    await storage.beginRun({ runId: 'busy', directory: '' });
    s3.server.counts();
    // The first note is on its way until all uploads have begun, however slow the machine is.
    let begun = 0;
    let go: () => void = () => undefined;
    const all = new Promise<void>((resolve) => (go = resolve));
    s3.server.hold(({ operation }) => {
      if (operation === 'CreateMultipartUpload' && ++begun === 250) go();
      return operation === 'PutObject' ? all : undefined;
    });
    await Promise.all(
      Array.from({ length: 250 }, (_, index) =>
        stage(storage, `t${index}/part-00000.parquet`, Buffer.alloc(70_000), { runId: 'busy' }),
      ),
    );
    expect(s3.server.counts()['PutObject']).toBeLessThan(10);
    await storage.close();
    const pid = await deadPid();
    rewriteMarker('busy', (process) => (process['pid'] = pid));
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    expect(await next.sweep()).toBe(250);
    expect(s3.uploads()).toEqual([]);
  });

  test('of strangers in the same place are left alone', async () => {
    const storage = await s3.open();
    await storage.put('.lakeport/uploads-odd-0123456789abcdef.json', Buffer.from('no JSON'));
    await storage.put('.lakeport/run-odd.json', Buffer.from('{"process":'));
    await storage.put('.lakeport/other', Buffer.from('x'));
    await storage.beginRun({ runId: 'next', directory: '' });
    expect(await storage.sweep()).toBe(0);
    expect(allKeys()).toHaveLength(4);
  });

  test('that can not be deleted say that the run is over', async () => {
    const storage = await s3.open();
    await storage.beginRun({ runId: 'first', directory: '' });
    await stage(storage, 't/part-00000.parquet', randomBytes(MIB), { runId: 'first' });
    s3.server.refuse(({ operation }) =>
      operation.startsWith('Delete') ? new Refusal(403, 'AccessDenied') : undefined,
    );
    await storage.endRun();
    s3.server.refuse(undefined);
    rewriteMarker('first', (process) => (process['host'] = 'another-machine'));
    const next = await s3.open();
    await next.beginRun({ runId: 'next', directory: '' });
    await next.sweep();
    expect(allKeys()).toEqual(['exports/.lakeport/run-next.json']);
  });

  test('a run without anything staged costs eight requests in all', async () => {
    const storage = await s3.open();
    await storage.prepare();
    await storage.beginRun({ runId: 'short', directory: '' });
    await storage.sweep();
    await storage.endRun();
    const counts = s3.server.counts();
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(8);
    expect(allKeys()).toEqual([]);
  });
});

describe('the probe of check', () => {
  test('writes, reads back, lists, stages and deletes, and leaves nothing', async () => {
    await probeStorage(await s3.open());
    expect(s3.server.counts()).toMatchObject({
      PutObject: expect.any(Number) as number,
      GetObject: 3,
      ListObjectsV2: 4,
      CreateMultipartUpload: 1,
      UploadPart: 1,
      AbortMultipartUpload: 1,
    });
    expect(allKeys()).toEqual([]);
    expect(s3.uploads()).toEqual([]);
  });

  test.each(['PutObject', 'GetObject', 'ListObjectsV2', 'UploadPart', 'AbortMultipartUpload', 'DeleteObject'])(
    'fails where %s is denied, and leaves what can be removed nowhere',
    async (operation) => {
      s3.server.refuse((request) => (request.operation === operation ? new Refusal(403, 'AccessDenied') : undefined));
      expect(await failureOf(probeStorage(await s3.open()))).toMatchObject({ code: 'S3_ACCESS_DENIED' });
      if (operation !== 'DeleteObject') expect(s3.keys()).toEqual([]);
    },
  );

  test('notices a store that gives back something else', async () => {
    const storage = await s3.open();
    s3.server.refuse(({ operation, key }) => {
      const object = s3.server.store.bucket('lake').get(key);
      if (operation === 'GetObject' && object !== undefined) {
        s3.server.store.bucket('lake').set(key, { ...object, body: Buffer.from('other') });
      }
      return undefined;
    });
    expect(await failureOf(probeStorage(storage))).toMatchObject({ code: 'STORAGE_PROBE_FAILED' });
    expect(s3.keys()).toEqual([]);
  });
});
