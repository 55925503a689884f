import type { ListedObject } from '../object-client.js';

/**
 * Paths of objects that runs keep in a store besides those that they publish. All are in the directory `.lakeport` of the
 * base: no reader takes it for data, one listing shows everything, and a lifecycle rule can match it by its prefix. The
 * names have extensions that no Parquet reader looks for.
 */
export const OWN_DIRECTORY = '.lakeport';

/** Overwritten and removed by each run to check for write access; remains if the run may not delete. */
export const WRITE_TEST_PATH = `${OWN_DIRECTORY}/write-test`;

type OwnKind =
  /** Which process owns a run. */
  | 'marker'
  /** Which directories a run has taken. */
  | 'claim'
  /** A staged part. */
  | 'part'
  /** Uploads of a run that no listing shows. */
  | 'uploads';

/** An object that belongs to a run. */
export interface OwnObject extends ListedObject {
  readonly runId: string;
  readonly kind: OwnKind;
}

/** The second pattern of a kind is that of version 0.1: the S3 store's own layout, or that of directories. */
const PATTERNS: readonly (readonly [OwnKind, RegExp])[] = [
  ['marker', /^\.lakeport\/run-([\w-]+)\.json$/],
  ['marker', /^\.lakeport\/runs\/([^/]+)\/run\.json$|^\.lakeport-run-([\w-]+)\.json$/],
  ['claim', /^\.lakeport\/claim-([\w-]+)-[0-9a-f]{16}\.json$/],
  ['claim', /^\.lakeport\/runs\/([^/]+)\/claim-[0-9a-f]{16}\.json$|^\.lakeport-claim-([\w-]+)-[0-9a-f]{16}\.json$/],
  ['part', /^\.lakeport\/part-([\w-]+)-[0-9a-f]{16}\.tmp$/],
  ['uploads', /^\.lakeport\/uploads-([\w-]+)-[0-9a-f]{16}\.json$/],
  ['uploads', /^\.lakeport\/runs\/([^/]+)\/uploads-[\w-]+\.json$/],
];

export function markerPath(runId: string): string {
  return `${OWN_DIRECTORY}/run-${runId}.json`;
}

/** @param holder 16 hexadecimal digits that distinguish a run's processes */
export function claimPath(runId: string, holder: string): string {
  return `${OWN_DIRECTORY}/claim-${runId}-${holder}.json`;
}

/** @param nonce 16 hexadecimal digits */
export function partPath(runId: string, nonce: string): string {
  return `${OWN_DIRECTORY}/part-${runId}-${nonce}.tmp`;
}

/** @param nonce 16 hexadecimal digits */
export function uploadsPath(runId: string, nonce: string): string {
  return `${OWN_DIRECTORY}/uploads-${runId}-${nonce}.json`;
}

/** Written and removed by `prepare` to check for write access. */
export function probePath(nonce: string): string {
  return `${OWN_DIRECTORY}/probe-${nonce}.tmp`;
}

/** Owner and kind of a path; undefined for anything that belongs to no run. */
export function parseOwnPath(path: string): Pick<OwnObject, 'runId' | 'kind'> | undefined {
  for (const [kind, pattern] of PATTERNS) {
    const [, first, second] = pattern.exec(path) ?? [];
    const runId = first ?? second;
    if (runId !== undefined) return { runId, kind };
  }
  return undefined;
}

/** Those of the objects that belong to runs. */
export function ownObjects(objects: readonly ListedObject[]): OwnObject[] {
  return objects.flatMap((object) => {
    const owner = parseOwnPath(object.path);
    return owner === undefined ? [] : [{ ...object, ...owner }];
  });
}

export function isPartPath(path: string): boolean {
  return parseOwnPath(path)?.kind === 'part';
}

/** Whether a path belongs to the program rather than to the export. */
export function isOwnPath(path: string): boolean {
  return path.split('/').some((segment) => segment === OWN_DIRECTORY || segment.startsWith(`${OWN_DIRECTORY}-`));
}
