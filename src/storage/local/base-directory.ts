import { access, constants } from 'node:fs/promises';
import path from 'node:path';

import { LakeportError } from '../../errors.js';
import { makeDirectory } from '../../make-directory.js';
import type { DirectorySync } from './directory-sync.js';
import { fileError, isMissing } from './file-errors.js';

/**
 * Makes the base directory where it is missing and sees that it can be written to.
 * @throws LakeportError, of class `usage` where a file stands in its place
 */
export async function prepareBase(base: string, shownBase: string, sync: DirectorySync): Promise<void> {
  try {
    const made = makeDirectory(base);
    if (made !== undefined) await sync.sync(path.dirname(made));
    await access(base, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw isMissing(error) ? cannotBeMade(shownBase, error) : fileError(error, shownBase);
  }
}

/** As the kernel's own file systems answer, which hold no directories but theirs. */
function cannotBeMade(shownBase: string, cause: unknown): LakeportError {
  return new LakeportError({
    code: 'DIRECTORY_NOT_MADE',
    exit: 'unreachable',
    message: `${shownBase} is not there, and its file system lets nobody make it`,
    hint: 'Choose a directory on a disk.',
    context: { path: shownBase },
    cause,
  });
}
