import { createHash, randomBytes } from 'node:crypto';

import { Storage as GoogleClient } from '@google-cloud/storage';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openGcsStorage } from '../../../../src/storage/gcs/index.js';
import type { StagedPart, Storage } from '../../../../src/storage/storage.js';
import { failure } from '../../../harness/failure.js';
import { type GcsServer, startGcsServer } from '../../../servers/gcs-server.js';
import { gcsEntry } from '../../../harness/store-entries.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const OTHER_RUN = '22222222-2222-4222-8222-222222222222';
const CHUNK = 256 * 1024;
const BUCKET = 'test-bucket';
const HIDDEN = 'base/exports/.lakeport/';

let server: GcsServer;
let storage: Storage;

beforeAll(async () => {
  server = await startGcsServer({ buckets: [BUCKET] });
});

afterAll(() => server.stop());

beforeEach(async () => {
  server.bucket(BUCKET).objects.clear();
  server.bucket(BUCKET).writes.clear();
  server.uploads.sessions.clear();
  storage = await open();
});

afterEach(() => storage.close());

function open(): Promise<Storage> {
  return openGcsStorage(gcsEntry({ endpointUrl: server.endpoint }));
}

/** Google's own client, which reads back what was written. */
function official() {
  return new GoogleClient({ apiEndpoint: server.endpoint, projectId: 'test' }).bucket(BUCKET);
}

function names(): string[] {
  return [...server.bucket(BUCKET).objects.keys()].sort();
}

async function stage(path: string, content: Uint8Array, runId = RUN): Promise<StagedPart> {
  const writer = await storage.stage(path, { runId });
  for (let at = 0; at < content.length; at += 70_000) await writer.write([content.subarray(at, at + 70_000)]);
  return writer.end();
}

const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

describe('staging and publishing', () => {
  it.each([
    ['nothing', 0],
    ['one byte', 1],
    ['exactly a chunk', CHUNK],
    ['a chunk and a byte', CHUNK + 1],
    ['exactly four chunks', 4 * CHUNK],
    ['many chunks', 9 * CHUNK + 12_345],
  ])('stages %s, and shows it only when it is published', async (_what, size) => {
    const content = randomBytes(size);
    const staged = await stage('public/orders/part-00000.parquet', content);

    expect(staged).toMatchObject({ storageId: 'lake', bytes: size, sha256: sha256(content) });
    expect(await storage.list('')).toEqual([]);
    expect(names().every((name) => name.startsWith(HIDDEN) && !name.endsWith('.parquet'))).toBe(true);

    await storage.publish(staged, 'public/orders/part-00000.parquet');

    const [read] = await official().file('base/exports/public/orders/part-00000.parquet').download();
    expect(read.equals(content)).toBe(true);
    expect(await storage.list('public')).toMatchObject([{ path: 'public/orders/part-00000.parquet', bytes: size }]);
    expect(names()).toEqual(['base/exports/public/orders/part-00000.parquet']);
  });

  it('publishes under another name, over what is there', async () => {
    await storage.put('public/orders/part-00000.parquet', bytes('old'));
    const staged = await stage('public/orders/part-00007.parquet', bytes('new'));

    await storage.publish(staged, 'public/orders/part-00000.parquet');

    expect(await storage.get('public/orders/part-00000.parquet')).toEqual(Buffer.from('new'));
    expect(names()).toEqual(['base/exports/public/orders/part-00000.parquet']);
  });

  it('writes a small part in one request, and publishes it in one', async () => {
    const before = server.requests.length;
    const staged = await stage('public/small/part-00000.parquet', bytes('small'));
    expect(server.requests.length - before).toBe(1);

    await storage.publish(staged, 'public/small/part-00000.parquet');
    expect(server.requests.length - before).toBe(2);
  });

  it('is published by another process than the one that staged it', async () => {
    const staged = await stage('public/orders/part-00000.parquet', bytes('content'));
    // The run log keeps the part as JSON.
    const kept = JSON.parse(JSON.stringify(staged)) as StagedPart;
    const other = await open();

    await other.publish(kept, 'public/orders/part-00000.parquet');
    await other.publish(kept, 'public/orders/part-00000.parquet');

    expect(await other.get('public/orders/part-00000.parquet')).toEqual(Buffer.from('content'));
    expect(server.bucket(BUCKET).writes.get('base/exports/public/orders/part-00000.parquet')).toBe(1);
    await other.close();
  });

  it('says that a staged part is gone', async () => {
    const staged = await stage('public/orders/part-00000.parquet', bytes('content'));
    await storage.discard(staged);
    await storage.discard(staged);

    const error = await failure(storage.publish(staged, 'public/orders/part-00000.parquet'));
    expect(error).toMatchObject({ code: 'STAGED_PART_GONE', exit: 'tables-failed', transient: false });
    expect(names()).toEqual([]);
  });

  it.each([
    ['before the first chunk', 10],
    ['in the middle', 3 * CHUNK],
  ])('leaves nothing when it is aborted %s', async (_when, size) => {
    const writer = await storage.stage('public/orders/part-00000.parquet', { runId: RUN });
    await writer.write([randomBytes(size)]);
    await writer.abort();
    await writer.abort();

    expect(names()).toEqual([]);
    expect(server.uploads.sessions.size).toBe(0);
    await expect(writer.write([bytes('more')])).rejects.toThrow();
  });

  it('leaves nothing when it is aborted at its end', async () => {
    const writer = await storage.stage('public/orders/part-00000.parquet', { runId: RUN });
    await writer.write([randomBytes(3 * CHUNK)]);
    await writer.end();
    await writer.abort();

    expect(names()).toEqual([]);
  });

  it('takes no token of foreign objects', async () => {
    await storage.put('public/orders/part-00000.parquet', bytes('precious'));
    const staged = await stage('public/orders/part-00000.parquet', bytes('content'));
    const forged = { ...staged, token: { ...staged.token, object: 'base/exports/public/orders/part-00000.parquet' } };

    expect(await failure(storage.discard(forged))).toMatchObject({ code: 'STAGED_ELSEWHERE' });
    expect(await storage.get('public/orders/part-00000.parquet')).toEqual(Buffer.from('precious'));
  });
});

