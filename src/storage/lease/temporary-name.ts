import { randomBytes } from 'node:crypto';

/** What the names of hidden files and objects begin and end with: no reader takes them for data. */
export const TEMPORARY_PREFIX = '.lakeport-';
export const TEMPORARY_SUFFIX = '.tmp';

/** `.lakeport-<run_id>-<stem>-<random>.tmp` */
export function temporaryName(runId: string, stem: string): string {
  return `${TEMPORARY_PREFIX}${runId}-${stem.slice(0, 40)}-${randomBytes(6).toString('hex')}${TEMPORARY_SUFFIX}`;
}
