import { LakeportError } from '../../errors.js';
import type { StagedState, Replaced } from '../storage.js';
import { targetChanged } from '../target-changed.js';
import type { ObjectInfo } from './object-info.js';
import type { GcsObjects } from './objects.js';
import type { GcsStaged } from './staged-token.js';

/** Where a part is to appear. */
interface Place {
  /** Full name of the object. */
  readonly name: string;
  /** For people. */
  readonly shown: string;
  /** What may be replaced there; undefined for anything. */
  readonly replaces: Replaced | undefined;
}

/**
 * Moves staged objects to their places. Each attempt begins by what the last one may have left, so that a lost answer
 * leads neither to a second publication nor to a failure.
 */
export class Publisher {
  readonly #objects: GcsObjects;
  /** False once the service has shown that it has no atomic move, as emulators do. */
  #canMove = true;

  constructor(objects: GcsObjects) {
    this.#objects = objects;
  }

  publish(staged: GcsStaged, place: Place): Promise<void> {
    return this.#objects.retry(() => this.#attempt(staged, place));
  }

  /** An object keeps its nonce when it is moved or copied, so that none has to be read. */
  locate(staged: GcsStaged, part: { readonly name: string; readonly bytes: number }): Promise<StagedState> {
    const isPart = (found: ObjectInfo | undefined) => found?.part === staged.nonce && found.bytes === part.bytes;
    return this.#objects.retry(async () => {
      // Where both are there, an emulator's copy was cut short; publishing goes on from there.
      if (isPart(await this.#objects.infoOnce(staged.object))) return 'staged';
      return isPart(await this.#objects.infoOnce(part.name)) ? 'published' : 'gone';
    });
  }

  async #attempt(staged: GcsStaged, place: Place): Promise<void> {
    if (this.#canMove) {
      const generation = place.replaces === undefined ? undefined : generationOf(place.replaces);
      const moved = await this.#objects.moveOnce(staged.object, { name: place.name, generation });
      if (moved === 'moved') return;
      if (moved === 'refused') {
        await this.#assertPublished(staged, place);
        return;
      }
      const stagedStill = await this.#objects.infoOnce(staged.object);
      if (stagedStill === undefined) {
        await this.#assertPublished(staged, place);
        return;
      }
      this.#canMove = false;
    }
    await this.#copy(staged, place);
  }

  async #copy(staged: GcsStaged, place: Place): Promise<void> {
    const there = await this.#objects.infoOnce(place.name);
    if (there?.part !== staged.nonce) {
      const generation = generationOf(place.replaces ?? { version: there?.generation });
      const target = { name: place.name, generation };
      if (!(await this.#objects.copyOnce(staged.object, target))) await this.#assertPublished(staged, place);
    }
    await this.#objects.removeOnce(staged.object);
  }

  async #assertPublished(staged: GcsStaged, place: Place): Promise<void> {
    const there = await this.#objects.infoOnce(place.name);
    if (there?.part === staged.nonce) return;
    if ((await this.#objects.infoOnce(staged.object)) !== undefined) throw targetChanged(place.shown);
    throw new LakeportError({
      code: 'STAGED_PART_GONE',
      exit: 'tables-failed',
      message: `The staged part of ${place.shown} has disappeared before it was published`,
      hint: 'Let nothing else clean the destination while a run is writing to it; lifecycle rules must spare objects younger than the longest run.',
      context: { path: place.shown },
    });
  }
}

/** As preconditions name it: 0 where nothing is to be replaced. */
export function generationOf({ version }: Replaced): string {
  return version ?? '0';
}
