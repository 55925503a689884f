import { createHash } from 'node:crypto';

import { LakeportError } from '../../errors.js';
import { PieceQueue } from '../http/byte-queue.js';
import type { PartWriter, StagedPart } from '../storage.js';
import type { AzureBlobs } from './blobs.js';
import { blockId, type BlockSizes, MAX_BLOCKS } from './blocks.js';

export interface AzurePartOptions {
  readonly blobs: AzureBlobs;
  readonly storageId: string;
  /** The path that the part is staged for. */
  readonly path: string;
  /** The path of the blob that receives the blocks: the same, or a hidden one, whose blocks can be discarded. */
  readonly blob: string;
  readonly hidden: boolean;
  readonly nonce: string;
  readonly sizes: BlockSizes;
  /** Maximum number of blocks in flight. */
  readonly concurrency: number;
  /** Whether blocks have a checksum: over plain http nothing else detects corruption. */
  readonly checksums: boolean;
}

/** Writes one blob as uncommitted blocks. Memory holds the blocks in flight and the one being filled. */
export class AzurePartWriter implements PartWriter {
  readonly #options: AzurePartOptions;
  readonly #queue = new PieceQueue();
  readonly #hash = createHash('sha256');
  readonly #abort = new AbortController();
  /** Blocks in flight. They never reject; a failure is stored in `#failure`. */
  readonly #sending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #blocks = 0;
  #bytes = 0;

  constructor(options: AzurePartOptions) {
    this.#options = options;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    this.#throwFailure();
    for (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
    }
    this.#queue.push(chunks);
    for (let size = this.#nextSize(); this.#queue.bytes >= size; size = this.#nextSize()) {
      while (this.#sending.size >= this.#options.concurrency) await Promise.race(this.#sending);
      this.#throwFailure();
      this.#send(this.#queue.take(size));
    }
  }

  async end(): Promise<StagedPart> {
    if (this.#queue.bytes > 0) this.#send(this.#queue.take(this.#queue.bytes));
    await Promise.all(this.#sending);
    this.#throwFailure();
    const { storageId, path, blob, nonce } = this.#options;
    const sha256 = this.#hash.digest('hex');
    return { storageId, path, bytes: this.#bytes, sha256, token: { blob, nonce, blocks: this.#blocks } };
  }

  async abort(): Promise<void> {
    this.#abort.abort();
    this.#failure ??= { error: new Error('The part was aborted') };
    await Promise.all(this.#sending);
    const { blobs, blob, hidden } = this.#options;
    // Blocks at the part's final path cannot be removed without showing an empty file there: they are invisible, go away
    // with the next file committed there, and expire after a week.
    if (hidden && this.#blocks > 0) await blobs.discard(blob);
  }

  #nextSize(): number {
    return this.#options.sizes.at(this.#blocks);
  }

  #send(pieces: readonly Uint8Array[]): void {
    const { blobs, blob, nonce, checksums } = this.#options;
    if (this.#blocks >= MAX_BLOCKS) throw this.#tooLarge();
    const id = blockId(nonce, this.#blocks++);
    const [only] = pieces;
    const content = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
    const md5 = checksums ? { md5: createHash('md5').update(content).digest() } : {};
    const sending = blobs
      .stageBlock(blob, { id, content, ...md5, signal: this.#abort.signal })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #tooLarge(): LakeportError {
    return new LakeportError({
      code: 'AZURE_BLOB_TOO_LARGE',
      message: `${this.#options.path} exceeds the size of a blob with ${MAX_BLOCKS} blocks`,
      hint: 'Raise part_size of the entry, or split the output with --max-rows-per-file.',
    });
  }
}
