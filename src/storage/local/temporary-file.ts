import { randomBytes } from 'node:crypto';

/**
 * Names of the hidden files that a run writes beside their places before it publishes. They begin with a dot, so that no
 * reader takes them for data, and hold the run's id, so that a later run knows whose they are.
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

/** True for every temporary file. */
export function isTemporary(name: string): boolean {
  return name.startsWith(PREFIX);
}
