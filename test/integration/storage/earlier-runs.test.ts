import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { currentProcess } from '../../../src/runtime/process-identity.js';
import { openLocalStorage } from '../../../src/storage/local/index.js';
import type { StagedPart, Storage } from '../../../src/storage/storage.js';
import { failure } from '../../harness/failure.js';
import { useS3Server } from '../../harness/s3-harness.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/**
 * What runs of version 0.1 have left, as that version wrote it: S3 had its own directories in `.lakeport/`, the local
 * store its files in the base itself.
 */
const OLD = '33333333-3333-4333-8333-333333333333';
const NEW = '44444444-4444-4444-8444-444444444444';
const HOLDER = '468ec242c8ed0528';
const TABLE = 'daily/public/orders';
const PART = `${TABLE}/part-00000.parquet`;
const CONTENT = Buffer.from('content');
const MINUTE = 60_000;

type Owner = 'dead' | 'alive' | 'elsewhere';

async function processOf(owner: Owner): Promise<object> {
  const self = await currentProcess();
  if (owner === 'alive') return self;
  if (owner === 'elsewhere') return { ...self, host: 'elsewhere' };
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return { ...self, pid: child.pid, started: '1' };
}

function claimOf(identity: object): string {
  return `${JSON.stringify({ runId: OLD, process: identity, directories: [TABLE] })}\nheld\n`;
}

function staged(token: StagedPart['token']): StagedPart {
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  return { storageId: 'lake', path: PART, bytes: CONTENT.length, sha256, token };
}

/** What every store has to know of such a run. */
function describeEarlierRuns(use: {
  /** A storage that is prepared, and closed by the test's end. */
  readonly open: () => Promise<Storage>;
  /** Writes what the run has left. Returns its parts: one at its place, one under a hidden name. */
  readonly leave: (owner: Owner, minutesAgo?: number) => Promise<StagedPart[]>;
  /** All that is there, uploads included. */
  readonly left: () => Promise<string[]>;
}): void {
  const { open, leave, left } = use;

  it('are swept when their process is dead', async () => {
    const parts = await leave('dead');
    const next = await open();
    await next.beginRun({ runId: NEW, directory: '' });
    expect(await next.sweep()).toBe(parts.length);
    await next.endRun();
    expect(await left()).toEqual([]);
  });

  it('give their directories to the next run when their process is dead', async () => {
    await leave('dead');
    const next = await open();
    await next.beginRun({ runId: NEW, directory: '' });
    await next.claim([TABLE]);
    await next.confirmClaim();
  });

  it('are left alone while they live, with what they have claimed and their id', async () => {
    await leave('alive');
    const before = await left();
    const next = await open();
    expect(await failure(next.beginRun({ runId: OLD, directory: '' }))).toMatchObject({ code: 'RUN_IS_ACTIVE' });
    await next.beginRun({ runId: NEW, directory: '' });
    expect(await next.sweep()).toBe(0);
    expect(await failure(next.claim([TABLE]))).toMatchObject({ code: 'TARGET_IN_USE' });
    await next.endRun();
    expect(await left()).toEqual(before);
  });

  it.each([
    [9, 0],
    [11, 1],
  ])('of another machine that were heard of %i minutes ago are dead: %i', async (minutes, dead) => {
    const parts = await leave('elsewhere', minutes);
    const next = await open();
    await next.beginRun({ runId: NEW, directory: '' });
    expect(await next.sweep()).toBe(dead * parts.length);
  });

  it('are resumed: their parts are published, those that are not are withdrawn at the end', async () => {
    const parts = await leave('dead');
    const resumed = await open();
    await resumed.beginRun({ runId: OLD, directory: '' });
    await resumed.claim([TABLE]);
    expect(await resumed.sweep()).toBe(0);
    for (const [index, part] of parts.slice(0, -1).entries()) {
      const place = `${TABLE}/part-0000${index}.parquet`;
      expect(await resumed.locate(part, place)).toBe('staged');
      await resumed.publish(part, place);
      expect(Buffer.from((await resumed.get(place))!)).toEqual(CONTENT);
    }
    await resumed.endRun();
    expect((await left()).filter((name) => !name.endsWith('.parquet'))).toEqual([]);
  });
}

