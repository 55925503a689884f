import { LakeportError } from '../../errors.js';
import { type OwnObject, isPartPath, partPath } from '../lease/own-paths.js';
import type { Withdrawal } from '../lease/store-lease.js';
import { newNonce } from '../nonce.js';
import { readToken } from '../staged-token.js';
import type { Stager } from '../stager.js';
import type { PartWriter, Replaced, StagedPart, StagedState, StageOptions, WriteOptions } from '../storage.js';
import { targetChanged } from '../target-changed.js';
import type { ObjectInfo } from './object-info.js';
import { generationOf, type GcsObjects } from './objects.js';
import { chunkSize, GcsPartWriter } from './part-writer.js';
import { gcsToken, hiddenPathOf } from './staged-token.js';

/** A staged part, by the path of its temporary object. */
interface Staged {
  readonly path: string;
  readonly nonce: string;
}

/** The destination of a part. */
interface Place {
  readonly path: string;
  /** What may be replaced there; undefined for anything. */
  readonly replaces: Replaced | undefined;
}

/**
 * Stages parts as objects in the program's own directory, and moves them to their places. Each attempt first checks what
 * the last one did, so that a lost response leads neither to a second publication nor to a failure.
 */
export class GcsStager implements Stager {
  readonly #objects: GcsObjects;
  readonly #storageId: string;
  readonly #partSizeBytes: number;
  /** False once the service has shown that it has no atomic move, as with emulators. */
  #canMove = true;

  constructor(options: { readonly objects: GcsObjects; readonly storageId: string; readonly partSizeBytes: number }) {
    this.#objects = options.objects;
    this.#storageId = options.storageId;
    this.#partSizeBytes = options.partSizeBytes;
  }

  /** A chunk in flight and the one being filled. */
  writerMemoryBytes(): number {
    return 2 * chunkSize(this.#partSizeBytes);
  }

  stage(path: string, { runId }: StageOptions): PartWriter {
    const nonce = newNonce();
    return new GcsPartWriter({
      objects: this.#objects,
      storageId: this.#storageId,
      path,
      hidden: partPath(runId, nonce),
      nonce,
      partSizeBytes: this.#partSizeBytes,
    });
  }

  publish(part: StagedPart, path: string, { replaces }: WriteOptions): Promise<void> {
    const staged = stagedOf(part);
    return this.#objects.retry(() => this.#attempt(staged, { path, replaces }));
  }

  /** An object keeps its nonce when it is moved or copied, so no content has to be read. */
  locate(part: StagedPart, path: string): Promise<StagedState> {
    const staged = stagedOf(part);
    const isPart = (found: ObjectInfo | undefined) => found?.part === staged.nonce && found.bytes === part.bytes;
    return this.#objects.retry(async () => {
      // If both exist, an emulator's copy was interrupted; publishing continues from there.
      if (isPart(await this.#objects.infoOnce(staged.path))) return 'staged';
      return isPart(await this.#objects.infoOnce(path)) ? 'published' : 'gone';
    });
  }

  async discard(part: StagedPart): Promise<void> {
    await this.#objects.remove([stagedOf(part).path]);
  }

  async withdraw(own: readonly OwnObject[], { isDryRun }: Withdrawal): Promise<number> {
    const parts = own.map(({ path }) => path).filter(isPartPath);
    if (!isDryRun) await this.#objects.remove(parts);
    return parts.length;
  }

  async #attempt(staged: Staged, place: Place): Promise<void> {
    if (this.#canMove) {
      const generation = place.replaces === undefined ? undefined : generationOf(place.replaces);
      const moved = await this.#objects.moveOnce(staged.path, { path: place.path, generation });
      if (moved === 'moved') return;
      if (moved === 'refused') {
        await this.#assertPublished(staged, place);
        return;
      }
      const stagedStill = await this.#objects.infoOnce(staged.path);
      if (stagedStill === undefined) {
        await this.#assertPublished(staged, place);
        return;
      }
      this.#canMove = false;
    }
    await this.#copy(staged, place);
  }

  async #copy(staged: Staged, place: Place): Promise<void> {
    const there = await this.#objects.infoOnce(place.path);
    if (there?.part !== staged.nonce) {
      const generation = generationOf(place.replaces ?? { version: there?.generation });
      const target = { path: place.path, generation };
      if (!(await this.#objects.copyOnce(staged.path, target))) await this.#assertPublished(staged, place);
    }
    await this.#objects.removeOnce(staged.path);
  }

  async #assertPublished(staged: Staged, place: Place): Promise<void> {
    const there = await this.#objects.infoOnce(place.path);
    if (there?.part === staged.nonce) return;
    if ((await this.#objects.infoOnce(staged.path)) !== undefined)
      throw targetChanged(this.#objects.display(place.path));
    const shown = this.#objects.display(place.path);
    throw new LakeportError({
      code: 'STAGED_PART_GONE',
      message: `The staged part of ${shown} disappeared before it was published`,
      hint: 'Do not let anything else clean up the destination during a run; lifecycle rules must spare objects younger than the longest run.',
      context: { path: shown },
    });
  }
}

/** An entry with another base path may have created the token's object, which is then ignored. */
function stagedOf(part: StagedPart): Staged {
  const { object, nonce } = readToken(part, gcsToken);
  return { path: hiddenPathOf(object), nonce };
}
