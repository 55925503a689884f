import path from 'node:path';

import { makeDirectory } from '../../runtime/make-directory.js';
import { joinPath } from '../path.js';
import { errnoOf } from './file-errors.js';
import { OpenFile } from './open-file.js';
import { madeDirectories, noteDirectory, removeEmptyDirectories } from './run-directories.js';
import { temporaryName } from './temporary-file.js';

/** A hidden file, open for writing. */
export interface TemporaryFile {
  /** Relative to the base. */
  readonly path: string;
  /** Absolute. */
  readonly file: string;
  readonly open: OpenFile;
}

/**
 * Other threads and runs remove empty directories, which surfaces as various errors when one is about to be used. They do
 * so several times, but not forever.
 */
const ATTEMPTS = 50;
const DIRECTORY_WENT = new Set(['ENOENT', 'ENOTDIR', 'EEXIST']);

/** Opens the temporary files of a storage's base, creates their directories, and removes these again. */
export class TemporaryFiles {
  readonly #base: string;
  readonly #noted = new Set<string>();
  readonly #made = new Set<string>();

  constructor(base: string) {
    this.#base = base;
  }

  create(options: { runId: string; directory: string; stem: string }): TemporaryFile {
    const { runId, directory, stem } = options;
    const relative = joinPath(directory, temporaryName(runId, stem));
    const file = path.join(this.#base, relative);
    for (let attempt = 1; ; attempt++) {
      try {
        // Known to exist, unless it was removed meanwhile.
        if (attempt > 1 || !this.#noted.has(`${runId}/${directory}`)) this.#makeDirectory(runId, directory);
        return { path: relative, file, open: new OpenFile(file, 'wx') };
      } catch (error) {
        if (!DIRECTORY_WENT.has(errnoOf(error) ?? '') || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** The run's marker names the directory already: another thread, or another process of the run, has staged a part in it. */
  isNoted(runId: string, directory: string): void {
    this.#noted.add(`${runId}/${directory}`);
  }

  /** Removes the directory and the ancestors that this object has created, as far as they are empty. */
  async tidy(directory: string): Promise<void> {
    const made = [...this.#made].filter((candidate) => `${directory}/`.startsWith(`${candidate}/`));
    await removeEmptyDirectories(this.#base, made);
  }

  #makeDirectory(runId: string, directory: string): void {
    const absolute = path.join(this.#base, directory);
    const topmost = makeDirectory(absolute);
    const made = topmost === undefined ? undefined : this.#belowBase(topmost, directory);
    const key = `${runId}/${directory}`;
    if (made === undefined && this.#noted.has(key)) return;
    const noted = made === undefined ? { directory } : { directory, made };
    for (const one of madeDirectories(noted)) this.#made.add(one);
    // Before the temporary file exists: what is not noted cannot be found after a crash.
    noteDirectory(this.#base, runId, noted);
    this.#noted.add(key);
  }

  /** The topmost created directory, relative to the base; never the base itself, in case it was removed. */
  #belowBase(topmost: string, directory: string): string {
    const relative = path.relative(this.#base, topmost).split(path.sep).join('/');
    return relative === '' || relative.startsWith('..') ? (directory.split('/')[0] ?? '') : relative;
  }
}
