import { randomBytes } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { failureOf, MIB, recalled, sha256, stage, useS3Server } from '../../../harness/s3-harness.js';
import { Refusal } from '../../../servers/s3-server/refusal.js';

const s3 = useS3Server();

describe('staging and publishing', () => {
  test('a large part is sent while it is written, invisible until it is published, then whole', async () => {
    const storage = await s3.open();
    const content = randomBytes(12 * MIB + 7);
    const part = await stage(storage, 'public/orders/part-00000.parquet', content);

    expect(s3.keys()).toEqual([]);
    expect([...s3.server.store.uploads.values()].map((upload) => upload.parts.size)).toEqual([3]);
    expect(part).toMatchObject({ storageId: 'lake', bytes: content.length, sha256: sha256(content) });

    const publisher = await s3.open();
    await publisher.publish(recalled(part), 'public/orders/part-00000.parquet');
    expect((await s3.download('exports/public/orders/part-00000.parquet')).equals(content)).toBe(true);
    expect(s3.uploads()).toEqual([]);
  });

  test('a small part costs one request, when it is published', async () => {
    const storage = await s3.open();
    const content = randomBytes(64 * 1024);
    const part = await stage(storage, 'public/small/part-00000.parquet', content);
    expect(s3.server.counts()).toEqual({});
    await storage.publish(recalled(part), 'public/small/part-00000.parquet');
    expect(s3.server.counts()).toEqual({ PutObject: 1 });
    expect((await s3.download('exports/public/small/part-00000.parquet')).equals(content)).toBe(true);
  });

  test('a part of one byte more is staged in the store, and noted there', async () => {
    const storage = await s3.open();
    const content = randomBytes(64 * 1024 + 1);
    const part = await stage(storage, 't/part-00000.parquet', content);
    expect(s3.server.counts()).toEqual({ CreateMultipartUpload: 1, PutObject: 1, UploadPart: 1 });
    await storage.publish(part, 't/part-00000.parquet');
    expect(s3.server.counts()).toEqual({ CompleteMultipartUpload: 1 });
    expect((await s3.download('exports/t/part-00000.parquet')).equals(content)).toBe(true);
  });

  test('an empty part is an empty object', async () => {
    const storage = await s3.open();
    const part = await stage(storage, 't/part-00000.parquet', Buffer.alloc(0));
    await storage.publish(part, 't/part-00000.parquet');
    expect((await s3.download('exports/t/part-00000.parquet')).length).toBe(0);
  });

  test('publishing replaces the object of an earlier export', async () => {
    const storage = await s3.open();
    await storage.put('t/part-00000.parquet', Buffer.from('earlier'));
    const content = randomBytes(MIB);
    const part = await stage(storage, 't/part-00000.parquet', content);
    expect((await s3.download('exports/t/part-00000.parquet')).toString()).toBe('earlier');
    await storage.publish(part, 't/part-00000.parquet');
    expect((await s3.download('exports/t/part-00000.parquet')).equals(content)).toBe(true);
  });

  test('publishing twice is no error: a resumed run repeats what it can not know to be done', async () => {
    const storage = await s3.open();
    const content = randomBytes(MIB);
    const part = await stage(storage, 't/part-00000.parquet', content);
    await storage.publish(part, 't/part-00000.parquet');
    await storage.publish(part, 't/part-00000.parquet');
    expect((await s3.download('exports/t/part-00000.parquet')).equals(content)).toBe(true);
  });

  test('an upload that somebody aborted is not taken for published, whatever lies at its name', async () => {
    const storage = await s3.open();
    const content = randomBytes(MIB);
    await storage.put('t/part-00000.parquet', content);
    const part = await stage(storage, 't/part-00000.parquet', content);
    s3.server.store.uploads.clear();
    const error = await failureOf(storage.publish(part, 't/part-00000.parquet'));
    expect(error).toMatchObject({ code: 'S3_UPLOAD_GONE', transient: false });
  });

  test('a withdrawn or aborted part leaves nothing, however often it is asked for', async () => {
    const storage = await s3.open();
    const part = await stage(storage, 't/part-00000.parquet', randomBytes(MIB));
    await storage.discard(part);
    await storage.discard(part);

    const writer = await storage.stage('t/part-00001.parquet', { runId: 'run-1' });
    await writer.write([randomBytes(11 * MIB)]);
    await writer.abort();
    await writer.abort();

    const ended = await storage.stage('t/part-00002.parquet', { runId: 'run-1' });
    await ended.write([randomBytes(MIB)]);
    await ended.end();
    await ended.abort();

    expect(s3.uploads()).toEqual([]);
    expect(s3.keys()).toEqual([]);
  });

  test('a part of another bucket or store is refused', async () => {
    const storage = await s3.open();
    const part = await stage(storage, 't/part-00000.parquet', randomBytes(MIB));
    s3.server.store.buckets.set('other', new Map());
    const other = await s3.open({ bucket: 'other' });
    await expect(other.publish(part, 't/part-00000.parquet')).rejects.toMatchObject({ code: 'STAGED_ELSEWHERE' });
    const local = { ...part, token: { file: '.lakeport-x.tmp' } };
    await expect(storage.publish(local, 't/part-00000.parquet')).rejects.toMatchObject({ code: 'STAGED_ELSEWHERE' });
    await expect(storage.publish(part, 'u/part-00000.parquet')).rejects.toMatchObject({
      code: 'PART_OF_OTHER_DIRECTORY',
    });
  });
});

