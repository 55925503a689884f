import { TEMPORARY_PREFIX, TEMPORARY_SUFFIX } from '../lease/temporary-name.js';

/**
 * Names of the hidden files that a run writes before it publishes. They begin with a dot, so that no reader takes them
 * for data, and hold the run's id, so that a later run knows whose they are.
 */

/** True for a temporary file of that very run. */
export function isTemporaryOf(runId: string, name: string): boolean {
  return name.startsWith(`${TEMPORARY_PREFIX}${runId}-`) && name.endsWith(TEMPORARY_SUFFIX);
}

/** True for every hidden file of this program, run markers included. */
export function isHidden(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

/** `.lakeport-run-<run_id>.json`, in the storage's base. */
export function markerName(runId: string): string {
  return `${TEMPORARY_PREFIX}run-${runId}.json`;
}

/**
 * `.lakeport-claim-<run_id>-<holder>.json`, in the storage's base.
 * @param holder 16 hexadecimal digits that tell a run's processes apart
 */
export function claimName(runId: string, holder: string): string {
  return `${TEMPORARY_PREFIX}claim-${runId}-${holder}.json`;
}

/** The run id in a claim's name; undefined for other names. */
export function runOfClaim(name: string): string | undefined {
  return /^\.lakeport-claim-([\w-]+)-[0-9a-f]{16}\.json$/.exec(name)?.[1];
}

/** The run id in a marker's name; undefined for other names. */
export function runOfMarker(name: string): string | undefined {
  return /^\.lakeport-run-([\w-]+)\.json$/.exec(name)?.[1];
}
