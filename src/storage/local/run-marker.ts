import { constants } from 'node:fs';
import { open, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { isSafePath } from '../path.js';
import { unlessMissing } from './file-errors.js';
import { currentProcess, type ProcessIdentity, stateOf } from '../../process-identity.js';
import { markerName, runOfMarker } from './temporary-file.js';

/**
 * The file `.lakeport-run-<run_id>.json` in the storage's base. Its first line says which process writes there, each
 * following line names a directory in which that run may have temporary files: so a later run finds what a dead one
 * left, wherever it lies. An empty line is a heartbeat, for readers on other machines, who see the file's age only.
 */

/** A directory that a run writes into. */
export interface RunDirectory {
  /** Relative to the base. */
  readonly directory: string;
  /** The topmost directory that had to be made for it, if any. */
  readonly made?: string;
}

export interface RunMarker {
  readonly runId: string;
  /** Undefined where the run died before it had written the line. */
  readonly process: ProcessIdentity | undefined;
  readonly directories: readonly RunDirectory[];
  /** Last heartbeat, by the file system's clock, in milliseconds since 1970. */
  readonly touchedAt: number;
}

export const HEARTBEAT_MS = 60_000;
/** A run that nobody here can ask is taken for dead after so many milliseconds of silence. */
const SILENCE_MS = 10 * HEARTBEAT_MS;

/** @throws errno `EEXIST` where the run has a marker already */
export async function createMarker(base: string, run: { runId: string; directory: string }): Promise<void> {
  const first = { ...(await currentProcess()), directory: run.directory, createdAt: new Date().toISOString() };
  await writeFile(path.join(base, markerName(run.runId)), `${JSON.stringify(first)}\n`, { flag: 'wx' });
}

/** Notes a directory; does nothing where the run has no marker. */
export function noteDirectory(base: string, runId: string, directory: RunDirectory): Promise<void> {
  return append(base, runId, `${JSON.stringify(directory)}\n`);
}

export function heartbeat(base: string, runId: string): Promise<void> {
  return append(base, runId, '\n');
}

/** One write each, so that lines of several threads never mix. Written, not touched: the age is by the server's clock. */
async function append(base: string, runId: string, line: string): Promise<void> {
  const file = path.join(base, markerName(runId));
  const handle = await unlessMissing(() => open(file, constants.O_WRONLY | constants.O_APPEND));
  if (handle === undefined) return;
  try {
    await handle.write(line);
  } finally {
    await handle.close();
  }
}

export async function listMarkers(base: string): Promise<RunMarker[]> {
  const names = (await unlessMissing(() => readdir(base))) ?? [];
  const runIds = names.map(runOfMarker).filter((runId) => runId !== undefined);
  const markers = await Promise.all(runIds.map((runId) => readMarker(base, runId)));
  return markers.filter((marker) => marker !== undefined);
}

export async function readMarker(base: string, runId: string): Promise<RunMarker | undefined> {
  const file = path.join(base, markerName(runId));
  return unlessMissing(async () => {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const [first, ...rest] = text.split('\n').map(parseLine);
    return {
      runId,
      process: isIdentity(first) ? first : undefined,
      directories: rest.filter(isDirectory),
      touchedAt: mtimeMs,
    };
  });
}

export async function removeMarker(base: string, runId: string): Promise<void> {
  await unlessMissing(() => unlink(path.join(base, markerName(runId))));
}

/** @param now the file system's clock, see `RunMarker.touchedAt` */
export async function isDead(marker: RunMarker, now: number): Promise<boolean> {
  const state = marker.process === undefined ? 'unknown' : await stateOf(marker.process);
  return state === 'unknown' ? now - marker.touchedAt > SILENCE_MS : state === 'dead';
}

/** The last line of a killed run may be cut short. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isIdentity(line: unknown): line is ProcessIdentity {
  return typeof line === 'object' && line !== null && 'pid' in line && typeof line.pid === 'number' && 'host' in line;
}

function isDirectory(line: unknown): line is RunDirectory {
  if (typeof line !== 'object' || line === null || !('directory' in line)) return false;
  const made = 'made' in line ? line.made : '';
  return [line.directory, made].every((value) => typeof value === 'string' && isSafePath(value));
}
