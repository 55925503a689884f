import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { MAX_PARTS, MIN_PART_BYTES, partSizes } from '../../../../src/storage/s3/part-size.js';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const TIB = 1024 ** 4;

/** Parts that an object of that size takes. */
function partsOf(bytes: number, options: Parameters<typeof partSizes>[0]): number {
  const sizes = partSizes(options);
  let parts = 0;
  for (let sent = 0; sent < bytes; sent += sizes.sizeAfter(sent)) parts++;
  return parts;
}

describe('sizes of parts', () => {
  test('are what the entry asks for while an object is small', () => {
    const sizes = partSizes({ partSizeBytes: 8 * MIB, expectedBytes: undefined, uniform: false });
    expect(sizes.first).toBe(8 * MIB);
    expect(sizes.sizeAfter(0)).toBe(8 * MIB);
    expect(sizes.sizeAfter(10 * GIB)).toBe(8 * MIB);
  });

  test('never pass 10,000 parts for an object of 5 TiB, of which nothing was known', () => {
    expect(partsOf(5 * TIB, { partSizeBytes: 8 * MIB, expectedBytes: undefined, uniform: false })).toBeLessThan(
      MAX_PARTS,
    );
  });

  test('stay the same for an object that is as large as expected', () => {
    const expectedBytes = 200 * GIB;
    const sizes = partSizes({ partSizeBytes: 8 * MIB, expectedBytes, uniform: false });
    expect(sizes.sizeAfter(expectedBytes - 1)).toBe(sizes.first);
    expect(sizes.first).toBe(41 * MIB);
    expect(partsOf(expectedBytes, { partSizeBytes: 8 * MIB, expectedBytes, uniform: false })).toBeLessThan(5001);
  });

  test('are never below what S3 takes', () => {
    expect(partSizes({ partSizeBytes: 1, expectedBytes: undefined, uniform: false }).first).toBe(MIN_PART_BYTES);
  });

  test('do not grow for a store that wants them equal', () => {
    const sizes = partSizes({ partSizeBytes: 8 * MIB, expectedBytes: undefined, uniform: true });
    expect(sizes.sizeAfter(TIB)).toBe(8 * MIB);
  });

  test('suffice for ten times what was expected, and never shrink', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 64 }),
        fc.double({ min: 1, max: 400, noNaN: true }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (partMib, expectedGib, factor) => {
          const options = { partSizeBytes: partMib * MIB, expectedBytes: expectedGib * GIB, uniform: false };
          expect(partsOf(expectedGib * GIB * factor, options)).toBeLessThanOrEqual(MAX_PARTS);
          const sizes = partSizes(options);
          const half = (expectedGib * GIB * factor) / 2;
          expect(sizes.sizeAfter(half * 2)).toBeGreaterThanOrEqual(sizes.sizeAfter(half));
        },
      ),
      { numRuns: 50 },
    );
  });
});
