import { randomUUID } from 'node:crypto';

import { currentProcess, displayProcess, isProcessIdentity, stateOf } from '../runtime/process-identity.js';
import type { RunOwner } from './store/log-store.js';

/** This process, as it holds a run. */
export async function newOwner(): Promise<RunOwner> {
  return { holder: randomUUID(), process: JSON.stringify(await currentProcess()) };
}

/** True where the process was of this machine and is gone, which is known long before its heartbeat is missed. */
export async function isGone(process: unknown): Promise<boolean> {
  return isProcessIdentity(process) && (await stateOf(process)) === 'dead';
}

/** For people: `process 4711 on host db1`. */
export function displayOwner(process: unknown): string | undefined {
  return isProcessIdentity(process) ? displayProcess(process) : undefined;
}
