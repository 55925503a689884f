import { LakeportError } from '../errors.js';
import type { Storage } from './storage.js';

/** A file of a store, read in ranges. */
export class StoredFile {
  /** For messages. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** Read so far, for whoever wants to know what a command costs. */
  bytesRead = 0;
  readonly #storage: Storage;
  readonly #path: string;

  private constructor(storage: Storage, { path, bytes }: { readonly path: string; readonly bytes: number }) {
    this.#storage = storage;
    this.#path = path;
    this.name = storage.display(path);
    this.bytes = bytes;
  }

  /** Undefined if there is no file of this path. */
  static async find(storage: Storage, path: string): Promise<StoredFile | undefined> {
    const found = await storage.find(path);
    return found && new StoredFile(storage, { path, bytes: found.bytes });
  }

  /**
   * @param end exclusive, at most `bytes`
   * @throws LakeportError `FILE_CHANGED` if the file is gone or shorter by now
   */
  async read(start: number, end: number): Promise<Uint8Array> {
    if (end <= start) return new Uint8Array();
    const content = await this.#storage.get(this.#path, { start, end });
    this.bytesRead += content?.length ?? 0;
    if (content?.length === end - start) return content;
    throw new LakeportError({
      code: 'FILE_CHANGED',
      message: `${this.name} ${content === undefined ? 'disappeared' : 'became shorter'} while it was read`,
      hint: 'Do not let a run write to the same place meanwhile, and run the command again.',
      context: { path: this.name },
    });
  }
}
