import { describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import { RETRY_POLICY, retryDelay, waitUnlessAborted } from '../../../src/runtime/retry.js';

const failure = (transient?: boolean) => new LakeportError({ code: 'SOURCE_UNREACHABLE', message: 'lost', transient });

/** Waits after each attempt, until there is none. */
function waits(random: () => number): number[] {
  const found: number[] = [];
  for (let made = 1; ; made++) {
    const delay = retryDelay(failure(true), made, { random });
    if (delay === undefined) return found;
    found.push(delay);
  }
}

describe('waits between attempts', () => {
  it('a transient error gets five attempts, each wait three times the previous one', () => {
    expect(waits(() => 1)).toEqual([1_000, 3_000, 9_000, 27_000]);
  });

  it('waits are spread between half and full length', () => {
    expect(waits(() => 0)).toEqual([500, 1_500, 4_500, 13_500]);
    const drawn = Array.from({ length: 200 }, () => retryDelay(failure(true), 2) ?? 0);
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(1_500);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(3_000);
    expect(new Set(drawn).size).toBeGreaterThan(50);
  });

  it('no wait is longer than the policy allows', () => {
    const policy = { ...RETRY_POLICY, attempts: 50 };
    expect(retryDelay(failure(true), 40, { policy, random: () => 1 })).toBe(30_000);
  });

  it('permanent and unclassified errors are not retried', () => {
    expect(retryDelay(failure(false), 1)).toBeUndefined();
    expect(retryDelay(failure(), 1)).toBeUndefined();
    expect(retryDelay(LakeportError.from(new Error('?')), 1)).toBeUndefined();
  });
});

describe('waiting', () => {
  it('waiting ends at once when aborted, before or during the wait', async () => {
    const abort = new AbortController();
    const waiting = waitUnlessAborted(60_000, abort.signal);
    abort.abort();
    expect(await waiting).toBe(false);
    expect(await waitUnlessAborted(60_000, abort.signal)).toBe(false);
  });

  it('waiting ends when the time is over', async () => {
    expect(await waitUnlessAborted(1, new AbortController().signal)).toBe(true);
  });
});
