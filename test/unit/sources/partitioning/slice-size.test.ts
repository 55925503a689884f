import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimatedShare, evenCut, fittingCut, taperedCut } from '../../../../src/sources/partitioning/slice-size.js';

/** In the units of the cut. */
function widths({ starts, units }: { readonly starts: readonly number[]; readonly units: number }): number[] {
  return starts.map((start, index) => (starts[index + 1] ?? units) - start);
}

/** When each of the readers has nothing left to do, if each takes the next slice when it is free. */
function ends(slices: readonly number[], readers: number): number[] {
  const at = Array<number>(readers).fill(0);
  for (const slice of slices) {
    const next = at.indexOf(Math.min(...at));
    at[next] = at[next]! + slice;
  }
  return at;
}

test('the last slices are half as large', () => {
  expect(widths(taperedCut(8, 2))).toEqual([2, 2, 2, 2, 2, 2, 1, 1]);
  expect(widths(taperedCut(3, 2))).toEqual([2, 1, 1]);
  expect(widths(taperedCut(33, 8)).filter((width) => width === 1)).toHaveLength(10);
});

test('slices are even where there is one for each reader, and for one reader', () => {
  for (const [count, readers] of [
    [1, 1],
    [5, 1],
    [2, 2],
    [8, 8],
    [3, 8],
  ] as const) {
    expect(new Set(widths(taperedCut(count, readers))).size).toBe(1);
  }
});

test('slices cover the table, and let readers of one speed end at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 64 }), (count, readers) => {
      const cut = taperedCut(count, readers);
      const slices = widths(cut);
      expect(cut.starts[0]).toBe(0);
      expect(slices).toHaveLength(count);
      expect(slices.reduce((sum, width) => sum + width, 0)).toBe(cut.units);
      expect(slices.every((width, index) => width >= 1 && width <= (slices[index - 1] ?? 2))).toBe(true);
      if (count >= readers && readers > 1) expect(new Set(ends(slices, readers)).size).toBe(1);
    }),
  );
});

test('no slice is empty for want of pages', () => {
  expect(fittingCut(8, 2, 14)).toEqual(taperedCut(8, 2));
  expect(fittingCut(8, 2, 13)).toEqual(evenCut(8));
  expect(fittingCut(8, 2, 14n)).toEqual(taperedCut(8, 2));
});

test('rows are estimated by the size of each slice', () => {
  const cut = taperedCut(3, 2);
  expect([0, 1, 2].map((index) => estimatedShare(1000, cut, index))).toEqual([500, 250, 250]);
  expect(estimatedShare(undefined, cut, 0)).toBeUndefined();
});
