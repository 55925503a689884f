import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, readdir, readFile, rename, rmdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

import { markerPath, OWN_DIRECTORY, parseOwnPath, partPath } from '../lease/own-paths.js';
import { newNonce } from '../nonce.js';
import type { LeaseClient, ListedObject, Listing } from '../object-client.js';
import type { StoredContent } from '../storage.js';
import { errnoOf, isMissing, unlessMissing } from './file-errors.js';

/** Other runs may remove the empty directory at any moment, but not forever. */
const ATTEMPTS = 50;

export interface LeaseFilesOptions {
  /** Absolute. */
  readonly base: string;
  readonly runId: string;
  /** For messages. */
  readonly display: (path: string) => string;
}

/** The program's own files in a base directory. */
export class LeaseFiles implements LeaseClient {
  readonly hasEarlierLayout = true;
  readonly display: (path: string) => string;
  readonly #base: string;
  readonly #runId: string;
  /** The run's marker names this process. */
  #isMarked = false;

  constructor({ base, runId, display }: LeaseFilesOptions) {
    this.display = display;
    this.#base = base;
    this.#runId = runId;
  }

  async put(to: string, content: Uint8Array): Promise<void> {
    const temporary = partPath(this.#runId, newNonce());
    await this.#write(temporary, content);
    await rename(this.#file(temporary), this.#file(to));
  }

  async create(to: string, content: Uint8Array): Promise<boolean> {
    try {
      await this.#write(to, content);
      this.#isMarked ||= to === markerPath(this.#runId);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /**
   * Appends in place: on some file systems a name that is being replaced is briefly missing from listings. Uses a single
   * write, so lines from several threads never mix. Does nothing if the file does not exist.
   */
  async append(to: string, addition: string): Promise<void> {
    await appendTo(this.#file(to), addition);
    this.#isMarked ||= to === markerPath(this.#runId);
  }

  async read(path: string): Promise<StoredContent | undefined> {
    const content = await unlessMissing(() => readFile(this.#file(path)));
    return content === undefined ? undefined : { path, bytes: content.length, content };
  }

  /** Files of version 0.1 are in the base itself. */
  async list(): Promise<Listing> {
    const now = await this.#now();
    const [base, own] = await Promise.all([this.#names(''), this.#names(OWN_DIRECTORY)]);
    const paths = [...base, ...own.map((name) => `${OWN_DIRECTORY}/${name}`)].filter((name) => parseOwnPath(name));
    const objects = await Promise.all(paths.map((one) => this.#describe(one)));
    return { objects: objects.filter((object) => object !== undefined), now };
  }

  async remove(paths: readonly string[]): Promise<void> {
    for (const one of paths) await unlessMissing(() => unlink(this.#file(one)));
    // A directory with other files stays.
    await rmdir(this.#file(OWN_DIRECTORY)).catch(() => undefined);
  }

  /**
   * Milliseconds since 1970 by the file system's clock: the marker is written, not touched. Only once it belongs to this
   * process, since a dead process's marker would look alive.
   */
  async #now(): Promise<number> {
    if (!this.#isMarked) return Date.now();
    const marker = markerPath(this.#runId);
    await this.append(marker, '\n');
    return (await this.#describe(marker))?.modifiedAt ?? Date.now();
  }

  async #describe(one: string): Promise<ListedObject | undefined> {
    const found = await unlessMissing(() => stat(this.#file(one)));
    return found && { path: one, bytes: found.size, modifiedAt: found.mtimeMs };
  }

  async #names(directory: string): Promise<string[]> {
    return (await unlessMissing(() => readdir(this.#file(directory)))) ?? [];
  }

  /** @throws errno `EEXIST` if the file exists */
  async #write(to: string, content: Uint8Array): Promise<void> {
    const handle = await this.#open(to);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
  }

  async #open(to: string): Promise<FileHandle> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await open(this.#file(to), 'wx');
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
        await this.#makeDirectory();
      }
    }
  }

  async #makeDirectory(): Promise<void> {
    const directory = this.#file(OWN_DIRECTORY);
    try {
      await mkdir(directory);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return;
      throw error;
    }
    // Everyone who may write to the base must be able to take part, whoever has created the directory.
    const { mode } = await stat(this.#base);
    await chmod(directory, mode & 0o7777).catch(() => undefined);
  }

  #file(relative: string): string {
    return path.join(this.#base, relative);
  }
}

/** Like `appendTo`, without yielding: it is done for each table of thousands, and takes a few microseconds. */
export function appendToSync(file: string, text: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_WRONLY | constants.O_APPEND);
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') return;
    throw error;
  }
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

/** Appends text in a single write; does nothing if the file does not exist. */
async function appendTo(file: string, text: string): Promise<void> {
  const handle = await unlessMissing(() => open(file, constants.O_WRONLY | constants.O_APPEND));
  if (handle === undefined) return;
  try {
    await handle.write(text);
  } finally {
    await handle.close();
  }
}
