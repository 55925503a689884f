import { setTimeout } from 'node:timers/promises';

import { LakeportError } from '../errors.js';

/**
 * When a failed attempt is worth another one. Whether an error may pass by itself is the business of whoever classed it,
 * by its code; here is only how often and when.
 */

export interface RetryPolicy {
  /** All in all, the first one included. */
  readonly attempts: number;
  /** Wait after the first attempt, in milliseconds. */
  readonly firstMs: number;
  /** Each wait is so many times the one before. */
  readonly factor: number;
  readonly longestMs: number;
}

/** About half a minute in all: time for a server to start again. */
export const RETRY_POLICY: RetryPolicy = { attempts: 5, firstMs: 1_000, factor: 3, longestMs: 30_000 };

/**
 * How long to wait before the next attempt, in milliseconds; undefined where there should be none. Between half of the
 * full wait and all of it, by chance, so that readers which failed together do not come back together.
 * @param made attempts so far, at least 1
 * @param options.random gives a number in [0, 1)
 */
export function retryDelay(
  error: LakeportError,
  made: number,
  options: { readonly policy?: RetryPolicy; readonly random?: () => number } = {},
): number | undefined {
  const { policy = RETRY_POLICY, random = Math.random } = options;
  if (!error.transient || made >= policy.attempts) return undefined;
  const full = Math.min(policy.firstMs * policy.factor ** (made - 1), policy.longestMs);
  return Math.round(full / 2 + (full / 2) * random());
}

/** Waits; ends at once when the signal aborts. True where the time is over, false where it was aborted. */
export async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await setTimeout(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** Who is told of failures. */
export interface RetryObserver {
  message?(level: 'warning', text: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * Tries until it works, the error does not pass, or the attempts are used up.
 * @throws the last error, or the signal's reason
 */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  options: {
    readonly policy?: RetryPolicy | undefined;
    readonly signal: AbortSignal;
    /** Which errors are worth another attempt; all that are `transient` by default. */
    readonly mayPass?: (error: LakeportError) => boolean;
    /** Is told of each failure that is followed by another attempt. */
    readonly observer: RetryObserver;
  },
): Promise<T> {
  const { policy = RETRY_POLICY, signal, mayPass = isTransient, observer } = options;
  for (let made = 1; ; made++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = LakeportError.from(thrown);
      const delay = mayPass(error) ? retryDelay(error, made, { policy }) : undefined;
      if (delay === undefined || signal.aborted) throw error;
      const { message, code } = error;
      observer.message?.('warning', `${message}; again in ${(delay / 1000).toFixed(1)} s`, {
        event: 'retry',
        code,
        attempt: made + 1,
      });
      await waitUnlessAborted(delay, signal);
      signal.throwIfAborted();
    }
  }
}

function isTransient({ transient }: LakeportError): boolean {
  return transient;
}
