import { describe, expect, it } from 'vitest';

import { bundleWeight, dealBundles } from '../../../src/fleet/bundles.js';

const MIB = 1 << 20;

/** Sizes in MiB of the slices of each job, and of those that wait. */
function deal(sizes: readonly number[], options: { readonly idle: number; readonly isShort: boolean }) {
  const slices = sizes.map((size) => ({ size, weight: bundleWeight(size * MIB) }));
  const { bundles, left } = dealBundles(slices, options);
  return { bundles: bundles.map((bundle) => bundle.map(({ size }) => size)), left: left.length };
}

function count(sizes: readonly number[], options: { readonly idle: number; readonly isShort: boolean }) {
  const { bundles, left } = deal(sizes, options);
  return { bundles: bundles.map(({ length }) => length), left };
}

function small(length: number): number[] {
  return Array.from({ length }, () => 0);
}

describe('a job of the queue', () => {
  it('has one slice of 64 MiB, more or unknown size, or as many small ones, but at most 50', () => {
    expect([undefined, 0, 100 * MIB, 32 * MIB].map(bundleWeight)).toEqual([1, 0.02, 1, 0.5]);
    const busy = { idle: 0, isShort: true };
    expect(deal([500, 64, 40, 30, 20, 10], busy).bundles).toEqual([[500], [64], [40], [30, 20, 10]]);
    expect(count(small(120), { idle: 0, isShort: false })).toEqual({ bundles: [50, 50], left: 20 });
  });

  it('waits until it is full unless workers run short of work, and is smaller where they have none', () => {
    expect(count(small(40), { idle: 0, isShort: false })).toEqual({ bundles: [], left: 40 });
    expect(count(small(40), { idle: 0, isShort: true })).toEqual({ bundles: [40], left: 0 });
    expect(count(small(40), { idle: 3, isShort: true })).toEqual({ bundles: [13, 13, 14], left: 0 });
    expect(count(small(2), { idle: 3, isShort: true })).toEqual({ bundles: [1, 1], left: 0 });
    expect(count([100, ...small(40)], { idle: 3, isShort: true })).toEqual({ bundles: [1, 20, 20], left: 0 });
    expect(count([], { idle: 3, isShort: true })).toEqual({ bundles: [], left: 0 });
  });
});
