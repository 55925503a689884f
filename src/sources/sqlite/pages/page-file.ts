import { openSync, readSync } from 'node:fs';
import { LakeportError } from '../../../errors.js';

/**
 * Descriptors stay open for the life of the process. Under POSIX rules, closing any of them would release all locks that
 * the process has on the file, including the read transactions of SQLite's own connections (sqlite.org/howtocorrupt,
 * 2.2).
 */
const descriptors = new Map<string, number>();

/** Reads a database file page by page, while an SQLite transaction keeps it from changing. */
export class PageFile {
  readonly pageSize: number;
  /** Bytes of a page that hold content: an extension may reserve some at the end. */
  readonly usable: number;
  readonly #descriptor: number;

  /** @param pageSize from `PRAGMA page_size` */
  constructor(file: string, pageSize: number) {
    const known = descriptors.get(file);
    this.#descriptor = known ?? openSync(file, 'r');
    descriptors.set(file, this.#descriptor);
    this.pageSize = pageSize;
    const header = new Uint8Array(100);
    readSync(this.#descriptor, header, 0, header.length, 0);
    this.usable = pageSize - (header[20] ?? 0);
  }

  /** @param page from 1 */
  read(page: number, into: Uint8Array, at: number): void {
    const read = readSync(this.#descriptor, into, at, this.pageSize, (page - 1) * this.pageSize);
    if (page < 1 || read < this.pageSize) throw damaged(`page ${page} does not exist`);
  }
}

export function damaged(what: string): LakeportError {
  return new LakeportError({
    code: 'SOURCE_FILE_DAMAGED',
    message: `The file is damaged: ${what}`,
    hint: 'sqlite3 FILE "PRAGMA integrity_check" gives details; sqlite3 FILE .recover saves what can be read',
  });
}
