import { assertSafePath, joinPath, nameOf } from '../path.js';
import { temporaryName } from '../lease/temporary-name.js';

/**
 * Where runs keep their own objects, below the base. A directory, because S3 Express lists only by prefixes that end in
 * a slash; its name begins with a dot, so that no reader takes what is in it for data.
 */
const OWN_DIRECTORY = '.lakeport';

/** Every hidden object or directory of this program. */
const HIDDEN = /^\.lakeport(?:-|$)/;

/** Keys in the bucket for paths below the storage's base, and back. */
export class ObjectKeys {
  readonly #base: string;

  /** @param basePath segments separated by `/`, none in front or behind; empty for the bucket itself */
  constructor(basePath: string) {
    this.#base = basePath;
  }

  keyOf(path: string): string {
    assertSafePath(path);
    return joinPath(this.#base, path);
  }

  /** What all keys below a directory begin with, and nothing else does. */
  prefixOf(directory: string): string {
    const key = this.keyOf(directory);
    return key === '' ? '' : `${key}/`;
  }

  pathOf(key: string): string {
    return this.#base === '' ? key : key.slice(this.#base.length + 1);
  }
}

/** True for a path with a hidden segment. */
export function isHidden(path: string): boolean {
  return path.split('/').some((segment) => HIDDEN.test(segment));
}

/** A hidden key beside another one, for a part whose final name is not known yet. */
export function hiddenKeyBeside(key: string, runId: string): string {
  const name = nameOf(key);
  return key.slice(0, key.length - name.length) + temporaryName(runId, name.replace(/\..*$/, ''));
}

/** Overwritten and removed by every run that wants to know whether it may write. */
export const WRITE_TEST_PATH = `${OWN_DIRECTORY}/write-test`;

/** Directory of what all runs note about themselves. */
export const RUNS_DIRECTORY = `${OWN_DIRECTORY}/runs`;

export function runDirectory(runId: string): string {
  return `${RUNS_DIRECTORY}/${runId}`;
}

/** The object that tells which process a run lives in. */
export function runMarkerPath(runId: string): string {
  return `${runDirectory(runId)}/run.json`;
}

/**
 * The object that tells which directories a run has claimed.
 * @param holder 16 hexadecimal digits that tell a run's processes apart
 */
export function runClaimPath(runId: string, holder: string): string {
  return `${runDirectory(runId)}/claim-${holder}.json`;
}

/** One of the objects that list a run's multipart uploads. */
export function uploadJournalPath(runId: string, journal: string): string {
  return `${runDirectory(runId)}/uploads-${journal}.json`;
}

/** The run whose note a path is, and which kind of note; undefined for other paths. */
export function parseNotePath(path: string): { runId: string; kind: 'marker' | 'claim' | 'journal' } | undefined {
  const [, runId, name] = /^\.lakeport\/runs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (runId === undefined || name === undefined) return undefined;
  if (name === 'run.json') return { runId, kind: 'marker' };
  if (/^claim-[0-9a-f]{16}\.json$/.test(name)) return { runId, kind: 'claim' };
  return /^uploads-[\w-]+\.json$/.test(name) ? { runId, kind: 'journal' } : undefined;
}