describe('runs of the version before in a local directory', () => {
  let scratch: ScratchDirectory;
  let base: string;
  const opened: Storage[] = [];

  beforeEach(() => {
    scratch = new ScratchDirectory();
    base = path.join(scratch.path, 'out');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
    scratch.remove();
  });

  describeEarlierRuns({
    open: async () => {
      const storage = await openLocalStorage({ id: 'lake', directory: base });
      opened.push(storage);
      await storage.prepare();
      return storage;
    },
    leave: async (owner, minutesAgo = 0) => {
      const identity = await processOf(owner);
      const names = ['1779d4bb03b9', 'aa79d4bb03b9'].map(
        (random) => `${TABLE}/.lakeport-${OLD}-part-00000-${random}.tmp`,
      );
      mkdirSync(path.join(base, TABLE), { recursive: true });
      const marker = { ...identity, holder: HOLDER, directory: 'daily', createdAt: '2026-11-29T02:47:47.645Z' };
      const note = JSON.stringify({ directory: TABLE, made: 'daily' });
      const files = {
        [`.lakeport-run-${OLD}.json`]: `${JSON.stringify(marker)}\n\n${note}\n`,
        [`.lakeport-claim-${OLD}-${HOLDER}.json`]: claimOf(identity),
        // A claim that was being written.
        [`.lakeport-${OLD}-claim-0123456789ab.tmp`]: '{"runId"',
        ...Object.fromEntries(names.map((name) => [name, CONTENT])),
      };
      const at = new Date(Date.now() - minutesAgo * MINUTE);
      for (const [name, content] of Object.entries(files)) {
        writeFileSync(path.join(base, name), content);
        utimesSync(path.join(base, name), at, at);
      }
      return names.map((file) => staged({ file }));
    },
    left: async () => (existsSync(base) ? (await scratch.files()).filter((file) => file !== 'out/') : []),
  });

  it('keep their name for a run that goes on in the new place, and leave no directory behind', async () => {
    const marker = path.join(base, `.lakeport-run-${OLD}.json`);
    mkdirSync(base);
    writeFileSync(marker, `${JSON.stringify(await processOf('dead'))}\n`);
    const storage = await openLocalStorage({ id: 'lake', directory: base });
    opened.push(storage);
    await storage.beginRun({ runId: OLD, directory: '' });
    expect(readFileSync(path.join(base, `.lakeport/run-${OLD}.json`), 'utf8')).toContain(`"pid":${process.pid}`);
    await storage.endRun();
    expect(await scratch.files()).toEqual(['out/']);
  });
});

describe('runs of the version before in S3', () => {
  const s3 = useS3Server();
  const runs = `exports/.lakeport/runs/${OLD}`;

  describeEarlierRuns({
    open: async () => {
      const storage = await s3.open();
      await storage.prepare();
      return storage;
    },
    leave: async (owner, minutesAgo = 0) => {
      const identity = await processOf(owner);
      const client = new S3Client({
        endpoint: s3.server.endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: s3.server.accessKeyId, secretAccessKey: s3.server.secretAccessKey },
      });
      const uploads: { key: string; uploadId: string }[] = [];
      const parts: StagedPart[] = [];
      for (const key of [
        `exports/${PART}`,
        `exports/${TABLE}/.lakeport-${OLD}-part-00000-1779d4bb03b9.tmp`,
        `exports/${TABLE}/.lakeport-${OLD}-part-00000-aa79d4bb03b9.tmp`,
      ]) {
        const target = { Bucket: 'lake', Key: key };
        const Metadata = { 'lakeport-part': key };
        const { UploadId: uploadId = '' } = await client.send(
          new CreateMultipartUploadCommand({ ...target, Metadata }),
        );
        const part = { ...target, UploadId: uploadId, PartNumber: 1, Body: CONTENT };
        const { ETag: etag = '' } = await client.send(new UploadPartCommand(part));
        uploads.push({ key, uploadId });
        const token = { kind: 'upload', runId: OLD, bucket: 'lake', key, uploadId, mark: key };
        parts.push(staged({ ...token, provisional: key.includes('.tmp'), parts: [{ number: 1, etag }] }));
      }
      client.destroy();
      const modified = new Date(Date.now() - minutesAgo * MINUTE);
      const put = async (key: string, text: string) => {
        await (await s3.open({ basePath: '' })).put(key, Buffer.from(text));
        const bucket = s3.server.store.bucket('lake');
        bucket.set(key, { ...bucket.get(key)!, modified });
      };
      await put(`${runs}/run.json`, JSON.stringify({ process: identity, holder: HOLDER }));
      await put(`${runs}/claim-${HOLDER}.json`, claimOf(identity));
      await put(`${runs}/uploads-0123456789ab.json`, JSON.stringify({ uploads }));
      return parts;
    },
    left: () => {
      const keys = [...s3.server.store.bucket('lake').keys()].map((key) => key.slice('exports/'.length));
      return Promise.resolve([...keys, ...s3.uploads().map((key) => `upload of ${key} that is open`)].sort());
    },
  });

  it('have ended where their marker says so, though they could not remove it', async () => {
    const storage = await s3.open();
    const marker = { process: await processOf('elsewhere'), holder: HOLDER, ended: true };
    await storage.put(`.lakeport/runs/${OLD}/run.json`, Buffer.from(JSON.stringify(marker)));
    await storage.beginRun({ runId: NEW, directory: '' });
    await storage.sweep();
    await storage.endRun();
    expect([...s3.server.store.bucket('lake').keys()]).toEqual([]);
  });
});
