/**
 * Names of what a run keeps in a store besides its published objects. All of them lie in the directory `.lakeport` of
 * the base: no reader takes it for data, one listing shows it whole, and a lifecycle rule can name it by its prefix.
 * They end in what no reader of Parquet looks for.
 */
export const PRIVATE_DIRECTORY = '.lakeport';

const PART = /^part-([\w-]+)-([0-9a-f]{16})\.tmp$/;
const CLAIM = /^claim-([\w-]+)-[0-9a-f]{16}\.json$/;
const MARKER = /^run-([\w-]+)\.json$/;

/** @param nonce 16 hexadecimal digits */
export function partName(runId: string, nonce: string): string {
  return `part-${runId}-${nonce}.tmp`;
}

export function markerName(runId: string): string {
  return `run-${runId}.json`;
}

/** @param holder 16 hexadecimal digits that tell a run's processes apart */
export function claimName(runId: string, holder: string): string {
  return `claim-${runId}-${holder}.json`;
}

/** What `prepare` writes and removes to see whether it may. */
export function probeName(nonce: string): string {
  return `probe-${nonce}.tmp`;
}

/** Run id of a staged part's name; undefined for other names. */
export function runOfPart(name: string): string | undefined {
  return PART.exec(name)?.[1];
}

/** Run id of a claim's name; undefined for other names. */
export function runOfClaim(name: string): string | undefined {
  return CLAIM.exec(name)?.[1];
}

/** Run id of a marker's name; undefined for other names. */
export function runOfMarker(name: string): string | undefined {
  return MARKER.exec(name)?.[1];
}

/** True for every path that is the program's own and none of the export. */
export function isPrivatePath(path: string): boolean {
  return path
    .split('/')
    .some((segment) => segment === PRIVATE_DIRECTORY || segment.startsWith(`${PRIVATE_DIRECTORY}-`));
}
