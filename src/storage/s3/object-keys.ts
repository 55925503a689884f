import { assertSafePath, joinPath } from '../path.js';

/** Keys in the bucket for paths below the storage's base, and back. */
export class ObjectKeys {
  readonly #base: string;

  /** @param basePath segments separated by `/`, none in front or behind; empty for the bucket itself */
  constructor(basePath: string) {
    this.#base = basePath;
  }

  keyOf(path: string): string {
    assertSafePath(path);
    return joinPath(this.#base, path);
  }

  /** What all keys below a directory begin with, and nothing else does. */
  prefixOf(directory: string): string {
    const key = this.keyOf(directory);
    return key === '' ? '' : `${key}/`;
  }

  pathOf(key: string): string {
    return this.#base === '' ? key : key.slice(this.#base.length + 1);
  }
}
