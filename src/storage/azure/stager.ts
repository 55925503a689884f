import type { AzureEntry } from './info.js';
import { LakeportError } from '../../errors.js';
import { forEachPath } from '../each-path.js';
import { isOwnPath, isPartPath, type OwnObject, partPath } from '../lease/own-paths.js';
import type { Withdrawal } from '../lease/store-lease.js';
import { newNonce } from '../nonce.js';
import { readToken } from '../staged-token.js';
import type { Stager } from '../stager.js';
import type { PartWriter, Replaced, StagedPart, StagedState, StageOptions, WriteOptions } from '../storage.js';
import type { AzureBlobs } from './blobs.js';
import { blockIds, BlockSizes } from './blocks.js';
import { AzurePartWriter } from './part-writer.js';
import { type AzureStaged, azureToken } from './staged-token.js';

/**
 * Stages parts as uncommitted blocks, and commits them. If they were staged under the final path, that is one request;
 * otherwise they are committed where they are, and the blob is copied to its place and removed. Each attempt first checks
 * what the last one did, so that a lost response leads neither to a second publication nor to a failure.
 */
export class AzureStager implements Stager {
  readonly #blobs: AzureBlobs;
  readonly #entry: AzureEntry;
  /**
   * Renames run one after the other, in the order requested: numbers only decrease, so the destination of each is free by
   * then.
   */
  #renames: Promise<void> = Promise.resolve();

  constructor(blobs: AzureBlobs, entry: AzureEntry) {
    this.#blobs = blobs;
    this.#entry = entry;
  }

  /** Blocks in flight and the one being filled, for a blob of the expected size at most. */
  writerMemoryBytes(expectedBytes?: number): number {
    const { partSizeBytes, uploadConcurrency } = this.#entry.info;
    return (uploadConcurrency + 1) * new BlockSizes({ partSizeBytes, expectedBytes }).at(0);
  }

  stage(path: string, { runId, expectedBytes, provisional = false }: StageOptions): PartWriter {
    const { partSizeBytes, uploadConcurrency } = this.#entry.info;
    const nonce = newNonce();
    return new AzurePartWriter({
      blobs: this.#blobs,
      storageId: this.#entry.id,
      path,
      blob: provisional ? partPath(runId, nonce) : path,
      hidden: provisional || isOwnPath(path),
      nonce,
      sizes: new BlockSizes({ partSizeBytes, expectedBytes }),
      concurrency: uploadConcurrency,
      checksums: this.#blobs.display('').startsWith('http:'),
    });
  }

  publish(part: StagedPart, path: string, { replaces, confirm }: WriteOptions): Promise<void> {
    const staged = readToken(part, azureToken);
    if (staged.blob === path) return this.#untilDone(staged, path, () => this.#commit(staged, { path, replaces }));
    // If parts move to each other's paths, the object seen there is gone before the last of them arrives.
    const to = { path, bytes: part.bytes, replaces: isOwnPath(staged.blob) ? replaces : undefined, confirm };
    const rename = () => this.#untilDone(staged, path, () => this.#rename(staged, to));
    const renamed = this.#renames.then(rename);
    this.#renames = renamed.catch(() => undefined);
    return renamed;
  }

  async discard(part: StagedPart): Promise<void> {
    const { blob } = readToken(part, azureToken);
    // Blocks at the part's final path are invisible and expire; see the part writer.
    if (isOwnPath(blob)) await this.#blobs.discard(blob);
  }

  async withdraw(own: readonly OwnObject[], { isDryRun }: Withdrawal): Promise<number> {
    const parts = own.map(({ path }) => path).filter(isPartPath);
    if (!isDryRun) await forEachPath(parts, (path) => this.#blobs.discard(path));
    return parts.length;
  }

  /** Reads no content: a blob's metadata contains its nonce, and so do the ids of blocks. */
  locate(part: StagedPart, path: string): Promise<StagedState> {
    const staged = readToken(part, azureToken);
    return this.#blobs.retry(async () => {
      if (await this.#isBlob(part, path)) return 'published';
      const ids = new Set(await this.#blobs.blocksOnce(staged.blob));
      // These include committed blocks of an interrupted rename, which can be committed again.
      return blockIds(staged.nonce, staged.blocks).every((id) => ids.has(id)) ? 'staged' : 'gone';
    });
  }

  /** Retries a failed publication, unless the failed attempt did publish the part. */
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
    // It may have waited for its turn.
    await to.confirm?.();
    const committed = await this.#commitWhereItIs(staged);
    if (committed !== undefined) await to.confirm?.();
    const copied =
      committed !== undefined &&
      (await this.#blobs.copyOnce({ from: blob, to: to.path, part: nonce, bytes: to.bytes, replaces: to.replaces }));
    if (!copied) await this.#assertPublished(staged, to.path);
    // Only that version: another part may have been published there in the meantime.
    if (committed !== undefined) await this.#blobs.removeOnce(blob, { etag: committed.etag });
  }

  #commitWhereItIs({ blob, nonce, blocks }: AzureStaged, replaces?: Replaced): Promise<{ etag: string } | undefined> {
    return this.#blobs.commitOnce(blob, { ids: blockIds(nonce, blocks), part: nonce, replaces });
  }

  /** Removes what an interrupted rename may have left. */
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
    return there?.part === readToken(part, azureToken).nonce && there.bytes === part.bytes;
  }

  async #assertPublished(staged: AzureStaged, path: string): Promise<void> {
    if (await this.#isPublished(staged, path)) return;
    const shown = this.#blobs.display(path);
    throw new LakeportError({
      code: 'STAGED_PART_GONE',
      message: `The staged part of ${shown} disappeared before it was published`,
      hint: 'Azure keeps uncommitted blocks for a week at most, or until another program writes to the same path.',
      context: { path: shown },
    });
  }
}
