import { randomUUID } from 'node:crypto';

import { currentProcess, displayProcess, isProcessIdentity, stateOf } from '../process-identity.js';
import type { Holder } from './store.js';

/** This process, as it holds a run. */
export async function newHolder(): Promise<Holder> {
  return { holder: randomUUID(), process: JSON.stringify(await currentProcess()) };
}

/** True where the process was of this machine and is gone, which is known long before its heartbeat is missed. */
export async function isGone(process: unknown): Promise<boolean> {
  return isProcessIdentity(process) && (await stateOf(process)) === 'dead';
}

/** For people: `process 4711 on host db1`. */
export function displayHolder(process: unknown): string | undefined {
  return isProcessIdentity(process) ? displayProcess(process) : undefined;
}
