import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';

import { freeBuffers } from '../../runtime/free-buffers.js';
import type { PartWriter, StagedPart } from '../storage.js';
import { explained, unlessMissing } from './file-errors.js';
import type { TemporaryFile } from './temporary-files.js';

/**
 * Smaller parts are left to the page cache when they are staged, and put on disk by `publish`, where those of many tables
 * wait together. What a power failure takes before that is noticed by its content.
 */
const SYNCED_LATER_BYTES = 1 << 20;

/** So much of a larger part goes to the disk while the next bytes are made, so that little is left to wait for at its end. */
const SYNCED_EARLY_BYTES = 8 << 20;

export function isSyncedLater({ bytes }: Pick<StagedPart, 'bytes'>): boolean {
  return bytes < SYNCED_LATER_BYTES;
}

export interface LocalPartOptions {
  readonly storageId: string;
  /** The path that the part is staged for. */
  readonly path: string;
  readonly temporary: TemporaryFile;
  /** For errors. */
  readonly shownPath: string;
  /** Cleans up the directory after the temporary file was removed. */
  readonly afterAbort: () => Promise<void>;
}

/** Writes a temporary file, counting and hashing its bytes. */
export class LocalPartWriter implements PartWriter {
  readonly #options: LocalPartOptions;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  /** Bytes that a call of `sync` has been made for. */
  #syncedBytes = 0;
  #syncing = Promise.resolve();
  /** Stays so when a sync fails: a further one would succeed, although what this one failed for is lost. */
  #isSyncing = false;

  constructor(options: LocalPartOptions) {
    this.#options = options;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#explained(async () => {
      const writing = this.#options.temporary.open.write(chunks);
      // Hashed while another thread writes. If that fails meanwhile, the error surfaces at the await below.
      writing.catch(() => undefined);
      for (const chunk of chunks) this.#hash.update(chunk);
      await writing;
      for (const chunk of chunks) this.#bytes += chunk.length;
      freeBuffers(chunks);
      this.#syncEarly();
    });
  }

  end(): Promise<StagedPart> {
    return this.#explained(async () => {
      const { open, path: token } = this.#options.temporary;
      const bytes = this.#bytes;
      await this.#syncing;
      if (!isSyncedLater({ bytes })) await open.sync();
      open.close();
      return {
        storageId: this.#options.storageId,
        path: this.#options.path,
        bytes,
        sha256: this.#hash.digest('hex'),
        token: { file: token },
      };
    });
  }

  abort(): Promise<void> {
    return this.#explained(async () => {
      const { open, file } = this.#options.temporary;
      await this.#syncing.catch(() => undefined);
      try {
        open.close();
      } catch {
        // Lost writes no longer matter.
      }
      await unlessMissing(() => unlink(file));
      await this.#options.afterAbort();
    });
  }

  #syncEarly(): void {
    if (this.#isSyncing || this.#bytes - this.#syncedBytes < SYNCED_EARLY_BYTES) return;
    this.#syncedBytes = this.#bytes;
    this.#isSyncing = true;
    this.#syncing = this.#options.temporary.open.sync().then(() => void (this.#isSyncing = false));
    // Surfaces at the end.
    this.#syncing.catch(() => undefined);
  }

  #explained<T>(operation: () => Promise<T>): Promise<T> {
    return explained(this.#options.shownPath, operation);
  }
}
