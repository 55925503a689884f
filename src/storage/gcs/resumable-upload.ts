import { RemoteError } from '../http/store-error.js';
import type { HttpAnswer } from '../http/request.js';
import { drop, sizeOf } from '../http/byte-queue.js';
import { failureOf, type GcsClient } from './client.js';
import { parseJson } from './response-error.js';
import { objectInfo, type ObjectInfo } from './object-info.js';
import type { GcsObjects, UploadTarget } from './objects.js';

/** All chunks but the last must be a multiple of this; Cloud Storage documentation, "Resumable uploads". */
export const CHUNK_GRAIN = 256 * 1024;

const INCOMPLETE = 308;

/** What the last chunk adds besides its bytes. */
export interface Completion {
  readonly crc32c: string;
}

/**
 * A resumable upload, with one request per chunk. After a failure the service is asked how much it has received, and only
 * the rest is sent again: a lost response costs a query, not a chunk.
 */
export class ResumableUpload {
  readonly #objects: GcsObjects;
  readonly #client: GcsClient;
  readonly #target: UploadTarget;
  readonly #session: URL;
  /** Bytes confirmed by the service. */
  #confirmed = 0;
  /** True while the outcome of the last request is unknown. */
  #uncertain = false;

  constructor(options: { objects: GcsObjects; target: UploadTarget; session: URL }) {
    this.#objects = options.objects;
    this.#client = options.objects.client;
    this.#target = options.target;
    this.#session = options.session;
  }

  /** Sends the next chunk; with `completion` it is the last, and the object's description is returned. */
  send(pieces: readonly Uint8Array[], completion?: Completion): Promise<ObjectInfo | undefined> {
    const start = this.#confirmed;
    const end = start + sizeOf(pieces);
    return this.#objects.attempt('write', this.#target, async () => {
      const found = this.#uncertain ? await this.#findOut(completion === undefined ? undefined : end) : undefined;
      if (found !== undefined) return found;
      while (this.#confirmed < end) {
        if (this.#confirmed < start) throw this.#lost('has lost what it had confirmed');
        const before = this.#confirmed;
        const done = await this.#put(drop(pieces, before - start), { end, completion });
        if (done !== undefined) return done;
        if (this.#confirmed === before) throw this.#lost('accepted no bytes of a chunk');
      }
      return undefined;
    });
  }

  /** Cancels the upload, so that the service discards what it has received. */
  async cancel(): Promise<void> {
    // Whatever the response: an upload that is not cancelled expires after a week.
    await this.#client.sendRaw({ method: 'DELETE', target: this.#session }).catch(() => undefined);
  }

  async #put(
    pieces: readonly Uint8Array[],
    { end, completion }: { end: number; completion: Completion | undefined },
  ): Promise<ObjectInfo | undefined> {
    this.#uncertain = true;
    const answer = await this.#request(`bytes ${this.#confirmed}-${end - 1}/${completion === undefined ? '*' : end}`, {
      pieces,
      ...(completion === undefined ? {} : { hash: `crc32c=${completion.crc32c}` }),
    });
    return this.#understand(answer);
  }

  /** Asks how much has been received. */
  async #findOut(size: number | undefined): Promise<ObjectInfo | undefined> {
    return this.#understand(await this.#request(`bytes */${size ?? '*'}`, { pieces: [] }));
  }

  #request(range: string, body: { pieces: readonly Uint8Array[]; hash?: string }): Promise<HttpAnswer> {
    return this.#client.sendRaw({
      method: 'PUT',
      target: this.#session,
      headers: { 'content-range': range, ...(body.hash === undefined ? {} : { 'x-goog-hash': body.hash }) },
      body: body.pieces,
      signal: this.#target.signal,
    });
  }

  async #understand(answer: HttpAnswer): Promise<ObjectInfo | undefined> {
    if (answer.status === INCOMPLETE) {
      this.#uncertain = false;
      this.#confirmed = confirmedBy(answer);
      return undefined;
    }
    if (answer.status === 200 || answer.status === 201) {
      this.#uncertain = false;
      const info = objectInfo(parseJson(answer.body));
      if (info !== undefined) return info;
    }
    if (answer.status === 404 || answer.status === 410) {
      // The upload is unknown: either completed long ago, or gone.
      const info = await this.#objects.infoOnce(this.#target.path);
      if (info?.part === this.#target.part) return info;
      throw this.#lost('has forgotten the upload');
    }
    throw failureOf(answer);
  }

  #lost(what: string): RemoteError {
    return new RemoteError({
      code: 'GCS_UPLOAD_LOST',
      message: `Cloud Storage ${what}, so ${this.#objects.display(this.#target.path)} must be rewritten from the start`,
      hint: 'Do not let anything else clean up the destination during a run.',
    });
  }
}

/** `Range: bytes=0-N` in a 308: Cloud Storage documentation, "Check the status of a resumable upload". */
function confirmedBy(answer: HttpAnswer): number {
  const last = /^bytes=0-(\d+)$/.exec(answer.headers.range ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}
