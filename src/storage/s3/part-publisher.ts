import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { LakeportError } from '../../errors.js';
import { directoryOf } from '../path.js';
import type { StagedState, Replaced, StagedPart, WriteOptions } from '../storage.js';
import type { S3Bucket } from './bucket.js';
import { copyObject } from './copy.js';
import { partSettings } from './object-settings.js';
import type { ObjectFacts } from './object-facts.js';
import { MARK, readS3Token, type UploadToken } from './staged-token.js';
import { isUploadGone, type Upload, type UploadedPart } from './uploads.js';

/** When to look for an object whose completion got no response: large ones take the store a while. */
const LOOKS_AFTER_MS = [0, 500, 2000];

export interface PublisherOptions {
  readonly bucket: S3Bucket;
  /** Notes an upload that publishing itself starts. */
  readonly note: (runId: string, upload: Upload) => Promise<void>;
}

interface Place {
  /** The final key. */
  readonly key: string;
  /** The intended key at the time of staging. */
  readonly stagedKey: string;
  /** What it may replace; undefined for anything. */
  readonly replaces: Replaced | undefined;
  /** See `WriteOptions`. */
  readonly confirm?: WriteOptions['confirm'];
}

/** Publishes staged parts, including those staged by another process or an earlier run. */
export class PartPublisher {
  readonly #options: PublisherOptions;
  /** By directory: the last publication under a name other than the staged one. */
  readonly #renaming = new Map<string, Promise<void>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * @throws LakeportError `TARGET_CHANGED` if something else is there
   */
  async publish(part: StagedPart, { key, stagedKey, replaces: seen, confirm }: Place): Promise<void> {
    const { requests } = this.#options.bucket;
    const token = readS3Token(part, requests.bucket);
    const crossesOthers = key !== stagedKey && !token.provisional;
    // If parts move to each other's keys, the object seen there is gone before the last of them arrives.
    const replaces = crossesOthers ? undefined : seen;
    const publish = async () => {
      // It may have waited for its turn.
      if (crossesOthers) await confirm?.();
      if (token.kind === 'inline') await this.#put(key, Buffer.from(token.content, 'base64'), replaces);
      else await this.#publishUpload({ token, bytes: part.bytes }, { key, replaces, confirm });
    };
    if (crossesOthers && token.kind === 'upload') this.#checkMove(stagedKey, key);
    await (crossesOthers ? this.#inTurn(directoryOf(key), publish) : publish());
  }

  /**
   * State of a part that was to become the object with that key. Takes one request if its upload is open, which is checked
   * first: some stores still know an upload after its completion, and it can be completed again.
   */
  async locate(part: StagedPart, key: string): Promise<StagedState> {
    const { requests, uploads } = this.#options.bucket;
    const token = readS3Token(part, requests.bucket);
    // Its content is in the token, and publishing it again costs as much as asking.
    if (token.kind === 'inline') return 'staged';
    if (await uploads.has(token, token.parts)) return 'staged';
    const staged = { token, bytes: part.bytes };
    if (await this.#finds(key, staged)) return 'published';
    // Completed but not yet moved to its key: publishing continues from there.
    return token.key !== key && (await this.#finds(token.key, staged)) ? 'staged' : 'gone';
  }

  /** A part that is gone or already published is not an error. */
  async discard(part: StagedPart): Promise<void> {
    const { requests, uploads, objects } = this.#options.bucket;
    const token = readS3Token(part, requests.bucket);
    if (token.kind === 'inline') return;
    await uploads.abort(token);
    if (token.provisional) await objects.remove([token.key]);
  }

  async #put(key: string, content: Uint8Array, replaces: Replaced | undefined): Promise<void> {
    const { requests, objects } = this.#options.bucket;
    await objects.put({ key, settings: partSettings(requests.entry.info) }, content, replaces);
  }

  /**
   * Completes the upload. The object gets the key that the upload was started for; if that is not the final one, it is then
   * copied to its place inside the store. A retry after a partial failure continues from there.
   */
  async #publishUpload(staged: StagedUpload, { key, replaces, confirm }: Omit<Place, 'stagedKey'>): Promise<void> {
    const { token, bytes } = staged;
    const { bucket, note } = this.#options;
    const at = await this.#complete(staged, { target: key, replaces: token.key === key ? replaces : undefined });
    if (token.key === key) return;
    if (at === key) {
      if (await this.#isAt(token.key, staged)) await bucket.objects.remove([token.key]);
      return;
    }
    await confirm?.();
    await copyObject({
      bucket,
      from: { key: token.key, bytes },
      to: { key, settings: partSettings(bucket.requests.entry.info), metadata: { [MARK]: token.mark } },
      replaces,
      isOwn: (facts) => isSame(facts, staged),
      note: (upload) => note(token.runId, upload),
    });
    await bucket.objects.remove([token.key]);
  }

  /**
   * A lost response is not a failure: the object itself shows the outcome. Returns the key at which it is: the one that it
   * was staged for or its final one.
   */
  async #complete(
    staged: StagedUpload,
    { target, replaces }: { readonly target: string; readonly replaces: Replaced | undefined },
  ): Promise<string> {
    const { token } = staged;
    const { requests, objects, uploads } = this.#options.bucket;
    try {
      await requests.send('CompleteMultipartUpload', token.key, () =>
        objects.conditions.write({
          kind: 'write',
          shown: requests.display(token.key),
          replaces,
          send: (condition) => uploads.completeOnce(token, token.parts, condition),
          look: () => objects.head(token.key),
          isDone: (there) => there !== undefined && isSame(there, staged),
        }),
      );
      return token.key;
    } catch (error) {
      const uncertain = isUploadGone(error) || (error instanceof LakeportError && error.transient);
      if (!uncertain) throw error;
      for (const wait of LOOKS_AFTER_MS) {
        await sleep(wait);
        for (const key of new Set([token.key, target])) if (await this.#isAt(key, staged)) return key;
      }
      throw error;
    }
  }

  /**
   * An upload that was started under a part's own name briefly appears there. If parts move to smaller names, in ascending
   * order, no other part can have arrived there yet; in the other direction it would replace one.
   */
  #checkMove(from: string, to: string): void {
    if (to.length < from.length || (to.length === from.length && to < from)) return;
    const { requests } = this.#options.bucket;
    throw new LakeportError({
      code: 'S3_PART_NOT_PROVISIONAL',
      message: `The part staged as ${requests.display(from)} cannot become ${requests.display(to)}: another part may be in the way`,
      hint: 'This should never happen; please report it.',
    });
  }

  /** One after the other, in the order of the calls; see `#checkMove`. */
  async #inTurn(directory: string, publish: () => Promise<void>): Promise<void> {
    const before = this.#renaming.get(directory) ?? Promise.resolve();
    const turn = before.then(publish, publish);
    this.#renaming.set(directory, turn);
    try {
      await turn;
    } finally {
      if (this.#renaming.get(directory) === turn) this.#renaming.delete(directory);
    }
  }

  /** Whether the object at the key is the staged one. */
  async #isAt(key: string, staged: StagedUpload): Promise<boolean> {
    // The caller's own error is more informative.
    return await this.#finds(key, staged).catch(() => false);
  }

  async #finds(key: string, staged: StagedUpload): Promise<boolean> {
    const facts = await this.#options.bucket.objects.head(key);
    return facts !== undefined && isSame(facts, staged);
  }
}

interface StagedUpload {
  readonly token: UploadToken;
  readonly bytes: number;
}

function isSame(facts: ObjectFacts, { token, bytes }: StagedUpload): boolean {
  if (facts.bytes !== bytes) return false;
  const mark = facts.metadata[MARK];
  if (mark !== undefined) return mark === token.mark;
  // Some stores drop the metadata of uploads.
  return facts.etag !== undefined && facts.etag === etagOf(token.parts);
}

/** ETag of a completed upload: MD5 of the parts' MD5 sums, and their number. Undefined if parts have other ETags. */
function etagOf(parts: readonly UploadedPart[]): string | undefined {
  const sums = parts.map(({ etag }) => /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1]);
  if (sums.includes(undefined)) return undefined;
  return `"${createHash('md5')
    .update(Buffer.from(sums.join(''), 'hex'))
    .digest('hex')}-${parts.length}"`;
}
