import { randomBytes } from 'node:crypto';

/**
 * Names of the hidden files that a run writes next to their destinations before it publishes them. They start with a dot,
 * so that no reader takes them for data, and contain the run id, so that a later run knows their owner.
 */

const PREFIX = '.lakeport-';
const SUFFIX = '.tmp';

/** `.lakeport-<run_id>-<stem>-<random>.tmp` */
export function temporaryName(runId: string, stem: string): string {
  return `${PREFIX}${runId}-${stem.slice(0, 40)}-${randomBytes(6).toString('hex')}${SUFFIX}`;
}

/** Whether this is a temporary file of that run. */
export function isTemporaryOf(runId: string, name: string): boolean {
  return name.startsWith(`${PREFIX}${runId}-`) && name.endsWith(SUFFIX);
}

/** Whether this is a temporary file of any run. */
export function isTemporary(name: string): boolean {
  return name.startsWith(PREFIX);
}
