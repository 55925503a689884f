import { availableParallelism, totalmem } from 'node:os';

import { type CgroupLimits, cgroupLimits } from './cgroup.js';

let limits: CgroupLimits | undefined;

/** Processors that this process may use, at least 1: those of the machine, or of the container's quota. */
export function availableCores(): number {
  const { cores = Infinity } = (limits ??= cgroupLimits());
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cores)));
}

/** Memory that this process may use, in bytes: that of the machine, or what the container is allowed. */
export function availableMemory(): number {
  const { memoryBytes = Infinity } = (limits ??= cgroupLimits());
  return Math.min(totalmem(), memoryBytes);
}
