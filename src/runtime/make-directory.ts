import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Creates a directory and its missing parents. Node's own `recursive` never returns if the file system keeps answering
 * ENOENT for a name it rejects, as `/proc` does.
 * @returns the topmost directory created; undefined if all existed
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
  // Another process may have created it in the meantime.
  if (again !== undefined && !isDirectory(directory)) throw again;
  return topmost ?? (again === undefined ? directory : undefined);
}

/** The system's error, if any. */
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
