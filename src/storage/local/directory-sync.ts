import { open } from 'node:fs/promises';

import { errnoOf } from './file-errors.js';

/** Errors of systems that can't sync a directory (Windows, some network and FUSE file systems): there is nothing to do. */
const CANNOT_SYNC = new Set(['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'EBADF']);

/**
 * Makes names in directories durable. Calls for one directory that come while it is being synced share the next sync,
 * so that publishing many files costs few of them.
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Settles when every name made in the directory before the call is on the disk. */
  sync(directory: string): Promise<void> {
    const running = this.#running.get(directory);
    if (running === undefined) return this.#start(directory);
    // A sync that has begun may have missed the caller's change: only the one after it counts.
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
  let handle;
  try {
    handle = await open(directory, 'r');
    await handle.sync();
  } catch (error) {
    if (!CANNOT_SYNC.has(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}
