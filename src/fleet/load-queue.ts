import type { PgBoss } from 'pg-boss';

import { LakeportError } from '../errors.js';

/** The version of Node.js that the queue's package needs. */
const NEEDED = [22, 12] as const;

/**
 * The queue's library, which is optional and loaded only here.
 * @throws LakeportError of class `usage` if Node.js is too old for it, or it is not installed
 */
export async function loadQueueLibrary(version: string = process.versions.node): Promise<typeof PgBoss> {
  refuseOldNode(version);
  try {
    return (await import('pg-boss')).PgBoss;
  } catch (cause) {
    throw new LakeportError({
      code: 'WORKERS_NOT_INSTALLED',
      message: 'Workers on other machines need the package pg-boss, which is not installed',
      hint: 'Install lakeport again with this version of Node.js, and with optional packages (npm install --include=optional).',
      cause,
    });
  }
}

function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [neededMajor, neededMinor] = NEEDED;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return;
  throw new LakeportError({
    code: 'WORKERS_NEED_NODE',
    message: `Workers on other machines need Node.js ${NEEDED.join('.')} or later, and this is ${version}`,
    hint: 'Use a later version of Node.js, or leave out --workers: threads of this process then read.',
  });
}
