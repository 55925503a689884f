import { cpus } from 'node:os';

import { availableCores } from './machine.js';

/** Measures what this process leaves of the machine's cores. */
export class CpuMeter {
  #last = measure();

  /** Cores that were idle on average since the last call, and that this process's quota would have allowed it to use. */
  spareCores(): number {
    const last = this.#last;
    const now = (this.#last = measure());
    const elapsed = now.at - last.at;
    const ownShare = availableCores() - (now.own - last.own) / elapsed;
    // Where the system does not tell, the quota decides.
    return now.idle === undefined || last.idle === undefined
      ? ownShare
      : Math.min(ownShare, (now.idle - last.idle) / elapsed);
  }
}

interface Measured {
  /** All in milliseconds: the clock, this process's processor time, and the idle time of all cores. */
  readonly at: number;
  readonly own: number;
  readonly idle: number | undefined;
}

function measure(): Measured {
  const { user, system } = process.cpuUsage();
  const cores = cpus();
  const idle = cores.length === 0 ? undefined : cores.reduce((sum, { times }) => sum + times.idle, 0);
  return { at: performance.now(), own: (user + system) / 1000, idle };
}
