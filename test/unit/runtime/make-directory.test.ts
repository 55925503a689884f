import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeDirectory } from '../../../src/runtime/make-directory.js';
import { ScratchDirectory } from '../../harness/scratch.js';

let scratch: ScratchDirectory;
beforeEach(() => (scratch = new ScratchDirectory()));
afterEach(() => scratch.remove());

describe('a directory', () => {
  it('a directory is created with its parents, and the topmost new one is returned', () => {
    mkdirSync(path.join(scratch.path, 'a'));
    expect(makeDirectory(path.join(scratch.path, 'a/b/c/d'), { mode: 0o700 })).toBe(path.join(scratch.path, 'a/b'));
    expect(statSync(path.join(scratch.path, 'a/b/c/d')).mode & 0o777).toBe(0o700);
  });

  it('an existing directory is left alone', () => {
    expect(makeDirectory(scratch.path)).toBeUndefined();
    expect(makeDirectory('/')).toBeUndefined();
  });

  it('creation fails if a file is in its place or above it', () => {
    const file = path.join(scratch.path, 'file');
    writeFileSync(file, '');
    expect(() => makeDirectory(file)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => makeDirectory(path.join(file, 'below/it'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  });

  it.runIf(existsSync('/proc/self'))('creation fails without hanging on a file system that rejects it', () => {
    expect(() => makeDirectory('/proc/nowhere/at/all')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