describe('a service without the atomic move', () => {
  let emulator: GcsServer;

  beforeEach(async () => {
    emulator = await startGcsServer({ buckets: [BUCKET], atomicMove: false });
    storage = await openGcsStorage(gcsEntry({ endpointUrl: emulator.endpoint }));
  });

  afterEach(() => emulator.stop());

  it('publishes by a copy, once, and removes the temporary object', async () => {
    await storage.put('t/part-00000.parquet', bytes('old'));
    const first = await stage('t/part-00000.parquet', bytes('first'));
    const second = await stage('t/part-00001.parquet', bytes('second'));
    await storage.publish(first, 't/part-00000.parquet');
    await storage.publish(second, 't/part-00001.parquet');
    await storage.publish(second, 't/part-00001.parquet');

    const bucket = emulator.bucket(BUCKET);
    expect([...bucket.objects.values()].map(({ name, body }) => [name, body.toString()])).toEqual([
      ['base/exports/t/part-00000.parquet', 'first'],
      ['base/exports/t/part-00001.parquet', 'second'],
    ]);
    expect(bucket.writes.get('base/exports/t/part-00001.parquet')).toBe(1);
  });
});

describe('small objects', () => {
  it('are written, read, listed over several pages, and removed', async () => {
    const paths = Array.from({ length: 1005 }, (_, index) => `many/object-${String(index).padStart(4, '0')}`);
    for (const path of paths) server.bucket(BUCKET).write(`base/exports/${path}`, Buffer.from('x'), {});
    await storage.put('many/ü %2F+.json', bytes('{}'));

    const listed = await storage.list('many');
    expect(listed.map(({ path }) => path)).toEqual([...paths, 'many/ü %2F+.json']);
    expect(await storage.get('many/ü %2F+.json')).toEqual(Buffer.from('{}'));
    expect(await storage.get('many/none')).toBeUndefined();

    await storage.remove([...paths.slice(0, 20), 'many/ü %2F+.json', 'many/none']);
    expect(await storage.list('many')).toHaveLength(985);
  });

  it('are those of the directory alone, and none of its neighbours', async () => {
    await storage.put('public/orders/_SUCCESS', bytes(''));
    await storage.put('public/orders_old/_SUCCESS', bytes(''));
    expect(await storage.list('public/orders')).toMatchObject([{ path: 'public/orders/_SUCCESS', bytes: 0 }]);
  });

  it('stand at the top of the bucket where there is no base path', async () => {
    const top = await openGcsStorage(gcsEntry({ endpointUrl: server.endpoint, basePath: '' }));
    await top.put('a.json', bytes('{}'));
    expect(names()).toEqual(['a.json']);
    expect(await top.list('')).toMatchObject([{ path: 'a.json', bytes: 2 }]);
    expect(top.display('a.json')).toBe('gs://test-bucket/a.json');
    expect(storage.display('public/a.json')).toBe('gs://test-bucket/base/exports/public/a.json');
    await top.close();
  });
});

