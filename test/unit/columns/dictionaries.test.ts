import { LENGTH_PREFIX } from '../../../src/kernels/kernels.js';
import { integers, viewOf } from '../../../src/kernels/memory.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytesDictionary } from '../../../src/columns/bytes-dictionary.js';
import { dictionaryBytesFor, DictionaryPolicy } from '../../../src/columns/dictionary.js';
import { Int32Dictionary } from '../../../src/columns/int32-dictionary.js';
import { Int64Dictionary } from '../../../src/columns/int64-dictionary.js';

describe('dictionaries', () => {
  it('each 32-bit value gets one index, in order of appearance', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 3000 }), (values) => {
        const dictionary = new Int32Dictionary();
        const indices = values.map((value) => dictionary.intern(value));
        expect(indices.map((index) => dictionary.keys[index])).toEqual(values);
        expect(dictionary.count).toBe(new Set(values).size);
      }),
    );
  });

  it('each 64-bit value gets one index, even if only one word differs', () => {
    const word = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 3000 }), (values) => {
        const dictionary = new Int64Dictionary();
        const indices = values.map(([low, high]) => dictionary.intern(low, high));
        expect(indices.map((index) => [dictionary.words[index * 2], dictionary.words[index * 2 + 1]])).toEqual(values);
        expect(dictionary.count).toBe(new Set(values.map(String)).size);
      }),
    );
  });

  it('each byte string gets one index, whatever its length and position in the source', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40, max: 2 }), { maxLength: 1500 }), (values) => {
        const source = new Uint8Array(values.reduce((total, value) => total + value.length, 3));
        const view = new DataView(source.buffer);
        const dictionary = new BytesDictionary();
        let start = 3;
        const indices = values.map((value) => {
          source.set(value, start);
          const index = dictionary.intern(source, view, start, value.length);
          start += value.length;
          return index;
        });
        const entries = dictionary.plain();
        const entryView = new DataView(entries.buffer, entries.byteOffset);
        const found = indices.map((index) => {
          const at = dictionary.offset(index);
          return Buffer.from(entries.subarray(at + 4, at + 4 + entryView.getInt32(at, true))).toString('hex');
        });
        expect(found).toEqual(values.map((value) => Buffer.from(value).toString('hex')));
        expect(dictionary.count).toBe(new Set(found).size);
      }),
    );
  });

  it('dictionaries start over after a clear', () => {
    const dictionary = new Int32Dictionary();
    for (let i = 0; i < 1000; i++) dictionary.intern(i);
    dictionary.clear();
    expect(dictionary.intern(999)).toBe(0);
    expect(dictionary.count).toBe(1);
  });
});

/** Feeds `values` through a dictionary as the writer does. @returns after how many values it was given up */
/** As of a table with few columns. */
function policy(expectedValues: number): DictionaryPolicy {
  return new DictionaryPolicy({ expectedValues, maxBytes: dictionaryBytesFor(1) });
}

function givenUpAfter(values: Iterable<number>, policy: DictionaryPolicy): number | undefined {
  const dictionary = new Int32Dictionary();
  if (!policy.startRowGroup()) return 0;
  let count = 0;
  for (const value of values) {
    dictionary.intern(value);
    count++;
    if (count % 512 === 0 && !policy.keep(dictionary, count)) return count;
  }
  return undefined;
}

function* draws(distinct: number, count: number): Generator<number> {
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield Math.floor((state / 2 ** 32) * distinct);
  }
}

describe('the decision about a dictionary', () => {
  it('a dictionary is abandoned early if nearly every value is new', () => {
    expect(givenUpAfter(draws(2 ** 31, 100_000), policy(1_000_000))).toBe(4096);
  });

  it('a dictionary with a bounded count is kept, even if half of the first values are new', () => {
    expect(givenUpAfter(draws(10_000, 200_000), policy(1_000_000))).toBeUndefined();
  });

  it('a dictionary of ever-growing ordered keys is abandoned', () => {
    const keys = Array.from({ length: 200_000 }, (_, i) => Math.floor(i / 2));
    expect(givenUpAfter(keys, policy(10_000_000))).toBeLessThan(20_000);
  });

  it('a dictionary that never paid off is not retried in every row group', () => {
    const tried = policy(1_000_000);
    const tries = Array.from({ length: 20 }, () => givenUpAfter(draws(2 ** 31, 10_000), tried));
    expect(tries.filter((values) => values !== 0).length).toBeLessThan(6);
  });
});

