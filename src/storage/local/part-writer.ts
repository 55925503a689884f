import { createHash } from 'node:crypto';
import { type FileHandle, unlink } from 'node:fs/promises';

import { freeBuffers } from '../../runtime/free-buffers.js';
import type { PartWriter, StagedPart } from '../storage.js';
import { explained, unlessMissing } from './file-errors.js';

export interface LocalPartOptions {
  readonly storageId: string;
  /** The path that the part is staged for. */
  readonly path: string;
  /** The temporary file: its path relative to the base, its absolute path, and its handle. */
  readonly temporary: { readonly path: string; readonly file: string; readonly handle: FileHandle };
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
  #closed = false;

  constructor(options: LocalPartOptions) {
    this.#options = options;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#explained(async () => {
      const writing = writeAll(this.#options.temporary.handle, chunks);
      // Hashed while another thread writes. If that fails meanwhile, the error surfaces at the await below.
      writing.catch(() => undefined);
      for (const chunk of chunks) this.#hash.update(chunk);
      await writing;
      for (const chunk of chunks) this.#bytes += chunk.length;
      freeBuffers(chunks);
    });
  }

  end(): Promise<StagedPart> {
    return this.#explained(async () => {
      const { handle, path: token } = this.#options.temporary;
      await handle.datasync();
      this.#closed = true;
      await handle.close();
      return {
        storageId: this.#options.storageId,
        path: this.#options.path,
        bytes: this.#bytes,
        sha256: this.#hash.digest('hex'),
        token: { file: token },
      };
    });
  }

  abort(): Promise<void> {
    return this.#explained(async () => {
      const { handle, file } = this.#options.temporary;
      if (!this.#closed) {
        this.#closed = true;
        // Errors on closing (lost writes) no longer matter.
        await handle.close().catch(() => undefined);
      }
      await unlessMissing(() => unlink(file));
      await this.#options.afterAbort();
    });
  }

  #explained<T>(operation: () => Promise<T>): Promise<T> {
    return explained(this.#options.shownPath, operation);
  }
}

/** Writes all of the chunks, even if the system only takes a little at a time. */
export async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
    rest = dropBytes(rest, bytesWritten);
  }
}

function dropBytes(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let dropped = 0;
  const first = chunks.findIndex((chunk) => (dropped += chunk.length) > bytes);
  const partial = chunks[first];
  if (partial === undefined) return [];
  return [partial.subarray(partial.length - (dropped - bytes)), ...chunks.slice(first + 1)];
}
