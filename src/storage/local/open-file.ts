import { closeSync, fdatasync, openSync, writev, writevSync } from 'node:fs';
import { promisify } from 'node:util';

/** Fewer bytes are written at once: the system takes them in less time than a thread of Node's pool needs to wake up. */
const SMALL_BYTES = 256 << 10;

const writevLater = promisify(writev);
const fdatasyncLater = promisify(fdatasync);

/**
 * A file that is open. Exports of many small tables open and close several of them for each, so that only what waits for
 * the disk yields: large writes and `sync`.
 */
export class OpenFile {
  readonly #descriptor: number;
  #isClosed = false;

  /** @throws the system's error, such as `EEXIST` if the file exists and the flag is `wx` */
  constructor(file: string, flag: 'wx' | 'r+') {
    this.#descriptor = openSync(file, flag);
  }

  /** Writes all of the chunks, even if the system only takes a little at a time. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let rest = chunks.filter((chunk) => chunk.length > 0);
    while (rest.length > 0) {
      const bytes = rest.reduce((sum, chunk) => sum + chunk.length, 0);
      const written =
        bytes < SMALL_BYTES
          ? writevSync(this.#descriptor, rest)
          : (await writevLater(this.#descriptor, rest)).bytesWritten;
      rest = dropBytes(rest, written);
    }
  }

  /** Resolves when the content is on disk. */
  sync(): Promise<void> {
    return fdatasyncLater(this.#descriptor);
  }

  /** May be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
  }
}

function dropBytes(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let dropped = 0;
  const first = chunks.findIndex((chunk) => (dropped += chunk.length) > bytes);
  const partial = chunks[first];
  if (partial === undefined) return [];
  return [partial.subarray(partial.length - (dropped - bytes)), ...chunks.slice(first + 1)];
}