describe('parts whose number turns out to be another', () => {
  const contents = [randomBytes(70_000), randomBytes(1000), randomBytes(80_000), randomBytes(90_000)];
  const nameOf = (number: number) => `t/part-0000${number}.parquet`;

  /** Parts 1 to 4 were staged, slice 0 was empty. */
  async function stageShifted(provisional: boolean) {
    const storage = await s3.open();
    const parts = [];
    for (const [index, content] of contents.entries()) {
      parts.push(await stage(storage, nameOf(index + 1), content, { provisional }));
    }
    return { storage, parts };
  }

  async function expectPublished() {
    expect(s3.keys()).toEqual([0, 1, 2, 3].map((number) => `exports/${nameOf(number)}`));
    for (const [index, content] of contents.entries()) {
      expect((await s3.download(`exports/${nameOf(index)}`)).equals(content)).toBe(true);
    }
    expect(s3.uploads()).toEqual([]);
  }

  test.each([false, true])('they are moved inside the store (provisional: %s)', async (provisional) => {
    const { storage, parts } = await stageShifted(provisional);
    expect(s3.keys()).toEqual([]);
    const sentBefore = s3.server.log.reduce((sum, request) => sum + request.bytes, 0);
    await Promise.all(parts.map((part, index) => storage.publish(recalled(part), nameOf(index))));
    await expectPublished();
    const sent = s3.server.log.reduce((sum, request) => sum + request.bytes, 0) - sentBefore;
    expect(sent).toBeLessThan(5000);
  });

  test.each([false, true])('publishing goes on after a crash at any request (provisional: %s)', async (provisional) => {
    for (let crashAt = 1; crashAt < 12; crashAt++) {
      await s3.restart({});
      const { storage, parts } = await stageShifted(provisional);
      let requests = 0;
      s3.server.refuse(() => (++requests >= crashAt ? new Refusal(403, 'AccessDenied') : undefined));
      for (const [index, part] of parts.entries()) {
        await storage.publish(recalled(part), nameOf(index)).catch(() => undefined);
        if (requests >= crashAt) break;
      }
      s3.server.refuse(undefined);
      const resumed = await s3.open();
      for (const [index, part] of parts.entries()) await resumed.publish(recalled(part), nameOf(index));
      await expectPublished();
    }
  });

  test('names may become later ones, as with a limit of rows for each file', async () => {
    const storage = await s3.open();
    // Slice 0 made three files, slice 1 one.
    const staged = ['t/part-00000.parquet', 't/part-00000-00001.parquet', 't/part-00000-00002.parquet', nameOf(1)];
    const parts = [];
    for (const [index, path] of staged.entries()) {
      parts.push(await stage(storage, path, contents[index]!, { provisional: true }));
    }
    await Promise.all(parts.map((part, index) => storage.publish(recalled(part), nameOf(index))));
    await expectPublished();
  });

  test('a part that was not said to be provisional never takes the place of another one in passing', async () => {
    const storage = await s3.open();
    const [first, second] = [randomBytes(70_000), randomBytes(80_000)];
    const moved = await stage(storage, nameOf(0), first);
    const last = await stage(storage, nameOf(1), second);
    await storage.publish(moved, nameOf(0));
    const error = await failureOf(storage.publish(last, nameOf(2)));
    expect(error).toMatchObject({ code: 'S3_PART_NOT_PROVISIONAL', exit: 'unexpected' });
    expect((await s3.download(`exports/${nameOf(0)}`)).equals(first)).toBe(true);
    expect(s3.uploads()).toEqual([`exports/${nameOf(1)}`]);
  });

  test('a part that is withdrawn while its object waits under a hidden name leaves nothing', async () => {
    const storage = await s3.open();
    const part = await stage(storage, nameOf(3), randomBytes(MIB), { provisional: true });
    s3.server.refuse(({ operation }) => (operation === 'CopyObject' ? new Refusal(403, 'AccessDenied') : undefined));
    await failureOf(storage.publish(part, nameOf(2)));
    const keys = () => [...s3.server.store.bucket('lake').keys()].filter((key) => !key.includes('/uploads-'));
    expect(keys()).toHaveLength(1);
    expect(await storage.list('')).toEqual([]);
    await storage.discard(part);
    expect(keys()).toEqual([]);
  });
});

