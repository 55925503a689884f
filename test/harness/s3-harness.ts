import { createHash } from 'node:crypto';

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect } from 'vitest';

import type { S3Info } from '../../src/storage/s3/info.js';
import { LakeportError } from '../../src/errors.js';
import { openS3Storage } from '../../src/storage/s3/index.js';
import type { StagedPart, StageOptions, Storage } from '../../src/storage/storage.js';
import { s3Entry } from './s3-entry.js';
import { type S3Server, type S3ServerOptions, startS3Server } from '../servers/s3-server/index.js';

// The official client that tests read back with would warn of Node 20.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

export const MIB = 1024 * 1024;
const BUCKET = 'lake';

/** A server for each test, and storages on it that are closed after the test. */
export interface S3Harness {
  readonly server: S3Server;
  /** Takes the place of the server that was started for the test. */
  restart(options: S3ServerOptions): Promise<void>;
  /** A storage in `s3://lake/exports`, with parts of 5 MiB. */
  open(info?: Partial<S3Info>): Promise<Storage>;
  /** Keys in the bucket, in order; those of runs' own notes left out. */
  keys(): string[];
  /** Uploads that are neither completed nor aborted, by their keys. */
  uploads(): string[];
  /** An object as the official client reads it, set up by hand. */
  download(key: string): Promise<Buffer>;
}

export function useS3Server(options: S3ServerOptions = {}): S3Harness {
  let server: S3Server;
  const opened: Storage[] = [];

  beforeEach(async () => {
    server = await startS3Server({ bucket: BUCKET, ...options });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((storage) => storage.close()));
    await server.stop();
  });

  return {
    get server() {
      return server;
    },
    restart: async (other) => {
      await server.stop();
      server = await startS3Server({ bucket: BUCKET, ...options, ...other });
    },
    open: async (info = {}) => {
      const storage = await openS3Storage(
        s3Entry({
          bucket: BUCKET,
          endpointUrl: server.endpoint,
          basePath: 'exports',
          partSizeBytes: 5 * MIB,
          timeoutMs: 5_000,
          ...info,
        }),
      );
      opened.push(storage);
      return storage;
    },
    keys: () => [...server.store.bucket(BUCKET).keys()].filter((key) => !key.includes('/.lakeport/')).sort(),
    uploads: () => [...server.store.uploads.values()].map((upload) => upload.key).sort(),
    download: async (key) => {
      const client = new S3Client({
        endpoint: server.endpoint,
        region: server.region,
        forcePathStyle: true,
        credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
      });
      try {
        const { Body: body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
        return Buffer.from(await body!.transformToByteArray());
      } finally {
        client.destroy();
      }
    },
  };
}

/** Stages a part in chunks of odd sizes. */
export async function stage(
  storage: Storage,
  path: string,
  content: Buffer,
  options: Partial<StageOptions> = {},
): Promise<StagedPart> {
  const writer = await storage.stage(path, { runId: 'run-1', ...options });
  for (let offset = 0; offset < content.length; offset += 300_000) {
    const middle = offset + 100_001;
    await writer.write([content.subarray(offset, middle), content.subarray(middle, offset + 300_000)]);
  }
  return await writer.end();
}

/** A part as the run log gives it back. */
export function recalled(part: StagedPart): StagedPart {
  return JSON.parse(JSON.stringify(part)) as StagedPart;
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** What the promise was rejected with, which must be one of the program's own errors. */
export async function failureOf(promise: Promise<unknown>): Promise<LakeportError> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(LakeportError);
    return error as LakeportError;
  }
  throw new Error('Nothing was thrown');
}
