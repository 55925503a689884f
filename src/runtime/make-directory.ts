import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a directory, and those above it that are not there. Node's own `recursive` never returns where the file system
 * keeps on saying ENOENT for a name that it does not want, as `/proc` does.
 * @returns the topmost one that had to be made; undefined where all of them were there
 * @throws the system's error
 */
export function makeDirectory(directory: string, options: { readonly mode?: number } = {}): string | undefined {
  const error = attempt(directory, options);
  if (error === undefined) return directory;
  if (isDirectory(directory)) return undefined;
  const parent = path.dirname(directory);
  if (error.code !== 'ENOENT' || parent === directory) throw error;
  const topmost = makeDirectory(parent, options);
  const again = attempt(directory, options);
  // Somebody else may have made it in the meantime.
  if (again !== undefined && !isDirectory(directory)) throw again;
  return topmost ?? (again === undefined ? directory : undefined);
}

/** The system's error, where it has one. */
function attempt(
  directory: string,
  options: { readonly mode?: number },
): (Error & { readonly code: unknown }) | undefined {
  try {
    mkdirSync(directory, options);
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error;
    throw error;
  }
}

function isDirectory(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
