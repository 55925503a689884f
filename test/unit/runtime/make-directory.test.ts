import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { makeDirectory } from '../../../src/runtime/make-directory.js';
import { ScratchDirectory } from '../../harness/scratch.js';

let scratch: ScratchDirectory;
beforeEach(() => (scratch = new ScratchDirectory()));
afterEach(() => scratch.remove());

describe('a directory', () => {
  it('is made with those above it, and the topmost that was made is told', () => {
    mkdirSync(path.join(scratch.path, 'a'));
    expect(makeDirectory(path.join(scratch.path, 'a/b/c/d'), { mode: 0o700 })).toBe(path.join(scratch.path, 'a/b'));
    expect(statSync(path.join(scratch.path, 'a/b/c/d')).mode & 0o777).toBe(0o700);
  });

  it('that is there already is left alone', () => {
    expect(makeDirectory(scratch.path)).toBeUndefined();
    expect(makeDirectory('/')).toBeUndefined();
  });

  it('is refused where a file stands in its place, or above it', () => {
    const file = path.join(scratch.path, 'file');
    writeFileSync(file, '');
    expect(() => makeDirectory(file)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => makeDirectory(path.join(file, 'below/it'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
  });

  it.runIf(existsSync('/proc/self'))('is refused by a file system that has no room for it, and does not hang', () => {
    expect(() => makeDirectory('/proc/nowhere/at/all')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