describe('objects', () => {
  test('put, get, list and remove see each other, below the base path only', async () => {
    const storage = await s3.open();
    await storage.put('t/_SUCCESS', new Uint8Array());
    await storage.put('t/_manifest.json', Buffer.from('{}'));
    await storage.put('t/year=2025/month=01/part-00000.parquet', Buffer.from('abc'));
    await storage.put('t2/part-00000.parquet', Buffer.from('x'));
    expect(s3.keys().every((key) => key.startsWith('exports/'))).toBe(true);
    expect(Buffer.from((await storage.get('t/_manifest.json'))!).toString()).toBe('{}');
    expect(await storage.get('t/nothing')).toBeUndefined();
    expect(await storage.list('t')).toMatchObject([
      { path: 't/_SUCCESS', bytes: 0 },
      { path: 't/_manifest.json', bytes: 2 },
      { path: 't/year=2025/month=01/part-00000.parquet', bytes: 3 },
    ]);
    await storage.remove(['t/_SUCCESS']);
    await storage.remove(['t/_SUCCESS', 't/_manifest.json', 't/never-there']);
    await storage.remove([]);
    expect((await storage.list('')).map((object) => object.path)).toEqual([
      't/year=2025/month=01/part-00000.parquet',
      't2/part-00000.parquet',
    ]);
  });

  test('names with any characters come back as they were', async () => {
    const storage = await s3.open({ basePath: 'a b/ü+&=' });
    const names = ['x y', 'ü+&=<>"\'', '%2F%25', '100%', 'emoji-🙂', '(1)!*', "it's", 'tilde~#?'];
    const paths = names.map((name) => `sales/${name}/part-00000.parquet`);
    for (const [index, path] of paths.entries()) {
      const part = await stage(storage, path, randomBytes(index % 2 === 0 ? 10 : 100_000));
      await storage.publish(part, path);
    }
    expect((await storage.list('sales')).map((object) => object.path).sort()).toEqual([...paths].sort());
    expect(s3.keys().sort()).toEqual(paths.map((path) => `a b/ü+&=/${path}`).sort());
    await storage.remove(paths);
    expect(s3.keys()).toEqual([]);
  });

  test('names are moved with any characters, too', async () => {
    const storage = await s3.open();
    const part = await stage(storage, 'ü +&%/part-00001.parquet', randomBytes(100_000));
    await storage.publish(part, 'ü +&%/part-00000.parquet');
    expect(s3.keys()).toEqual(['exports/ü +&%/part-00000.parquet']);
  });

  test('more objects than one page or one deletion takes', async () => {
    const storage = await s3.open();
    const bucket = s3.server.store.bucket('lake');
    await storage.put('t/part-0', Buffer.from('x'));
    const object = bucket.get('exports/t/part-0')!;
    for (let index = 1; index < 2500; index++) bucket.set(`exports/t/part-${index}`, object);
    s3.server.counts();
    const found = await storage.list('t');
    expect(found).toHaveLength(2500);
    await storage.remove(found.map(({ path }) => path));
    expect(s3.keys()).toEqual([]);
    expect(s3.server.counts()).toEqual({ ListObjectsV2: 3, DeleteObjects: 3 });
  });

  test('no path leads out of the base', async () => {
    const storage = await s3.open();
    await expect(storage.put('../elsewhere', Buffer.from('x'))).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    await expect(storage.list('a/../..')).rejects.toMatchObject({ code: 'UNSAFE_PATH' });
    expect(s3.server.log).toEqual([]);
  });

  test('the base may be the bucket itself', async () => {
    const storage = await s3.open({ basePath: '' });
    await storage.put('t/_SUCCESS', new Uint8Array());
    expect(await storage.list('')).toMatchObject([{ path: 't/_SUCCESS', bytes: 0 }]);
    expect(storage.display('t/_SUCCESS')).toBe('s3://lake/t/_SUCCESS');
  });
});

describe('requests', () => {
  test('a thousand small tables cost one request for each part', async () => {
    const storage = await s3.open();
    const tables = Array.from({ length: 1000 }, (_, index) => `public/table_${index}/part-00000.parquet`);
    for (const path of tables) {
      const part = await stage(storage, path, Buffer.from(path));
      await storage.publish(part, path);
    }
    expect(s3.server.counts()).toEqual({ PutObject: 1000 });
  });

  test('the rest of a large part costs its pieces, one note and two requests around', async () => {
    const storage = await s3.open();
    const part = await stage(storage, 't/part-00000.parquet', randomBytes(11 * MIB));
    await storage.publish(part, 't/part-00000.parquet');
    expect(s3.server.counts()).toEqual({
      CreateMultipartUpload: 1,
      PutObject: 1,
      UploadPart: 3,
      CompleteMultipartUpload: 1,
    });
  });
});
