import { randomBytes } from 'node:crypto';

/**
 * Names of the hidden files that a run writes before it publishes. They begin with a dot, so that no reader takes them
 * for data, and hold the run's id, so that a later run knows whose they are.
 */

const PREFIX = '.lakeport-';
const SUFFIX = '.tmp';

/** `.lakeport-<run_id>-<stem>-<random>.tmp` */
export function temporaryName(runId: string, stem: string): string {
  return `${PREFIX}${runId}-${stem.slice(0, 40)}-${randomBytes(6).toString('hex')}${SUFFIX}`;
}

/** True for a temporary file of that very run. */
export function isTemporaryOf(runId: string, name: string): boolean {
  return name.startsWith(`${PREFIX}${runId}-`) && name.endsWith(SUFFIX);
}

/** True for every hidden file of this program, run markers included. */
export function isHidden(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** `.lakeport-run-<run_id>.json`, in the storage's base. */
export function markerName(runId: string): string {
  return `${PREFIX}run-${runId}.json`;
}

/**
 * `.lakeport-claim-<run_id>-<holder>.json`, in the storage's base.
 * @param holder 16 hexadecimal digits that tell a run's processes apart
 */
export function claimName(runId: string, holder: string): string {
  return `${PREFIX}claim-${runId}-${holder}.json`;
}

/** The run id in a claim's name; undefined for other names. */
export function runOfClaim(name: string): string | undefined {
  return /^\.lakeport-claim-([\w-]+)-[0-9a-f]{16}\.json$/.exec(name)?.[1];
}

/** The run id in a marker's name; undefined for other names. */
export function runOfMarker(name: string): string | undefined {
  return /^\.lakeport-run-([\w-]+)\.json$/.exec(name)?.[1];
}