describe.each(KERNEL_BUILDS)('a dictionary that kernels use too (%s)', (build) => {
  /** Values, who looks them up, and whether the dictionary is cleared before. */
  const batches = fc.array(
    fc.record({
      values: fc.array(fc.oneof(fc.integer({ min: -40, max: 40 }), fc.constantFrom(1 << 30, -(2 ** 31), 2 ** 31 - 1)), {
        minLength: 1,
        maxLength: 30,
      }),
      byKernel: fc.boolean(),
      isFresh: fc.boolean(),
    }),
    { maxLength: 8 },
  );

  it.each([false, true])('gives the same indices from both sides (near: %s)', (hasNear) => {
    fc.assert(
      fc.property(batches, (all) => {
        const kernels = kernelsOf(build);
        const dictionary = new Int32Dictionary(kernels.columns, { hasNear });
        const reference = new Int32Dictionary();
        for (const { values, byKernel, isFresh } of all) {
          if (isFresh) for (const one of [dictionary, reference]) one.clear();
          const held = integers(kernels.columns, values.length);
          held.set(values);
          const indices = integers(kernels.columns, values.length);
          const [from, to] = [kernels.address(held), kernels.address(indices)];
          if (byKernel) expect(dictionary.internAll(kernels, from, values.length, to)).toBe(true);
          else indices.set(values.map((value) => dictionary.intern(value)));
          expect([...indices]).toEqual(values.map((value) => reference.intern(value)));
        }
        expect(Buffer.from(dictionary.plain())).toEqual(Buffer.from(reference.plain()));
      }),
    );
  });

  /** Byte strings that are alike at both ends, of lengths that come again. */
  const alike = fc
    .tuple(
      fc.constantFrom(0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 25, 40),
      fc.uint8Array({ minLength: 40, maxLength: 40, max: 1 }),
    )
    .map(([length, bytes]) => {
      const value = Buffer.from(bytes.subarray(0, length));
      if (length > 16) for (const at of [...Array(8).keys()]) value[at] = value[length - 1 - at] = 7;
      return value;
    });
  /** More than the table of values met before has slots. */
  const many = fc.constant(
    Array.from({ length: 1500 }, (_, i) => Buffer.from(`value ${'x'.repeat(i % 5)} ${i % 1200} of many`)),
  );
  const texts = fc.array(
    fc.record({
      values: fc.oneof(
        { weight: 5, arbitrary: fc.array(alike, { minLength: 1, maxLength: 60 }) },
        { weight: 1, arbitrary: many },
      ),
      byKernel: fc.boolean(),
      isFresh: fc.boolean(),
    }),
    { maxLength: 8 },
  );

  it('gives the same indices from both sides for byte strings', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 255 }), (all, behind) => {
        const kernels = kernelsOf(build);
        const dictionary = new BytesDictionary(kernels.columns);
        const reference = new BytesDictionary();
        for (const { values, byKernel, isFresh } of all) {
          if (isFresh) for (const one of [dictionary, reference]) one.clear();
          const bytes = values.reduce((sum, value) => sum + 4 + value.length, 0);
          const wire = kernels.columns.bytes(bytes + 8).fill(behind);
          const view = viewOf(wire);
          const offsets = integers(kernels.columns, values.length);
          let at = 0;
          values.forEach((value, i) => {
            view.setInt32(at, value.length);
            wire.set(value, at + 4);
            offsets[i] = at + 4;
            at += 4 + value.length;
          });
          const indices = integers(kernels.columns, values.length);
          const intern = (to: BytesDictionary) =>
            values.map((value, i) => to.intern(wire, view, offsets[i] as number, value.length)); // one per value
          if (byKernel) {
            const fields = {
              wire: kernels.address(wire),
              offsets: kernels.address(offsets),
              count: values.length,
              ...{ skip: 0, prefix: LENGTH_PREFIX.bigEndian32, bytes },
            };
            expect(dictionary.internAll(kernels, fields, kernels.address(indices))).toBe(true);
          } else {
            indices.set(intern(dictionary));
          }
          expect([...indices]).toEqual(intern(reference));
        }
        expect(Buffer.compare(dictionary.plain(), reference.plain())).toBe(0);
      }),
    );
  });
});
