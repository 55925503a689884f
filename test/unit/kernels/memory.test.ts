import { describe, expect, it } from 'vitest';

import { grown, HEAP } from '../../../src/kernels/memory.js';
import { Regions } from '../../../src/kernels/regions.js';
import { kernelsOf } from '../../harness/kernels.js';

describe('regions', () => {
  it('do not overlap, and leave room behind them', () => {
    const regions = new Regions(0, 1 << 20);
    const taken = [1, 200, 1000, 5000, 256, 64].map((length) => ({ length, at: regions.take(length)! }));
    const ordered = [...taken].sort((a, b) => a.at - b.at);
    ordered
      .slice(1)
      .forEach(({ at }, i) => expect(at).toBeGreaterThanOrEqual(ordered[i]!.at + ordered[i]!.length + 64));
  });

  it('are given out again when they are released', () => {
    const regions = new Regions(0, 1 << 16);
    const at = regions.take(1000)!;
    regions.release(at, 1000);
    expect(regions.take(980)).toBe(at);
  });

  it('end where the memory does', () => {
    const regions = new Regions(0, 4096);
    expect(regions.take(3000)).toBe(0);
    expect(regions.take(3000)).toBeUndefined();
    regions.clear();
    expect(regions.take(3000)).toBe(0);
  });
});

describe("the kernels' memory", () => {
  it('gives ordinary arrays when it is full', () => {
    const kernels = kernelsOf('simd');
    const arrays = Array.from({ length: 40 }, () => kernels.columns.bytes(10 << 20));
    expect(arrays.filter((array) => kernels.address(array) >= 0).length).toBeGreaterThan(5);
    const last = arrays.at(-1)!;
    expect(kernels.address(last)).toBe(-1);
    expect(last.length).toBe(10 << 20);
  });

  it('keeps what an array held when it grows', () => {
    const { columns } = kernelsOf('simd');
    for (const memory of [HEAP, columns]) {
      const bytes = memory.bytes(3);
      bytes.set([1, 2, 3]);
      expect([...grown(memory, bytes, 1000).subarray(0, 3)]).toEqual([1, 2, 3]);
    }
  });
});