describe('runs', () => {
  it('leave nothing in the bucket when they end', async () => {
    await storage.prepare();
    await storage.beginRun({ runId: RUN, directory: '' });
    expect(names()).toEqual([`${HIDDEN}run-${RUN}.json`]);
    await stage('public/orders/part-00000.parquet', bytes('never published'));
    await storage.endRun();
    expect(names()).toEqual([]);
  });

  it('spare what a living run has staged, and sweep what a dead one has', async () => {
    const other = await open();
    await other.beginRun({ runId: OTHER_RUN, directory: '' });
    const staged = await stage('public/orders/part-00000.parquet', bytes('of the other run'), OTHER_RUN);

    await storage.beginRun({ runId: RUN, directory: '' });
    expect(await storage.sweep()).toBe(0);
    await storage.publish(staged, 'public/orders/part-00000.parquet');

    await stage('public/orders/part-00001.parquet', bytes('of the other run'), OTHER_RUN);
    await other.close();
    markDead(OTHER_RUN);
    expect(await storage.sweep()).toBe(1);
    await storage.endRun();
    expect(names()).toEqual(['base/exports/public/orders/part-00000.parquet']);
  });

  it('keep what a dead process staged under their own id, to publish it', async () => {
    const dead = await open();
    await dead.beginRun({ runId: RUN, directory: '' });
    const staged = await stage('public/orders/part-00000.parquet', bytes('content'));
    await dead.close();
    markDead(RUN);

    await storage.beginRun({ runId: RUN, directory: '' });
    expect(await storage.sweep()).toBe(0);
    await storage.publish(staged, 'public/orders/part-00000.parquet');
    await storage.endRun();
    expect(names()).toEqual(['base/exports/public/orders/part-00000.parquet']);
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

  it('take over what their own process on another machine had claimed, after ten minutes of silence', async () => {
    const other = await open();
    await other.beginRun({ runId: RUN, directory: '' });
    await other.claim(['public/orders']);
    await other.close();
    const bucket = server.bucket(BUCKET);
    const notes = [...bucket.objects.values()];
    const moveAway = (minutesAgo: number) => {
      for (const note of notes) {
        const body = Buffer.from(note.body.toString().replace(/"host":"[^"]*"/, '"host":"elsewhere"'));
        const updated = new Date(Date.now() - minutesAgo * 60_000).toISOString();
        bucket.objects.set(note.name, { ...note, body, updated });
      }
    };
    expect(notes).toHaveLength(2);
    moveAway(9);
    expect(await failure(storage.beginRun({ runId: RUN, directory: '' }))).toMatchObject({ code: 'RUN_IS_ACTIVE' });
    moveAway(11);
    await storage.beginRun({ runId: RUN, directory: '' });
    await storage.claim(['public/orders']);
    await storage.endRun();
    expect(names()).toEqual([]);
  });

  it('take a run on an unknown machine for dead only after ten minutes of silence', async () => {
    const marker = JSON.stringify({ pid: 1, host: 'elsewhere' });
    const bucket = server.bucket(BUCKET);
    const write = (name: string, minutesAgo: number) => {
      const object = bucket.write(`${HIDDEN}${name}`, Buffer.from(marker), {});
      const updated = new Date(Date.now() - minutesAgo * 60_000).toISOString();
      bucket.objects.set(object.name, { ...object, updated });
    };
    write(`run-${OTHER_RUN}.json`, 9);
    write(`part-${OTHER_RUN}-0123456789abcdef.tmp`, 60);
    await storage.beginRun({ runId: RUN, directory: '' });
    expect(await storage.sweep()).toBe(0);

    write(`run-${OTHER_RUN}.json`, 11);
    write('somebody-elses.tmp', 60);
    expect(await storage.sweep()).toBe(1);
    await storage.endRun();
    expect(names()).toEqual([`${HIDDEN}somebody-elses.tmp`]);
  });
});

/** Makes the run's marker that of a process that is gone. */
function markDead(runId: string): void {
  const bucket = server.bucket(BUCKET);
  const name = `${HIDDEN}run-${runId}.json`;
  // Written by the store under test.
  const marker = JSON.parse(bucket.find(name).body.toString()) as object;
  bucket.write(name, Buffer.from(JSON.stringify({ ...marker, pid: 2 ** 22 + 1 })), {});
}
