import { setTimeout as sleep } from 'node:timers/promises';

/** Errors of a store that is still starting, and of a name server that is not up yet. */
const MAY_COME_UP = ['ECONNREFUSED', 'EAI_AGAIN'];

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

interface Place {
  /** Deadline by the monotonic clock. */
  readonly givenUpAt: number;
  isReached: boolean;
}

/**
 * Waits for a store that accepts no connections yet: for as long as a connection may take, from the first attempt on. A
 * store that has been reached before is not waited for here: requests that it interrupts are retried elsewhere.
 */
export class ConnectPatience {
  readonly #patienceMs: number;
  readonly #places = new Map<string, Place>();
  readonly #stopping = new AbortController();

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** False for hosts that were reached before, and for the metadata service, which every machine asks for. */
  isFor(host: string): boolean {
    return !/^169\.254\./.test(host) && this.#places.get(host)?.isReached !== true;
  }

  /**
   * Connects, with retries while the host may come up.
   * @param attempt rejects with the socket's error
   */
  async connect<T>(host: string, attempt: () => Promise<T>): Promise<T> {
    const place = this.#places.get(host) ?? { givenUpAt: performance.now() + this.#patienceMs, isReached: false };
    this.#places.set(host, place);
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        const connection = await attempt();
        place.isReached = true;
        return connection;
      } catch (error) {
        const left = place.givenUpAt - performance.now();
        if (!this.isFor(host) || !mayComeUp(error) || left <= 0 || this.#stopping.signal.aborted) throw error;
        // The last attempt is at the deadline.
        await sleep(Math.min(pause, left), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** Stops all waiting. */
  stop(): void {
    this.#stopping.abort();
  }
}

function mayComeUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && MAY_COME_UP.includes(String(error.code));
}
