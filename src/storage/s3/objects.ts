import { randomUUID } from 'node:crypto';

import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';

import { LakeportError } from '../../errors.js';
import { forEachPath } from '../each-path.js';
import { rangeHeader } from '../http/byte-range.js';
import type { ByteRange, Replaced } from '../storage.js';
import { type WriteCondition, WriteConditions } from './conditions.js';
import { expected, type NewObject, type S3Requests } from './requests.js';
import { answerOf } from './service-response.js';
import { MARK } from './staged-token.js';
import type { ObjectFacts } from './object-facts.js';

/** DeleteObjects accepts no more keys. */
const MAX_KEYS_PER_DELETE = 1000;

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string | undefined;
  /** By the store's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
}

interface ObjectContent extends Pick<ObjectFacts, 'bytes' | 'etag' | 'modifiedAt'> {
  readonly content: Uint8Array;
}

/** Requests for whole objects of the bucket. */
export class S3Objects {
  readonly conditions = new WriteConditions();
  readonly #requests: S3Requests;

  constructor(requests: S3Requests) {
    this.#requests = requests;
  }

  /** @throws LakeportError `TARGET_CHANGED` if it would replace something else */
  async put(object: NewObject, content: Uint8Array, replaces?: Replaced): Promise<void> {
    const { key } = object;
    const mark = randomUUID();
    const marked = replaces === undefined ? object : { ...object, metadata: { ...object.metadata, [MARK]: mark } };
    const creation = { ...this.#requests.creation(marked), Body: content };
    await this.#requests.send('PutObject', key, () =>
      this.conditions.write({
        kind: 'write',
        shown: this.#requests.display(key),
        replaces,
        send: async (condition) => {
          const command = new PutObjectCommand({ ...creation, ...condition });
          expected((await this.#requests.client.send(command)).ETag);
        },
        look: () => this.head(key),
        isDone: (there) => there?.metadata[MARK] === mark,
      }),
    );
  }

  /** The content of a small object, or of a range; undefined if there is no such object. */
  async read(key: string, range?: ByteRange): Promise<ObjectContent | undefined> {
    const wanted = range === undefined ? {} : { Range: rangeHeader(range) };
    return await this.#requests.send('GetObject', key, async () => {
      try {
        const command = new GetObjectCommand({ ...this.#requests.at(key), ...wanted });
        const { Body: body, ETag: etag, LastModified: modified } = await this.#requests.client.send(command);
        const content = (await body?.transformToByteArray()) ?? new Uint8Array();
        return { content, bytes: content.length, etag, modifiedAt: modified?.getTime() ?? 0 };
      } catch (error) {
        const { code, status } = answerOf(error) ?? {};
        if (code === 'NoSuchKey') return undefined;
        // The range starts past the end.
        if (status === 416) return { content: new Uint8Array(), bytes: 0, etag: undefined, modifiedAt: 0 };
        throw error;
      }
    });
  }

  /** Undefined if there is no such object. */
  async head(key: string): Promise<ObjectFacts | undefined> {
    return await this.#requests.send('HeadObject', key, async () => {
      try {
        const head = await this.#requests.client.send(new HeadObjectCommand(this.#requests.at(key)));
        const { ContentLength: bytes = 0, ETag: etag, LastModified: modified, Metadata: metadata = {} } = head;
        return { bytes, etag, modifiedAt: modified?.getTime() ?? 0, metadata };
      } catch (error) {
        if (answerOf(error)?.status === 404) return undefined;
        throw error;
      }
    });
  }

  /** All objects whose keys start with the prefix. */
  async list(prefix: string): Promise<ListedObject[]> {
    const objects: ListedObject[] = [];
    let token: string | undefined;
    do {
      const page = await this.#listPage(prefix, token);
      // Keys may have characters that XML cannot represent, so they are requested encoded; some stores ignore that.
      const decode = page.EncodingType === 'url' ? decodeKey : (key: string) => key;
      for (const { Key: key, Size: bytes, ETag: etag, LastModified: modified } of page.Contents ?? []) {
        objects.push({ key: decode(key ?? ''), bytes: bytes ?? 0, etag, modifiedAt: modified?.getTime() ?? 0 });
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return objects;
  }

  /** Missing objects are not an error. */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 1) {
      await this.#removeEach(keys);
      return;
    }
    for (let start = 0; start < keys.length; start += MAX_KEYS_PER_DELETE) {
      const batch = keys.slice(start, start + MAX_KEYS_PER_DELETE);
      try {
        await this.#removeBatch(batch);
      } catch (error) {
        // A few stores only support deleting single objects.
        if (!(error instanceof LakeportError && error.code === 'S3_NOT_SUPPORTED')) throw error;
        await this.#removeEach(batch);
      }
    }
  }

  /**
   * Removes only these versions of objects, by key; missing objects are not an error.
   * @throws LakeportError `TARGET_CHANGED`
   */
  async removeVersions(versions: ReadonlyMap<string, string>): Promise<void> {
    const remove = async (key: string, version: string) => {
      await this.#requests.send('DeleteObject', key, () =>
        this.conditions.write({
          kind: 'remove',
          shown: this.#requests.display(key),
          replaces: { version },
          send: (condition) =>
            this.#requests.client.send(new DeleteObjectCommand({ ...this.#requests.at(key), ...condition })),
          look: () => this.head(key),
          isDone: (there) => there === undefined,
        }),
      );
    };
    await forEachPath(versions.keys(), (key) => remove(key, versions.get(key) ?? ''));
  }

  /** Copies inside the bucket, metadata included; up to 5 GiB. Throws the client's errors. */
  async copyOnce(from: string, to: NewObject, condition: WriteCondition): Promise<void> {
    const { Tagging: tagging, ...settings } = to.settings;
    const command = new CopyObjectCommand({
      ...this.#requests.at(to.key),
      ...settings,
      ...condition,
      CopySource: this.#requests.source(from),
      ...(tagging === undefined ? {} : { Tagging: tagging, TaggingDirective: 'REPLACE' }),
    });
    await this.#requests.client.send(command);
  }

  async #listPage(prefix: string, token: string | undefined): Promise<ListObjectsV2CommandOutput> {
    const { client, bucket } = this.#requests;
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      EncodingType: 'url',
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    return await this.#requests.send('ListObjectsV2', prefix, () => client.send(command));
  }

  async #removeEach(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const command = new DeleteObjectCommand(this.#requests.at(key));
      await this.#requests.send('DeleteObject', key, () => this.#requests.client.send(command));
    }
  }

  async #removeBatch(keys: readonly string[]): Promise<void> {
    const { client, bucket } = this.#requests;
    const command = new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: keys.map((key) => ({ Key: key })), Quiet: true },
    });
    const { Errors: errors } = await this.#requests.send('DeleteObjects', keys[0] ?? '', () => client.send(command));
    const failed = errors?.find(({ Code: code }) => code !== 'NoSuchKey');
    if (failed === undefined) return;
    // The service rejects single keys inside a successful response; mapped like a rejected request.
    const status = failed.Code === 'AccessDenied' ? 403 : failed.Code === 'InternalError' ? 500 : 400;
    const refusal = Object.assign(new Error(failed.Message), { $metadata: { httpStatusCode: status } });
    refusal.name = failed.Code ?? 'Unknown';
    await this.#requests.send('DeleteObjects', failed.Key ?? '', () => Promise.reject(refusal));
  }
}

function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
