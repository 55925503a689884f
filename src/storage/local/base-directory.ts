import { access, constants, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

import { LakeportError } from '../../errors.js';
import { makeDirectory } from '../../runtime/make-directory.js';
import type { DirectorySync } from './directory-sync.js';
import { fileError, isMissing } from './file-errors.js';

/**
 * Creates the base directory if it does not exist and checks that it is writable.
 * @throws LakeportError, of class `usage` if a file is in its place
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

/** The directory, or its nearest ancestor, that is a dangling symbolic link. */
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
    hint: 'Create the directory that it points to (a disk may not be mounted), or repair the link.',
    context: { path: shownBase },
    cause,
  });
}

/** The error of the kernel's pseudo file systems, in which directories cannot be created. */
function cannotBeMade(shownBase: string, cause: unknown): LakeportError {
  return new LakeportError({
    code: 'DIRECTORY_NOT_MADE',
    message: `${shownBase} does not exist and cannot be created on this file system`,
    hint: 'Choose a directory on a disk.',
    context: { path: shownBase },
    cause,
  });
}
