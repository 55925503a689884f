import type { ListedObject } from '../object-client.js';

/**
 * Paths of what runs keep in a store besides the objects that they publish. All of it lies in the directory `.lakeport`
 * of the base: no reader takes it for data, one listing shows it whole, and a lifecycle rule can name it by its prefix.
 * The names end in what no reader of Parquet looks for.
 */
export const OWN_DIRECTORY = '.lakeport';

/** Overwritten and removed by every run that wants to know whether it may write, where it may not be able to remove it. */
export const WRITE_TEST_PATH = `${OWN_DIRECTORY}/write-test`;

type OwnKind =
  /** Which process a run lives in. */
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

/** The second pattern of a kind is that of version 0.1: of the S3 store in its own layout, of directories. */
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

/** @param holder 16 hexadecimal digits that tell a run's processes apart */
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

/** What `prepare` writes and removes to see whether it may. */
export function probePath(nonce: string): string {
  return `${OWN_DIRECTORY}/probe-${nonce}.tmp`;
}

/** Whose a path is, and what; undefined for all that belongs to no run. */
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

/** True for every path that is the program's own and none of the export. */
export function isOwnPath(path: string): boolean {
  return path.split('/').some((segment) => segment === OWN_DIRECTORY || segment.startsWith(`${OWN_DIRECTORY}-`));
}
