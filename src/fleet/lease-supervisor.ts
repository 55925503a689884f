import { setTimeout as sleep } from 'node:timers/promises';

export interface LeaseSupervisorOptions {
  /** Whatever the queue answers. Rejects while it cannot be reached. */
  readonly ask: () => Promise<unknown>;
  /** Takes slices from workers whose lease has ended. */
  readonly supervise: () => Promise<void>;
  readonly everyMs: number;
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Takes slices from workers that are not heard of for the time of a lease. If it was the queue itself that could not be
 * reached, nobody could renew a lease: all have the time of one more.
 */
export class LeaseSupervisor {
  readonly #options: LeaseSupervisorOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  /** Infinity while the queue cannot be reached. */
  #heldBackUntil: number | undefined;

  constructor(options: LeaseSupervisorOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (await waited(this.#options.everyMs, signal)) {
      try {
        if (await this.#mayTake()) await this.#options.supervise();
      } catch (error) {
        this.#heldBackUntil = Infinity;
        this.#options.onError(error);
      }
    }
  }

  async #mayTake(): Promise<boolean> {
    const { ask, everyMs, leaseMs } = this.#options;
    const askedAt = performance.now();
    await ask();
    const now = performance.now();
    if (this.#heldBackUntil === Infinity) this.#heldBackUntil = now + leaseMs;
    // It may have been away meanwhile. Only once: a queue that is always slow must be supervised too.
    else if (now - askedAt > everyMs / 2) this.#heldBackUntil ??= now + leaseMs;
    if (this.#heldBackUntil !== undefined && now < this.#heldBackUntil) return false;
    this.#heldBackUntil = undefined;
    return true;
  }
}

/** @returns false if it was told to stop */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
  return !signal.aborted;
}
