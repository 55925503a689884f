import { constants } from 'node:fs';
import { open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { LockObject, LockObjects } from '../lease/directory-locks.js';
import { unlessMissing } from './file-errors.js';
import { claimName, markerName, runOfClaim } from './temporary-file.js';
import { temporaryName } from '../lease/temporary-name.js';

export interface LocalClaimNotesOptions {
  readonly base: string;
  readonly runId: string;
  readonly holder: string;
  /** Now, by the file system's clock, in milliseconds since 1970. */
  readonly now: () => Promise<number>;
}

/** Claims as hidden files of the base. */
export class LockFiles implements LockObjects {
  readonly own: string;
  readonly #options: LocalClaimNotesOptions;

  constructor(options: LocalClaimNotesOptions) {
    this.own = claimName(options.runId, options.holder);
    this.#options = options;
  }

  async list(): Promise<LockObject[]> {
    const now = await this.#options.now();
    const names = await readdir(this.#options.base);
    const notes = await Promise.all(names.map((name) => this.#note(name, now)));
    return notes.filter((note) => note !== undefined);
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return unlessMissing(() => readFile(this.#file(name)));
  }

  async write(text: string): Promise<void> {
    const temporary = this.#file(temporaryName(this.#options.runId, 'claim'));
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, this.#file(this.own));
  }

  /** In place: a name that is replaced is missing, on some file systems, from a listing at the same moment. */
  async append(_text: string, addition: string): Promise<void> {
    const handle = await open(this.#file(this.own), constants.O_WRONLY | constants.O_APPEND);
    try {
      await handle.write(addition);
    } finally {
      await handle.close();
    }
  }

  async remove(): Promise<void> {
    await unlessMissing(() => unlink(this.#file(this.own)));
  }

  async revoke(name: string): Promise<void> {
    await unlessMissing(() => unlink(this.#file(name)));
  }

  async #note(name: string, now: number): Promise<LockObject | undefined> {
    const runId = runOfClaim(name);
    const found = runId === undefined ? undefined : await unlessMissing(() => stat(this.#file(name)));
    if (runId === undefined || found === undefined) return undefined;
    const marker = await unlessMissing(() => stat(this.#file(markerName(runId))));
    return { name, runId, writtenAt: found.mtimeMs, silentMs: now - Math.max(found.mtimeMs, marker?.mtimeMs ?? 0) };
  }

  #file(name: string): string {
    return path.join(this.#options.base, name);
  }
}
