import { randomBytes } from 'node:crypto';

import type { File } from '@google-cloud/storage';

import type { GcsEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import { forEachPath } from '../each-path.js';
import type { Agents } from '../http/agents.js';
import { rangeHeader } from '../http/byte-range.js';
import { field, textField, type RemotePlace } from '../http/error-mapping.js';
import type { HttpAnswer } from '../http/request.js';
import { sizeOf } from '../http/byte-queue.js';
import type { Retries } from '../http/retries.js';
import { newNonce } from '../nonce.js';
import type { Listing, ObjectClient } from '../object-client.js';
import { joinPath } from '../path.js';
import type { ByteRange, Place, Replaced, StoredContent, StoredObject } from '../storage.js';
import { isCreated, targetChanged } from '../target-changed.js';
import { GcsAnswerError, parseJson } from './response-error.js';
import type { GcsClient } from './client.js';
import { Crc32c } from './crc32c.js';
import { explain } from './map-error.js';
import { objectInfo, type ObjectInfo, PART_METADATA } from './object-info.js';
import type { GcsOperation } from './operation.js';

/** Page size of listings, the service's maximum. */
const PAGE = 1000;
const LISTED_FIELDS = 'items(name,size,generation,updated),nextPageToken';

export interface UploadTarget {
  readonly path: string;
  /** A nonce that identifies the object later. */
  readonly part?: string;
  /** Generation of the object that may be replaced, `0` for none; only with a nonce. */
  readonly generation?: string;
  readonly signal?: AbortSignal;
}

export interface GcsObjectsOptions {
  readonly client: GcsClient;
  readonly entry: GcsEntry;
  readonly place: RemotePlace;
  readonly retries: Retries;
  readonly agents: Agents;
}

/** The requests that the store consists of, with paths relative to its base and mapped errors. */
export class GcsObjects implements ObjectClient {
  readonly client: GcsClient;
  readonly #entry: GcsEntry;
  readonly #place: RemotePlace;
  readonly #retries: Retries;
  readonly #agents: Agents;
  #accepted = false;

  constructor({ client, entry, place, retries, agents }: GcsObjectsOptions) {
    this.client = client;
    this.#entry = entry;
    this.#place = place;
    this.#retries = retries;
    this.#agents = agents;
  }

  place(path: string): Place {
    const { bucket, endpointUrl: service = 'https://storage.googleapis.com' } = this.#entry.info;
    return { kind: 'gcs', bucket, key: this.nameOf(path), service };
  }

  display(path: string): string {
    return `gs://${joinPath(this.#entry.info.bucket, this.nameOf(path))}`;
  }

  /** Full object name of a path. */
  nameOf(path: string): string {
    return joinPath(this.#entry.info.basePath, path);
  }

  async put(path: string, content: Uint8Array, replaces?: Replaced): Promise<void> {
    const condition = replaces === undefined ? {} : { part: newNonce(), generation: generationOf(replaces) };
    const written = await this.upload({ path, ...condition }, [content]);
    if (written === undefined) throw targetChanged(this.display(path));
  }

  create(path: string, content: Uint8Array): Promise<boolean> {
    return isCreated(this.put(path, content, { version: undefined }));
  }

  read(path: string, range?: ByteRange): Promise<StoredContent | undefined> {
    const headers = range === undefined ? {} : { range: rangeHeader(range) };
    return this.attempt('read', { path }, async () => {
      try {
        const answer = await this.client.send({
          method: 'GET',
          target: this.#target(path),
          query: { alt: 'media' },
          headers,
        });
        const { body: content } = answer;
        const [generation] = [answer.headers['x-goog-generation']].flat();
        // Proxies and imitations of the service may leave the header out.
        const version = generation ?? (await this.#describe(path))?.generation;
        return { path, bytes: content.length, version, content };
      } catch (error) {
        if (!(error instanceof GcsAnswerError)) throw error;
        if (error.status === 404) return undefined;
        // The range starts past the end.
        if (error.status === 416) return { path, bytes: 0, content: new Uint8Array() };
        throw error;
      }
    });
  }

  async head(path: string): Promise<StoredObject | undefined> {
    const found = await this.retry(() => this.infoOnce(path));
    return found === undefined ? undefined : { path, bytes: found.bytes, version: found.generation };
  }

  async list(directory: string): Promise<Listing> {
    const base = prefixOf(this.nameOf(''));
    const { objects, now } = await this.#list(prefixOf(this.nameOf(directory)));
    return {
      objects: objects.map(({ name, bytes, generation, updatedAt }) => ({
        path: name.slice(base.length),
        bytes,
        version: generation,
        modifiedAt: updatedAt,
      })),
      now,
    };
  }

  async remove(paths: readonly string[], versions?: ReadonlyMap<string, string>): Promise<void> {
    await forEachPath(paths, async (path) => {
      const generation = versions?.get(path);
      if (generation === undefined) await this.retry(() => this.removeOnce(path));
      else if (!(await this.#removeGeneration(path, generation))) throw targetChanged(this.display(path));
    });
  }

  close(): void {
    this.#agents.destroy();
  }

  /**
   * Uploads an object in one request, with a checksum that the service verifies. A target with a nonce must be new, or
   * replace the given generation: undefined if another object has its name.
   */
  upload(target: UploadTarget, pieces: readonly Uint8Array[]): Promise<ObjectInfo | undefined> {
    const { part, generation = '0', signal } = target;
    const boundary = randomBytes(16).toString('hex');
    const crc32c = new Crc32c();
    for (const piece of pieces) crc32c.update(piece);
    const name = this.nameOf(target.path);
    const description = { ...describe(name, part), crc32c: crc32c.toString() };
    // multipart/related: Cloud Storage documentation, "Upload an object with a single request".
    const head = `--${boundary}\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(description)}\r\n--${boundary}\r\ncontent-type: ${contentType(name)}\r\n\r\n`;
    return this.attempt('write', target, async () => {
      const answer = await this.client
        .send({
          method: 'POST',
          target: `/upload/storage/v1/b/${this.#entry.info.bucket}/o`,
          query: { uploadType: 'multipart', ...(part === undefined ? {} : { ifGenerationMatch: generation }) },
          headers: { 'content-type': `multipart/related; boundary=${boundary}` },
          body: [Buffer.from(head), ...pieces, Buffer.from(`\r\n--${boundary}--`)],
          signal,
        })
        .catch(unless(412));
      if (answer !== undefined) return uploaded(answer);
      // An earlier attempt may have written it although its response was lost.
      const there = await this.#describe(target.path);
      return there?.part === part && there?.bytes === sizeOf(pieces) ? there : undefined;
    });
  }

  /** Starts a resumable upload; returns its URL, which is a secret. */
  startUpload(target: UploadTarget): Promise<URL> {
    const name = this.nameOf(target.path);
    return this.attempt('write', target, async () => {
      const answer = await this.client.send({
        method: 'POST',
        target: `/upload/storage/v1/b/${this.#entry.info.bucket}/o`,
        query: { uploadType: 'resumable', name },
        headers: { 'content-type': 'application/json', 'x-upload-content-type': contentType(name) },
        body: [Buffer.from(JSON.stringify(describe(name, target.part)))],
        signal: target.signal,
      });
      const { location } = answer.headers;
      if (location === undefined || !URL.canParse(location)) throw new GcsAnswerError({ ...answer, status: 502 });
      return new URL(location);
    });
  }

  infoOnce(path: string): Promise<ObjectInfo | undefined> {
    return this.once('read', { path }, () => this.#describe(path));
  }

  /** A missing object is not an error. */
  async removeOnce(path: string): Promise<void> {
    await this.once('delete', { path }, () => this.#file(path).delete({ ignoreNotFound: true }));
  }

  /**
   * Renames atomically, replacing the object of that generation (`0` for none, undefined for any).
   * @returns 'refused' if another object is at the destination; 'impossible' if the source does not exist, or the service
   * does not support it
   */
  moveOnce(
    from: string,
    to: { readonly path: string; readonly generation: string | undefined },
  ): Promise<'moved' | 'refused' | 'impossible'> {
    const conditions = to.generation === undefined ? {} : { preconditionOpts: { ifGenerationMatch: to.generation } };
    return this.once('move', { path: to.path }, async () => {
      try {
        await this.#file(from).moveFileAtomic(this.#file(to.path), conditions);
        return 'moved';
      } catch (error) {
        const status = error instanceof GcsAnswerError ? error.status : 0;
        if (status === 412) return 'refused';
        // 404 and 501 are the responses of emulators to a request that they do not know.
        if ([404, 405, 501].includes(status)) return 'impossible';
        throw error;
      }
    });
  }

  /**
   * Copies within the bucket, replacing the object of that generation (`0` for none).
   * False if the source does not exist, or another object has appeared at the destination.
   */
  async copyOnce(from: string, to: { readonly path: string; readonly generation: string }): Promise<boolean> {
    const preconditionOpts = { ifGenerationMatch: to.generation };
    const copied = await this.once('copy', to, () =>
      this.#file(from).copy(this.#file(to.path), { preconditionOpts }).catch(unless(404, 412)),
    );
    return copied !== undefined;
  }

  /** Sends requests until they succeed or have failed too often. */
  attempt<T>(operation: GcsOperation, target: UploadTarget, request: () => Promise<T>): Promise<T> {
    return this.retry(() => this.once(operation, target, request), target.signal);
  }

  /** For operations of several requests, each of which is sent once and maps its errors. */
  retry<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#retries.run(attempt, { signal });
  }

  /** Sends requests once and maps a failure. */
  async once<T>(operation: GcsOperation, target: UploadTarget, request: () => Promise<T>): Promise<T> {
    try {
      const answer = await request();
      this.#accepted = true;
      return answer;
    } catch (error) {
      if (target.signal?.aborted === true && !(error instanceof LakeportError)) throw error;
      const shown = this.display(target.path);
      throw explain(error, { entry: this.#entry, place: this.#place, operation, shown, accepted: this.#accepted });
    }
  }

  /** @returns `now` by the service's clock */
  async #list(prefix: string): Promise<{ objects: ObjectInfo[]; now: number }> {
    const objects: ObjectInfo[] = [];
    let pageToken: string | undefined;
    let now: number;
    do {
      const query = { prefix, maxResults: String(PAGE), fields: LISTED_FIELDS, ...(pageToken && { pageToken }) };
      const answer = await this.attempt('list', { path: prefix.slice(prefixOf(this.nameOf('')).length) }, () =>
        this.client.send({ method: 'GET', target: this.#target(), query }),
      );
      const page = parseJson(answer.body);
      const items = field(page, 'items');
      if (Array.isArray(items)) objects.push(...items.map(objectInfo).filter((item) => item !== undefined));
      pageToken = textField(page, 'nextPageToken');
      now = Date.parse(answer.headers.date ?? '') || Date.now();
    } while (pageToken !== undefined);
    return { objects, now };
  }

  /** Removes only that generation. False if it has changed. */
  #removeGeneration(path: string, generation: string): Promise<boolean> {
    const request = {
      method: 'DELETE',
      target: this.#target(path),
      query: { ifGenerationMatch: generation },
    };
    return this.attempt('delete', { path }, async () => {
      try {
        await this.client.send(request);
      } catch (error) {
        if (!(error instanceof GcsAnswerError)) throw error;
        if (error.status === 412) return false;
        if (error.status !== 404) throw error;
      }
      return true;
    });
  }

  #file(path: string): File {
    return this.client.bucket(this.#entry.info.bucket).file(this.nameOf(path));
  }

  async #describe(path: string): Promise<ObjectInfo | undefined> {
    const found = await this.#file(path).getMetadata().catch(unless(404));
    return objectInfo(found?.[0]);
  }

  /** Request path of an object, or of the bucket's objects. */
  #target(path?: string): string {
    const objects = `/storage/v1/b/${this.#entry.info.bucket}/o`;
    return path === undefined ? objects : `${objects}/${encodeURIComponent(this.nameOf(path))}`;
  }
}

/** For preconditions: 0 if nothing may be replaced. */
export function generationOf({ version }: Replaced): string {
  return version ?? '0';
}

/** Prefix of the names of all objects below a directory. */
function prefixOf(name: string): string {
  return name === '' ? '' : `${name}/`;
}

/** For `catch`: these statuses are results, not failures. */
function unless(...statuses: readonly number[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof GcsAnswerError && statuses.includes(error.status)) return undefined;
    throw error;
  };
}

function describe(name: string, part: string | undefined): object {
  const metadata = part === undefined ? undefined : { [PART_METADATA]: part };
  return { name, contentType: contentType(name), ...(metadata && { metadata }) };
}

function uploaded(answer: HttpAnswer): ObjectInfo {
  const info = objectInfo(parseJson(answer.body));
  if (info === undefined) throw new GcsAnswerError({ ...answer, status: 502 });
  return info;
}

/** Staged parts have hidden names, and are Parquet files. */
function contentType(name: string): string {
  return name.endsWith('.json')
    ? 'application/json'
    : name.endsWith('/_SUCCESS')
      ? 'text/plain'
      : 'application/vnd.apache.parquet';
}
