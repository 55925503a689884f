import { afterEach, describe, expect, it } from 'vitest';

import { LeaseSupervisor } from '../../../src/fleet/lease-supervisor.js';

const LEASE_MS = 60;

let supervisor: LeaseSupervisor;
let supervisedAt: number[];
let errors: unknown[];

afterEach(() => supervisor.close());

function start(ask: () => Promise<unknown>): void {
  supervisedAt = [];
  errors = [];
  supervisor = new LeaseSupervisor({
    ask,
    supervise: () => {
      supervisedAt.push(performance.now());
      return Promise.resolve();
    },
    everyMs: 5,
    leaseMs: LEASE_MS,
    onError: (error) => errors.push(error),
  });
}

describe('looking for workers that are lost', () => {
  it('waits for the time of a lease after the queue could not be reached', async () => {
    let asked = 0;
    let answeredAt = 0;
    start(() => {
      asked++;
      if (asked === 2 || asked === 3) return Promise.reject(new Error('gone'));
      if (asked === 4) answeredAt = performance.now();
      return Promise.resolve();
    });
    await expect.poll(() => supervisedAt.length).toBeGreaterThan(2);
    expect(errors).toHaveLength(2);
    // Asked once before the queue was away.
    expect(supervisedAt.filter((at) => at < answeredAt)).toHaveLength(1);
    expect(supervisedAt[1]! - answeredAt).toBeGreaterThanOrEqual(LEASE_MS);
  });

  it('goes on where the queue always takes long to answer', async () => {
    start(() => new Promise((resolve) => setTimeout(resolve, 10)));
    await expect.poll(() => supervisedAt.length).toBeGreaterThan(1);
    expect(supervisedAt[1]! - supervisedAt[0]!).toBeGreaterThanOrEqual(LEASE_MS);
    expect(errors).toEqual([]);
  });
});
