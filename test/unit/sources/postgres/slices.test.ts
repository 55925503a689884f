import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wholeTable } from '../../../../src/model/dataset.js';
import { isLarge, type Member, sliceMembers } from '../../../../src/sources/postgres/rows/slices.js';
import { targetBytes } from '../../../../src/sources/partitioning/slice-size.js';
import { checkOverride, requirePages } from '../../../../src/sources/postgres/table-override.js';

const MIB = 1024 * 1024;
const PAGE = 8192;

function heap(mib: number, rows: number): Member {
  const bytes = mib * MIB;
  return { id: { schema: 's', name: 't' }, byPage: true, pages: Math.ceil(bytes / PAGE), bytes, rows };
}

function count(members: readonly Member[], degree: number, isDegreeAsked = false): number {
  return sliceMembers(wholeTable({ schema: 's', name: 't' }), members, [], { degree, isDegreeAsked }).length;
}

describe('how many slices a table gets', () => {
  test('about four per reader', () => {
    expect(count([heap(1080, 6_000_000)], 2)).toBe(8);
    expect(count([heap(8000, 50_000_000)], 8)).toBe(32);
  });

  test('fewer where they would be small in bytes or in rows', () => {
    expect(count([heap(20, 400_000)], 4)).toBe(1);
    expect(count([heap(64, 2_000_000)], 4)).toBe(4);
    // 1 KiB a row: 250,000 rows are more than a row group holds.
    expect(count([heap(1024, 1_000_000)], 8)).toBe(8);
  });

  test('more where they would pass 1 GiB', () => {
    expect(count([heap(100 * 1024, 1_000_000_000)], 2)).toBe(100);
  });

  test('one per reader where that number was asked for, down to a few pages', () => {
    // 100 MiB of wide rows would be less than one useful file.
    expect([count([heap(100, 50_000)], 2), count([heap(100, 50_000)], 2, true)]).toEqual([1, 2]);
    expect(count([heap(20, 400_000)], 8, true)).toBe(8);
    expect(count([heap(1, 2000)], 64, true)).toBe(32);
    expect(count([heap(1 / 64, 2000)], 2, true)).toBe(1);
    expect(count([heap(1080, 6_000_000)], 2, true)).toBe(8);
  });

  test('one per reader that was asked for, however the table is divided into partitions', () => {
    const leaf = fc.double({ min: 0.01, max: 300, noNaN: true }).map((mib) => heap(mib, Math.ceil(mib * 1000)));
    const leaves = fc.oneof(
      fc.array(leaf, { minLength: 1, maxLength: 9 }),
      leaf.map((one) => Array<Member>(5).fill(one)),
    );
    fc.assert(
      fc.property(leaves, fc.constantFrom(1, 2, 3, 7, 16), (members, readers) => {
        const bytes = members.reduce((total, member) => total + member.bytes, 0);
        // Slices of at least four pages, for each of which there may be a leaf that is smaller.
        const worth = Math.floor(bytes / (4 * PAGE)) - members.length;
        expect(count(members, readers, true)).toBeGreaterThanOrEqual(Math.min(readers, worth));
      }),
    );
    expect(count(Array<Member>(5).fill(heap(10, 10_000)), 7, true)).toBe(10);
  });

  test('never more than there are pages', () => {
    // Few pages with much beside them in TOAST.
    expect(count([{ ...heap(10 * 1024, 500), pages: 3 }], 2)).toBe(3);
  });

  test('by the size of each leaf, at least one', () => {
    const leaves = [heap(512, 3_000_000), heap(1, 5000), heap(512, 3_000_000)];
    const slices = sliceMembers(wholeTable({ schema: 's', name: 'parent' }), leaves, [], { degree: 2 });
    expect(slices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(slices.filter(({ method }) => method === 'None')).toHaveLength(1);
  });

  test('one for what has no pages to go by', () => {
    expect(count([{ ...heap(4096, 1e9), byPage: false }], 8)).toBe(1);
  });
});

test('the size of a slice stays between a moment of work and 1 GiB', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e15, noNaN: true }),
      fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }), { nil: undefined }),
      fc.integer({ min: 1, max: 256 }),
      (bytes, rows, degree) => {
        const target = targetBytes({ bytes, rows: rows ?? 0 }, degree);
        expect(target).toBeGreaterThanOrEqual(16 * MIB);
        expect(target).toBeLessThanOrEqual(1024 * MIB);
      },
    ),
  );
});

test('only a table known to reach the threshold gets more than one reader', () => {
  const options = { degree: 2, largeTableThreshold: 100 };
  expect([99, 100, undefined].map((rows) => isLarge(rows, options))).toEqual([false, true, false]);
  expect(isLarge(100, { ...options, degree: 1 })).toBe(false);
});

describe('what the configuration asks for', () => {
  const options = { degree: 2, largeTableThreshold: 100 };

  test('goes before the size of the table', () => {
    expect(isLarge(5, { ...options, override: { degree: 3 } })).toBe(true);
    expect(isLarge(undefined, { ...options, override: { method: 'Ctid' } })).toBe(true);
    expect(isLarge(1000, { ...options, override: { method: 'None' } })).toBe(false);
    expect(isLarge(1000, { ...options, override: { degree: 1 } })).toBe(false);
  });

  test('gives each of the readers a slice, as far as there are pages', () => {
    const slices = (mib: number) =>
      sliceMembers(wholeTable({ schema: 's', name: 't' }), [heap(mib, 1000)], [], {
        degree: 1,
        override: { degree: 3 },
      });
    expect(slices(1)).toHaveLength(3);
    expect(slices(1 / 64)).toHaveLength(2);
    expect(slices(3000)).toHaveLength(12);
  });

  test('is refused where it is the method of another engine', () => {
    expect(() => checkOverride({ method: 'Physloc' })).toThrow(
      expect.objectContaining({
        code: 'METHOD_NOT_SUPPORTED',
        message:
          'PostgreSQL has no partition method Physloc; it has None, Ctid, Physical, Random, RangeId, Ntile, DataDriven, Timepartition, DBPartition',
      }) as Error,
    );
    expect(() => checkOverride({ method: 'Ctid', key: 'id' })).not.toThrow();
  });

  test('is refused where there are no pages to go by', () => {
    const id = { schema: 's', name: 'v' };
    expect(() => requirePages({ method: 'Ctid' }, id, undefined)).toThrow(/s\.v cannot be split/);
    expect(() => requirePages({ method: 'Ctid' }, id, [{ byPage: false }])).toThrow(/PostgreSQL 14|Ctid/);
    expect(() => requirePages({ method: 'Ctid' }, id, [{ byPage: false }, { byPage: true }])).not.toThrow();
    expect(() => requirePages({ method: 'Physical' }, id, undefined)).toThrow(/s\.v cannot be split/);
    expect(() => requirePages({ degree: 4 }, id, undefined)).not.toThrow();
  });
});
