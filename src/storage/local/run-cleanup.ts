import { readdir, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';

import { directoryOf } from '../path.js';
import { unlessMissing } from './file-errors.js';
import { removeMarker, type RunMarker } from './run-marker.js';
import { isTemporaryOf, runOfClaim } from './temporary-file.js';

/**
 * Removes what a run has left staged, the directories that it made and that are empty, its claims, and at last its marker.
 * Returns how many temporary files there were. Several processes may clean up after the same run.
 */
export async function cleanUp(base: string, marker: RunMarker): Promise<number> {
  let removed = 0;
  for (const directory of new Set(marker.directories.map((noted) => noted.directory))) {
    removed += await removeTemporaries(base, directory, marker.runId);
  }
  await removeEmptyDirectories(base, marker.directories.flatMap(madeDirectories));
  await removeClaims(base, marker.runId);
  await removeMarker(base, marker.runId);
  return removed;
}

async function removeTemporaries(base: string, directory: string, runId: string): Promise<number> {
  const absolute = path.join(base, directory);
  const names = (await unlessMissing(() => readdir(absolute))) ?? [];
  const temporaries = names.filter((name) => isTemporaryOf(runId, name));
  for (const name of temporaries) await unlessMissing(() => unlink(path.join(absolute, name)));
  return temporaries.length;
}

async function removeClaims(base: string, runId: string): Promise<void> {
  const names = (await unlessMissing(() => readdir(base))) ?? [];
  // One that was still being written has the name of a temporary file.
  const claims = names.filter((name) => runOfClaim(name) === runId || isTemporaryOf(runId, name));
  for (const name of claims) await unlessMissing(() => unlink(path.join(base, name)));
}

/** A directory and those above it, up to the topmost that had to be made. */
export function madeDirectories(noted: { readonly directory: string; readonly made?: string }): string[] {
  if (noted.made === undefined || noted.made === '') return [];
  const all: string[] = [];
  for (let directory = noted.directory; directory.length >= noted.made.length; directory = directoryOf(directory)) {
    all.push(directory);
  }
  return all;
}

/** Removes those of the directories (relative to the base) that are empty, the deepest first. */
export async function removeEmptyDirectories(base: string, directories: readonly string[]): Promise<void> {
  const deepestFirst = [...new Set(directories)].sort((a, b) => b.length - a.length);
  for (const directory of deepestFirst) {
    // Not empty, not there, not ours to remove: all the same, it stays as it is.
    await rmdir(path.join(base, directory)).catch(() => undefined);
  }
}
