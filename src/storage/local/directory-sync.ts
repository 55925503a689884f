import { closeSync, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';

import { errnoOf } from './file-errors.js';

const fsyncLater = promisify(fsync);

/** Errors of systems that cannot sync a directory (Windows, some network and FUSE file systems); ignored. */
const CANNOT_SYNC = new Set(['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF']);

/**
 * Makes names in directories durable. Calls for a directory during its sync share the next one, so publishing many files
 * takes few syncs.
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Resolves when every name created in the directory before the call is on disk. */
  sync(directory: string): Promise<void> {
    const running = this.#running.get(directory);
    if (running === undefined) return this.#start(directory);
    // A sync in progress may have missed the caller's change: only the next one counts.
    const waiting = this.#next.get(directory);
    if (waiting !== undefined) return waiting;
    const start = () => {
      this.#next.delete(directory);
      return this.#start(directory);
    };
    const next = running.then(start, start);
    this.#next.set(directory, next);
    return next;
  }

  #start(directory: string): Promise<void> {
    const sync = syncDirectory(directory).finally(() => this.#running.delete(directory));
    this.#running.set(directory, sync);
    return sync;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  let descriptor;
  try {
    descriptor = openSync(directory, 'r');
    await fsyncLater(descriptor);
  } catch (error) {
    if (!CANNOT_SYNC.has(errnoOf(error) ?? '')) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
