import { randomUUID } from 'node:crypto';

import { currentProcess, displayProcess, isProcessIdentity, stateOf } from '../runtime/process-identity.js';

/** Which process works on a run. */
export interface RunOwner {
  /** Random; names this process's hold on the run. */
  readonly holder: string;
  /** `ProcessIdentity` as JSON. */
  readonly process: string;
}

/** This process as the owner of a run. */
export async function newOwner(): Promise<RunOwner> {
  return { holder: randomUUID(), process: JSON.stringify(await currentProcess()) };
}

/** True if the process ran on this machine and is gone, which is known long before its heartbeat expires. */
export async function isGone(process: unknown): Promise<boolean> {
  return isProcessIdentity(process) && (await stateOf(process)) === 'dead';
}

/** Human-readable: `process 4711 on host db1`. */
export function displayOwner(process: unknown): string | undefined {
  return isProcessIdentity(process) ? displayProcess(process) : undefined;
}
