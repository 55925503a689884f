import { assertSafePath, joinPath } from '../path.js';

/** Keys in the bucket for paths below the storage's base, and back. */
export class ObjectKeys {
  readonly #base: string;

  /** @param basePath segments separated by `/`, without leading or trailing slash; empty for the bucket itself */
  constructor(basePath: string) {
    this.#base = basePath;
  }

  keyOf(path: string): string {
    assertSafePath(path);
    return joinPath(this.#base, path);
  }

  /** Prefix of exactly the keys below a directory. */
  prefixOf(directory: string): string {
    const key = this.keyOf(directory);
    return key === '' ? '' : `${key}/`;
  }

  pathOf(key: string): string {
    return this.#base === '' ? key : key.slice(this.#base.length + 1);
  }
}
