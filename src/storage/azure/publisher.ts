import { LakeportError } from '../../errors.js';
import { isPrivatePath } from '../lease/private-names.js';
import type { StagedState, Replaced, StagedPart, WriteOptions } from '../storage.js';
import type { AzureBlobs } from './blobs.js';
import { blockIds } from './blocks.js';
import { type AzureStaged, readStaged } from './staged-token.js';

/**
 * Commits staged blocks. Where they were staged for the very place, that is one request; otherwise they become a blob
 * where they are, which is copied to its place and removed. Each attempt begins by what the last one may have left, so
 * that a lost answer leads neither to a second publication nor to a failure.
 */
export class Publisher {
  readonly #blobs: AzureBlobs;
  /**
   * Renames go one after the other, in the order in which they were asked for: numbers only move down, so the place of
   * each is free by then.
   */
  #renames: Promise<void> = Promise.resolve();

  constructor(blobs: AzureBlobs) {
    this.#blobs = blobs;
  }

  publish(part: StagedPart, path: string, { replaces, confirm }: WriteOptions = {}): Promise<void> {
    const staged = readStaged(part);
    if (staged.blob === path) return this.#untilDone(staged, path, () => this.#commit(staged, { path, replaces }));
    // Where parts move to each other's places, what was seen there is gone before the last of them comes.
    const to = { path, bytes: part.bytes, replaces: isPrivatePath(staged.blob) ? replaces : undefined, confirm };
    const rename = () => this.#untilDone(staged, path, () => this.#rename(staged, to));
    const renamed = this.#renames.then(rename);
    this.#renames = renamed.catch(() => undefined);
    return renamed;
  }

  /** Nothing is read: a blob tells its nonce, and so do the ids of blocks. */
  locate(part: StagedPart, path: string): Promise<StagedState> {
    const staged = readStaged(part);
    return this.#blobs.retry(async () => {
      if (await this.#isBlob(part, path)) return 'published';
      const ids = new Set(await this.#blobs.blocksOnce(staged.blob));
      // Committed blocks of a rename that was cut short are among them, and can be committed again.
      return blockIds(staged.nonce, staged.blocks).every((id) => ids.has(id)) ? 'staged' : 'gone';
    });
  }

  /** Repeats a publication that failed, unless the failed attempt has published the part after all. */
  #untilDone(staged: AzureStaged, path: string, attempt: () => Promise<void>): Promise<void> {
    let attempts = 0;
    return this.#blobs.retry(async () => {
      if (attempts++ > 0 && (await this.#isPublished(staged, path))) await this.#tidy(staged, path);
      else await attempt();
    });
  }

  async #commit(staged: AzureStaged, to: { path: string; replaces: Replaced | undefined }): Promise<void> {
    if ((await this.#commitWhereItIs(staged, to.replaces)) === undefined) await this.#assertPublished(staged, to.path);
  }

  async #rename(
    staged: AzureStaged,
    to: { path: string; bytes: number; replaces: Replaced | undefined; confirm: WriteOptions['confirm'] },
  ): Promise<void> {
    const { blob, nonce } = staged;
    // Its turn may have come late.
    await to.confirm?.();
    const committed = await this.#commitWhereItIs(staged);
    if (committed !== undefined) await to.confirm?.();
    const copied =
      committed !== undefined &&
      (await this.#blobs.copyOnce({ from: blob, to: to.path, part: nonce, bytes: to.bytes, replaces: to.replaces }));
    if (!copied) await this.#assertPublished(staged, to.path);
    // Only that very version: another part may have been published there meanwhile.
    if (committed !== undefined) await this.#blobs.removeOnce(blob, { etag: committed.etag });
  }

  #commitWhereItIs({ blob, nonce, blocks }: AzureStaged, replaces?: Replaced): Promise<{ etag: string } | undefined> {
    return this.#blobs.commitOnce(blob, { ids: blockIds(nonce, blocks), part: nonce, replaces });
  }

  /** Removes what a rename that was cut short may have left. */
  async #tidy({ blob, nonce }: AzureStaged, path: string): Promise<void> {
    const left = blob === path ? undefined : await this.#blobs.infoOnce(blob);
    if (left?.part === nonce) await this.#blobs.removeOnce(blob, { etag: left.etag });
  }

  async #isPublished({ nonce }: AzureStaged, path: string): Promise<boolean> {
    const there = await this.#blobs.infoOnce(path);
    return there?.part === nonce;
  }

  async #isBlob(part: StagedPart, path: string): Promise<boolean> {
    const there = await this.#blobs.infoOnce(path);
    return there?.part === readStaged(part).nonce && there.bytes === part.bytes;
  }

  async #assertPublished(staged: AzureStaged, path: string): Promise<void> {
    if (await this.#isPublished(staged, path)) return;
    const shown = this.#blobs.display(path);
    throw new LakeportError({
      code: 'STAGED_PART_GONE',
      exit: 'tables-failed',
      message: `The staged part of ${shown} has disappeared before it was published`,
      hint: 'Azure keeps uncommitted blocks for a week, and until another program writes to the same place.',
      context: { path: shown },
    });
  }
}
