import { access, constants, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

import { LakeportError } from '../../errors.js';
import { makeDirectory } from '../../runtime/make-directory.js';
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
    const link = await danglingLink(base);
    if (link !== undefined) throw leadsNowhere(shownBase, link, error);
    throw isMissing(error) ? cannotBeMade(shownBase, error) : fileError(error, shownBase);
  }
}

interface DanglingLink {
  readonly link: string;
  readonly target: string;
}

/** The directory, or the nearest one above it, that is a symbolic link to nothing. */
async function danglingLink(base: string): Promise<DanglingLink | undefined> {
  for (let directory = base; directory !== path.dirname(directory); directory = path.dirname(directory)) {
    const target = await readlink(directory).catch(() => undefined);
    if (target === undefined) continue;
    const missing = await stat(directory).then(() => false, isMissing);
    if (missing) return { link: directory, target };
  }
  return undefined;
}

function leadsNowhere(shownBase: string, { link, target }: DanglingLink, cause: unknown): LakeportError {
  return new LakeportError({
    code: 'DANGLING_LINK',
    message: `${shownBase} cannot be used: ${link} is a symbolic link to ${target}, which does not exist`,
    hint: 'Make the directory that it leads to (a disk may not be mounted), or repair the link.',
    context: { path: shownBase },
    cause,
  });
}

/** As the kernel's own file systems answer, which hold no directories but theirs. */
function cannotBeMade(shownBase: string, cause: unknown): LakeportError {
  return new LakeportError({
    code: 'DIRECTORY_NOT_MADE',
    message: `${shownBase} is not there, and its file system lets nobody make it`,
    hint: 'Choose a directory on a disk.',
    context: { path: shownBase },
    cause,
  });
}
