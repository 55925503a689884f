import { setTimeout as sleep } from 'node:timers/promises';

import { LakeportError } from '../../errors.js';
import { RemoteError } from './store-error.js';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 20_000;
/** Limit for `Retry-After`: a server that asks for longer still gets another attempt then. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Retries one storage's requests after transient failures, with exponential back-off and jitter. */
export class Retries {
  readonly #maxRetries: number;
  /** Whether the store has ever responded: a wrong address is reported at once, a restarting store is waited for. */
  #reached = false;

  constructor(options: { /** Attempts after the first. */ readonly maxRetries: number }) {
    this.#maxRetries = options.maxRetries;
  }

  /** @param attempt throws `LakeportError`; must be safe to repeat after a failure whose effect is unknown */
  async run<T>(attempt: () => Promise<T>, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        const result = await attempt();
        this.#reached = true;
        return result;
      } catch (error) {
        if (!this.#mayPass(error) || failures >= this.#maxRetries || options.signal?.aborted === true) throw error;
        const asked = error instanceof RemoteError ? (error.retryAfterMs ?? 0) : 0;
        const delay = Math.max(backOff(failures), Math.min(asked, LONGEST_RETRY_AFTER_MS));
        await sleep(delay, undefined, options.signal === undefined ? {} : { signal: options.signal });
      }
    }
  }

  #mayPass(error: unknown): boolean {
    if (!(error instanceof LakeportError)) return false;
    const connected = !(error instanceof RemoteError) || error.connected;
    if (connected) this.#reached = true;
    return error.transient && this.#reached;
  }
}

function backOff(failures: number): number {
  const longest = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS);
  return longest * (0.5 + Math.random() / 2);
}
