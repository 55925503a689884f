import { setTimeout } from 'node:timers/promises';

import { LakeportError } from '../errors.js';

/**
 * Sources and stores mark their own errors as transient; this module decides how often to retry and how long to wait.
 */

export interface RetryPolicy {
  /** In total, including the first. */
  readonly attempts: number;
  /** Wait after the first attempt, in milliseconds. */
  readonly firstMs: number;
  /** Factor between successive waits. */
  readonly factor: number;
  readonly longestMs: number;
}

/** About half a minute in total: time for a server to restart. */
export const RETRY_POLICY: RetryPolicy = { attempts: 5, firstMs: 1_000, factor: 3, longestMs: 30_000 };

/**
 * Milliseconds to wait before the next attempt; undefined if there should be none. Random between half the full wait
 * and all of it, so readers that failed together do not retry together.
 * @param made attempts so far, at least 1
 * @param options.random returns a number in [0, 1)
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

/** Waits, or ends at once when the signal aborts. True if the time is over, false if aborted. */
export async function waitUnlessAborted(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await setTimeout(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

/** Receives a warning for each failure. */
export interface RetryObserver {
  message?(level: 'warning', text: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * Retries until the operation succeeds, an error is not transient, or the attempts are exhausted.
 * @throws the last error, or the signal's reason
 */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  options: {
    readonly policy?: RetryPolicy | undefined;
    readonly signal: AbortSignal;
    /** Which errors to retry. Default: those marked `transient`. */
    readonly mayPass?: (error: LakeportError) => boolean;
    /** Informed of each failure that is retried. */
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
