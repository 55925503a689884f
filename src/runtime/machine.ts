import { availableParallelism, totalmem } from 'node:os';

import { type CgroupLimits, cgroupLimits } from './cgroup.js';

let limits: CgroupLimits | undefined;

/** Processors available to this process, at least 1: the machine's, or the container's quota. */
export function availableCores(): number {
  const { cores = Infinity } = (limits ??= cgroupLimits());
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cores)));
}

/** Memory available to this process in bytes: the machine's, or the container's limit. */
export function availableMemory(): number {
  const { memoryBytes = Infinity } = (limits ??= cgroupLimits());
  return Math.min(totalmem(), memoryBytes);
}
