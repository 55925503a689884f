import { setTimeout as sleep } from 'node:timers/promises';

/** What the port of a store says that is starting, and a name server that is not there yet. */
const MAY_COME_UP = ['ECONNREFUSED', 'EAI_AGAIN'];

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

interface Place {
  /** By the monotonic clock. */
  readonly givenUpAt: number;
  isReached: boolean;
}

/**
 * How long a store is waited for that takes no connections yet: as long as it may take to accept one, from the first
 * attempt on. One that has been reached before is not waited for here: a request that it cuts off is sent again.
 */
export class ConnectPatience {
  readonly #patienceMs: number;
  readonly #places = new Map<string, Place>();
  readonly #stopping = new AbortController();

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** False for places that were reached before, and for the metadata service that every machine is asked for. */
  isFor(host: string): boolean {
    return !/^169\.254\./.test(host) && this.#places.get(host)?.isReached !== true;
  }

  /**
   * Connects, again and again while the place may come up.
   * @param attempt rejects with the error of the socket
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
        // The last attempt is at the end of the time.
        await sleep(Math.min(pause, left), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#stopping.abort();
  }
}

function mayComeUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && MAY_COME_UP.includes(String(error.code));
}
