import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { foldsNames, type NameProbe, seemsToFoldNames } from '../../../../src/storage/local/name-rules.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

/** A file system whose names are the same where `fold` makes the same of them. */
class FakeFileSystem implements NameProbe {
  readonly #files = new Map<string, string>();
  readonly #fold: (name: string) => string;
  isReadOnly = false;
  created = 0;

  constructor(fold: (name: string) => string, files: readonly string[] = []) {
    this.#fold = fold;
    for (const file of files) this.#files.set(fold(file), file);
  }

  get files(): string[] {
    return [...this.#files.values()];
  }

  create = (file: string) => {
    if (this.isReadOnly) return Promise.reject(new Error('EROFS'));
    this.created++;
    this.#files.set(this.#fold(file), file);
    return Promise.resolve();
  };

  remove = (file: string) => {
    this.#files.delete(this.#fold(file));
    return Promise.resolve();
  };

  names = (directory: string) => {
    const inside = this.files.filter((file) => path.dirname(file) === directory).map((file) => path.basename(file));
    return Promise.resolve(inside.length > 0 || this.files.includes(directory) ? inside : undefined);
  };

  exists = (file: string) => Promise.resolve(this.#files.has(this.#fold(file)));
}

const exact = (name: string) => name;
const noCase = (name: string) => name.toLowerCase();
const noForm = (name: string) => name.normalize('NFC');

describe('names of a directory', () => {
  it.each([
    ['tell case and form apart', exact, false],
    ['know no case', noCase, true],
    ['know no form', noForm, true],
  ])('%s, as a file made there finds out', async (_what, fold, folds) => {
    const system = new FakeFileSystem(fold, ['/data']);
    expect(await foldsNames('/data', system)).toBe(folds);
    expect(system.files).toEqual(['/data']);
    expect(await seemsToFoldNames('/data', system)).toBe(folds);
    expect(system.created).toBe(2);
  });

  it.each([
    [exact, false],
    [noCase, true],
  ])('are told by those that are there, without a file', async (fold, folds) => {
    const system = new FakeFileSystem(fold, ['/data', '/data/1', '/data/orders']);
    expect(await seemsToFoldNames('/data', system)).toBe(folds);
    expect(await seemsToFoldNames('/data/new/er', system)).toBe(folds);
    expect(system.created).toBe(0);
  });

  it('are told by letters that all systems fold alike', async () => {
    expect(await seemsToFoldNames('/d', new FakeFileSystem(noCase, ['/d', '/d/stra\u00dfe']))).toBe(true);
  });

  it('are two where both cases are there', async () => {
    expect(await seemsToFoldNames('/d', new FakeFileSystem(exact, ['/d', '/d/a', '/d/A']))).toBe(false);
  });

  it('are taken for exact where nothing can be found out', async () => {
    const system = new FakeFileSystem(exact, ['/']);
    system.isReadOnly = true;
    expect(await foldsNames('/', system)).toBeUndefined();
    expect(await seemsToFoldNames('/', system)).toBe(false);
  });

  it('leave no file behind on a real file system', async () => {
    const scratch = new ScratchDirectory();
    expect(await foldsNames(scratch.path)).toBe(await seemsToFoldNames(scratch.path));
    expect(await scratch.files()).toEqual([]);
    scratch.remove();
  });
});
