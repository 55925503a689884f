import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { RemoteError, retryAfter } from '../../../../src/storage/http/store-error.js';
import { Retries } from '../../../../src/storage/http/retries.js';

function failing(times: number, options: { transient?: boolean; connected?: boolean } = {}) {
  const { transient = true, connected = true } = options;
  let attempts = 0;
  const attempt = () => {
    if (attempts++ >= times) return Promise.resolve(attempts);
    return Promise.reject(
      new RemoteError({ code: 'UNEXPECTED', exit: 'unreachable', message: 'x', transient, connected }),
    );
  };
  return { attempt, attempts: () => attempts };
}

describe('requests that failed', () => {
  beforeEach(() => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are sent again until they succeed', async () => {
    expect(await new Retries({ maxRetries: 2 }).run(failing(2).attempt)).toBe(3);
  });

  it('are given up after so many retries', async () => {
    const { attempt, attempts } = failing(9);
    await expect(new Retries({ maxRetries: 2 }).run(attempt)).rejects.toMatchObject({ code: 'UNEXPECTED' });
    expect(attempts()).toBe(3);
  });

  it('are not sent again where that is of no use', async () => {
    const { attempt, attempts } = failing(1, { transient: false });
    await expect(new Retries({ maxRetries: 5 }).run(attempt)).rejects.toMatchObject({ code: 'UNEXPECTED' });
    expect(attempts()).toBe(1);
  });

  it('are not sent again to an address that was never reached, but to one that has answered before', async () => {
    const retries = new Retries({ maxRetries: 5 });
    const first = failing(1, { connected: false });
    await expect(retries.run(first.attempt)).rejects.toMatchObject({ code: 'UNEXPECTED' });
    expect(first.attempts()).toBe(1);

    await retries.run(() => Promise.resolve());
    expect(await retries.run(failing(1, { connected: false }).attempt)).toBe(2);
  });

  it('are not waited for once the caller has given up', async () => {
    const controller = new AbortController();
    const { attempt, attempts } = failing(9);
    const running = new Retries({ maxRetries: 9 }).run(attempt, { signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toThrow();
    expect(attempts()).toBe(1);
  });
});

describe('Retry-After', () => {
  it('is read as seconds and as a date', () => {
    expect(retryAfter('3')).toBe(3_000);
    expect(retryAfter(new Date(Date.now() + 10_000).toUTCString())).toBeGreaterThan(8_000);
    expect([retryAfter(undefined), retryAfter('soon'), retryAfter('0')]).toEqual([undefined, undefined, undefined]);
  });
});
