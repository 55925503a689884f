import { symlink } from 'node:fs/promises';
import path from 'node:path';

import { expect, it } from 'vitest';

import { openLocalStorage } from '../../../../src/storage/local/index.js';
import { fileError } from '../../../../src/storage/local/file-errors.js';
import { failure } from '../../../harness/failure.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

it.each(['lake', 'lake/daily/exports'])('a directory %s by a link to nothing is told with the link', async (below) => {
  const scratch = new ScratchDirectory();
  await symlink('/no/such/disk', path.join(scratch.path, 'lake'));
  const storage = await openLocalStorage({ id: 'lake', directory: path.join(scratch.path, below) });
  const error = await failure(storage.prepare());
  expect(error).toMatchObject({ code: 'DANGLING_LINK', exit: 'usage' });
  expect(error.message).toContain(`${path.join(scratch.path, 'lake')} is a symbolic link to /no/such/disk`);
  scratch.remove();
});

it.each([
  'ENOSPC',
  'EDQUOT',
  'EXDEV',
  'ELOOP',
  'EROFS',
  'EACCES',
  'EPERM',
  'EBUSY',
  'EMFILE',
  'ENOTDIR',
  'ENAMETOOLONG',
])('%s has a sentence and a hint of its own', (code) => {
  const error = fileError(Object.assign(new Error(code), { code }), './out');
  expect(error.code).not.toBe('STORAGE_FAILED');
  expect(error.hint).toBeDefined();
});
