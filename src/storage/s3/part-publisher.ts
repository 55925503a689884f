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

/** When to look for an object whose completion was not answered: large ones take the store a while. */
const LOOKS_AFTER_MS = [0, 500, 2000];

export interface PublisherOptions {
  readonly bucket: S3Bucket;
  /** Notes an upload that publishing makes itself. */
  readonly note: (runId: string, upload: Upload) => Promise<void>;
}

interface Place {
  /** Where the part is to appear. */
  readonly key: string;
  /** Where it was meant to when it was staged. */
  readonly stagedKey: string;
  /** What it may replace; undefined for anything. */
  readonly replaces: Replaced | undefined;
  /** As of `WriteOptions`. */
  readonly confirm?: WriteOptions['confirm'];
}

/** Makes staged parts visible, also those that another process or an earlier run has staged. */
export class PartPublisher {
  readonly #options: PublisherOptions;
  /** By directory: the last publication under another name than the staged one. */
  readonly #renaming = new Map<string, Promise<void>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /**
   * @throws LakeportError `TARGET_CHANGED` where something else is there
   */
  async publish(part: StagedPart, { key, stagedKey, replaces: seen, confirm }: Place): Promise<void> {
    const { requests } = this.#options.bucket;
    const token = readS3Token(part, requests.bucket);
    const crossesOthers = key !== stagedKey && !token.provisional;
    // Where parts move to each other's places, what was seen there is gone before the last of them comes.
    const replaces = crossesOthers ? undefined : seen;
    const publish = async () => {
      // Its turn may have come late.
      if (crossesOthers) await confirm?.();
      if (token.kind === 'inline') await this.#put(key, Buffer.from(token.content, 'base64'), replaces);
      else await this.#publishUpload({ token, bytes: part.bytes }, { key, replaces, confirm });
    };
    if (crossesOthers && token.kind === 'upload') this.#checkMove(stagedKey, key);
    await (crossesOthers ? this.#inTurn(directoryOf(key), publish) : publish());
  }

  /**
   * Where a part stands that was to become the object of that key. One request while its upload is open, which is asked
   * first: also an upload that some store still knows after its completion can be completed.
   */
  async locate(part: StagedPart, key: string): Promise<StagedState> {
    const { requests, uploads } = this.#options.bucket;
    const token = readS3Token(part, requests.bucket);
    // Its content is in the token, and publishing it again is what asking would cost.
    if (token.kind === 'inline') return 'staged';
    if (await uploads.has(token, token.parts)) return 'staged';
    const staged = { token, bytes: part.bytes };
    if (await this.#finds(key, staged)) return 'published';
    // Complete, and not yet moved to its place: publishing goes on from there.
    return token.key !== key && (await this.#finds(token.key, staged)) ? 'staged' : 'gone';
  }

  /** One that is gone already, or published, is no error. */
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
   * Completes the upload. It keeps the key that it was begun for; where that is another one, the object appears there and
   * goes on to its place by a copy inside the store. Done again after a failure half way, this goes on from there.
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
   * An answer that got lost is no failure: then the object itself tells. Returns the key at which it is, the one that it
   * was staged for or the one that it goes to.
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
   * An upload that was begun under a part's own name appears there in passing. Where it moves to a smaller one, and all
   * do so in ascending order, no part can have arrived there yet; the other way round it would replace one.
   */
  #checkMove(from: string, to: string): void {
    if (to.length < from.length || (to.length === from.length && to < from)) return;
    const { requests } = this.#options.bucket;
    throw new LakeportError({
      code: 'S3_PART_NOT_PROVISIONAL',
      message: `The part staged as ${requests.display(from)} cannot become ${requests.display(to)}: another one may be in its way`,
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

  /** True where the object at the key is the staged one. */
  async #isAt(key: string, staged: StagedUpload): Promise<boolean> {
    // What the caller has failed with tells more.
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

/** ETag of a completed upload: MD5 of the parts' MD5 sums, and their number. Undefined where parts have other ETags. */
function etagOf(parts: readonly UploadedPart[]): string | undefined {
  const sums = parts.map(({ etag }) => /^"?([0-9a-f]{32})"?$/.exec(etag)?.[1]);
  if (sums.includes(undefined)) return undefined;
  return `"${createHash('md5')
    .update(Buffer.from(sums.join(''), 'hex'))
    .digest('hex')}-${parts.length}"`;
}
