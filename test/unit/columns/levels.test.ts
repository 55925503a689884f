import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Levels } from '../../../src/columns/levels.js';

describe('levels of a flat column', () => {
  it('levels mark each row as a value or NULL, over any number of appends', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.boolean(), { maxLength: 50 }), { maxLength: 10 }), (batches) => {
        const levels = new Levels({ maxDefinition: 1, maxRepetition: 0 });
        for (const batch of batches) {
          const offsets = Int32Array.from(batch, (isPresent) => (isPresent ? 7 : -1));
          expect(levels.appendOffsets(offsets, 0, offsets.length)).toBe(batch.filter((isPresent) => !isPresent).length);
        }
        const rows = batches.flat();
        expect(levels.rows).toBe(rows.length);
        expect(levels.definition && [...levels.definition]).toEqual(
          rows.every(Boolean) ? undefined : rows.map((isPresent) => (isPresent ? 1 : 0)),
        );
      }),
    );
  });

  it('levels keep no array without NULLs', () => {
    const levels = new Levels({ maxDefinition: 1, maxRepetition: 0 });
    levels.appendPresent(1_000_000);
    expect(levels.definition).toBeUndefined();
    expect(levels.count).toBe(1_000_000);
  });

  it('levels are empty after a clear', () => {
    const levels = new Levels({ maxDefinition: 1, maxRepetition: 0 });
    levels.appendOffsets(Int32Array.from([-1, 3]), 0, 2);
    levels.clear();
    levels.appendPresent(2);
    expect(levels.definition).toBeUndefined();
    expect(levels.count).toBe(2);
  });
});

describe('levels of a list', () => {
  it('levels distinguish NULL, empty, NULL element and value, and count rows by their starts', () => {
    const levels = new Levels({ maxDefinition: 3, maxRepetition: 1 });
    levels.append(3, 0); // {1,
    levels.append(2, 1); //  NULL}
    levels.append(1, 0); // {}
    levels.append(0, 0); // NULL
    expect([...(levels.definition ?? [])]).toEqual([3, 2, 1, 0]);
    expect([...levels.repetition]).toEqual([0, 1, 0, 0]);
    expect([levels.rows, levels.nulls, levels.count]).toEqual([3, 3, 4]);
  });
});
