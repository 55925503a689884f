import { readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import path from 'node:path';

import { linesOf } from '../lease/marker.js';
import type { Withdrawal } from '../lease/store-lease.js';
import { markerPath, type OwnObject } from '../lease/own-paths.js';
import { field } from '../http/error-mapping.js';
import { directoryOf, isSafePath } from '../path.js';
import { unlessMissing } from './file-errors.js';
import { appendToSync } from './lease-files.js';
import { isTemporaryOf } from './temporary-file.js';

/**
 * Staged parts are next to their destinations, since a rename cannot cross file systems. A run notes in its marker, one
 * line each, which directories may have some, so that a later run finds what a dead one left.
 */
export interface RunDirectory {
  /** Relative to the base. */
  readonly directory: string;
  /** The topmost directory that was created for it, if any. */
  readonly made?: string;
}

/** Notes a directory; does nothing if the run has no marker. */
export function noteDirectory(base: string, runId: string, directory: RunDirectory): void {
  appendToSync(path.join(base, markerPath(runId)), `${JSON.stringify(directory)}\n`);
}

/**
 * Removes what a run has left staged, and the empty directories that it created. Returns the number of temporary files.
 * Several processes may do so for the same run.
 * @param own all of the run's objects in the base
 */
export async function withdrawFiles(
  base: string,
  own: readonly OwnObject[],
  { isDryRun }: Withdrawal,
): Promise<number> {
  const [runId] = own.map((one) => one.runId);
  if (runId === undefined) return 0;
  const markers = own.filter(({ kind }) => kind === 'marker');
  const noted = (await Promise.all(markers.map((marker) => readDirectories(path.join(base, marker.path))))).flat();
  let removed = 0;
  for (const directory of new Set(noted.map((one) => one.directory))) {
    removed += await removeTemporaries(base, { directory, runId, isDryRun });
  }
  if (isDryRun) return removed;
  await removeEmptyDirectories(base, noted.flatMap(madeDirectories));
  // Unfinished lock objects; those of version 0.1 are in the base itself.
  for (const { path: part } of own.filter(({ kind }) => kind === 'part')) {
    await unlessMissing(() => unlink(path.join(base, part)));
  }
  await removeTemporaries(base, { directory: '', runId, isDryRun });
  return removed;
}

async function readDirectories(marker: string): Promise<RunDirectory[]> {
  const content = await unlessMissing(() => readFile(marker));
  return content === undefined ? [] : linesOf(content).filter(isDirectory);
}

async function removeTemporaries(
  base: string,
  { directory, runId, isDryRun }: Withdrawal & { readonly directory: string; readonly runId: string },
): Promise<number> {
  const absolute = path.join(base, directory);
  const names = (await unlessMissing(() => readdir(absolute))) ?? [];
  const temporaries = names.filter((name) => isTemporaryOf(runId, name));
  if (isDryRun) return temporaries.length;
  for (const name of temporaries) await unlessMissing(() => unlink(path.join(absolute, name)));
  return temporaries.length;
}

/** A directory and its ancestors, up to the topmost one that was created. */
export function madeDirectories(noted: RunDirectory): string[] {
  if (noted.made === undefined || noted.made === '') return [];
  const all: string[] = [];
  for (let directory = noted.directory; directory.length >= noted.made.length; directory = directoryOf(directory)) {
    all.push(directory);
  }
  return all;
}

/** Removes the empty ones of the directories (relative to the base), deepest first. */
export async function removeEmptyDirectories(base: string, directories: readonly string[]): Promise<void> {
  const deepestFirst = [...new Set(directories)].sort((a, b) => b.length - a.length);
  for (const directory of deepestFirst) {
    // Not empty, missing, or not ours to remove: it stays as it is.
    await rmdir(path.join(base, directory)).catch(() => undefined);
  }
}

/** The first line of a marker names a process, and the directory of its tables for messages. */
function isDirectory(line: unknown): line is RunDirectory {
  if (field(line, 'directory') === undefined || field(line, 'pid') !== undefined) return false;
  return [field(line, 'directory'), field(line, 'made') ?? ''].every(
    (value) => typeof value === 'string' && isSafePath(value),
  );
}
