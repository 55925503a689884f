import { describe, expect, it } from 'vitest';

import { ConnectPatience } from '../../../../src/storage/http/connect-patience.js';

const failing = (code: string, times: number) => {
  let attempts = 0;
  return {
    attempts: () => attempts,
    attempt: () =>
      attempts++ < times ? Promise.reject(Object.assign(new Error(code), { code })) : Promise.resolve('connection'),
  };
};

describe('connecting', () => {
  it.each(['ECONNREFUSED', 'EAI_AGAIN'])('goes on after %s while there is time', async (code) => {
    expect(await new ConnectPatience(60_000).connect('store:443', failing(code, 3).attempt)).toBe('connection');
  });

  it('is given up when the time is over, for good', async () => {
    const patience = new ConnectPatience(250);
    const first = failing('ECONNREFUSED', 99);
    await expect(patience.connect('store:443', first.attempt)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(first.attempts()).toBeGreaterThan(1);
    const second = failing('ECONNREFUSED', 99);
    await expect(patience.connect('store:443', second.attempt)).rejects.toThrow();
    expect(second.attempts()).toBe(1);
  });

  it.each(['ENOTFOUND', 'ECONNRESET', 'CERT_HAS_EXPIRED'])('is given up at once after %s', async (code) => {
    const { attempt, attempts } = failing(code, 9);
    await expect(new ConnectPatience(60_000).connect('store:443', attempt)).rejects.toMatchObject({ code });
    expect(attempts()).toBe(1);
  });

  it('needs no patience with a store that was reached before, nor with the metadata service', async () => {
    const patience = new ConnectPatience(60_000);
    expect([patience.isFor('store:443'), patience.isFor('169.254.169.254:80')]).toEqual([true, false]);
    await patience.connect('store:443', failing('', 0).attempt);
    expect([patience.isFor('store:443'), patience.isFor('other:443')]).toEqual([false, true]);
    await expect(patience.connect('store:443', failing('ECONNREFUSED', 1).attempt)).rejects.toThrow();
  });

  it('ends at once when it is stopped', async () => {
    const patience = new ConnectPatience(60_000);
    const connecting = patience.connect('store:443', failing('ECONNREFUSED', 99).attempt);
    patience.stop();
    await expect(connecting).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
