import { access, constants, stat } from 'node:fs/promises';
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

/**
 * Whether the file system takes `Orders` and `orders` for the same name, as macOS and Windows do. Found without writing:
 * by asking for an existing directory, the base or the nearest above it, in the other case.
 */
export async function ignoresCase(base: string): Promise<boolean> {
  for (let directory = base; directory !== path.dirname(directory); directory = path.dirname(directory)) {
    const name = path.basename(directory);
    const otherCase = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
    const found = otherCase === name ? undefined : await stat(directory).catch(() => undefined);
    if (found === undefined) continue;
    const other = await stat(path.join(path.dirname(directory), otherCase)).catch(() => undefined);
    return other?.ino === found.ino && other.dev === found.dev;
  }
  return false;
}
