import { constants } from 'node:fs';
import { open, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { SILENCE_MS } from '../lease/lease-times.js';
import { isSafePath } from '../path.js';
import { unlessMissing } from './file-errors.js';
import { isProcessIdentity, type ProcessIdentity, stateOf } from '../../runtime/process-identity.js';
import { markerName, runOfMarker } from './temporary-file.js';

/**
 * The file `.lakeport-run-<run_id>.json` in the storage's base. Its first line says which process writes there; each
 * further process of the same run adds a line of its own when it takes over. Every other line names a directory in which
 * that run may have temporary files: so a later run finds what a dead one left, wherever it lies. An empty line is a
 * heartbeat, for readers on other machines, who see the file's age only.
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
  /** The latest one; undefined where the run died before it had written the line. */
  readonly process: ProcessIdentity | undefined;
  /** Tells that process's claim from those of others of the run. */
  readonly holder: string | undefined;
  readonly directories: readonly RunDirectory[];
  /** Last heartbeat, by the file system's clock, in milliseconds since 1970. */
  readonly touchedAt: number;
}

/** A process's run, as its marker introduces it. */
export interface RunHolder {
  readonly runId: string;
  readonly process: ProcessIdentity;
  readonly holder: string;
  /** For people. */
  readonly directory: string;
}

/** @throws errno `EEXIST` where the run has a marker already */
export async function createMarker(base: string, run: RunHolder): Promise<void> {
  await writeFile(path.join(base, markerName(run.runId)), introduction(run), { flag: 'wx' });
}

/** Notes that the run goes on in this process. The empty line ends one that the last process may have left cut short. */
export function takeOverMarker(base: string, run: RunHolder): Promise<void> {
  return append(base, run.runId, `\n${introduction(run)}`);
}

function introduction({ process, holder, directory }: RunHolder): string {
  return `${JSON.stringify({ ...process, holder, directory, createdAt: new Date().toISOString() })}\n`;
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
    const lines = text.split('\n').map(parseLine);
    const process = lines.findLast(isProcessIdentity);
    return {
      runId,
      process,
      holder: process === undefined ? undefined : holderOf(process),
      directories: lines.filter((line) => isDirectory(line)),
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

function holderOf(line: object): string | undefined {
  const holder = 'holder' in line ? line.holder : undefined;
  return typeof holder === 'string' && /^[0-9a-f]{16}$/.test(holder) ? holder : undefined;
}

function isDirectory(line: unknown): line is RunDirectory {
  if (typeof line !== 'object' || line === null || !('directory' in line) || isProcessIdentity(line)) return false;
  const made = 'made' in line ? line.made : '';
  return [line.directory, made].every((value) => typeof value === 'string' && isSafePath(value));
}
