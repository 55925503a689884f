import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { checkSliceCoverage } from '../../../../src/export/planning/slice-coverage.js';
import { wholeTable } from '../../../../src/model/dataset.js';
import { type Member, sliceMembers } from '../../../../src/sources/postgres/rows/slices.js';
import type { Slice, SliceRange } from '../../../../src/sources/source.js';

const PARENT = wholeTable({ schema: 'public', name: 'events' });

/** `[member: ]ctid < (8,0)`, `… in [(8,0), (16,0))`, `… >= (16,0)` */
const PAGES = /^(.*: )?ctid (?:< (\(\d+,\d+\))|in \[(\(\d+,\d+\)), (\(\d+,\d+\))\)|>= (\(\d+,\d+\)))$/s;

function rangeOf(bounds: string): SliceRange | undefined {
  const match = PAGES.exec(bounds);
  if (match === null) return undefined;
  const [, member = '', firstTo, from, to, lastFrom] = match;
  return { member, from: from ?? lastFrom, to: to ?? firstTo };
}

function slices(bounds: readonly string[]): Slice[] {
  return bounds.map((text, index) => ({
    range: rangeOf(text),
    index,
    method: text.includes('ctid') ? 'Ctid' : 'None',
    bounds: text,
    query: `SELECT ${index}`,
    estimatedRows: undefined,
  }));
}

const members = fc.array(
  fc.record<Member>({
    id: fc.record({ schema: fc.constant('public'), name: fc.constantFrom('events', 'leaf: a', 'leaf ctid < (1,0)') }),
    byPage: fc.boolean(),
    pages: fc.nat(1_000_000),
    bytes: fc.nat(2 ** 40),
    rows: fc.option(fc.nat(1e9), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 3 },
);
/** Each relation once, as catalogs have them. */
const distinctMembers = members.map((all) => [...new Map(all.map((member) => [member.id.name, member])).values()]);

describe('slices', () => {
  it('slices from the source pass', () => {
    fc.assert(
      fc.property(distinctMembers, fc.integer({ min: 1, max: 32 }), (relations, degree) => {
        expect(() => checkSliceCoverage(sliceMembers(PARENT, relations, [], { degree }))).not.toThrow();
      }),
    );
  });

  it('ranges match the displayed bounds', () => {
    fc.assert(
      fc.property(distinctMembers, fc.integer({ min: 1, max: 32 }), (relations, degree) => {
        const ranges = sliceMembers(PARENT, relations, [], { degree }).filter(({ method }) => method === 'Ctid');
        expect(ranges.map(({ range }) => range)).toEqual(ranges.map(({ bounds }) => rangeOf(bounds)));
      }),
    );
  });

  it('a set with a missing slice does not pass', () => {
    let several = 0;
    fc.assert(
      fc.property(distinctMembers, fc.integer({ min: 2, max: 32 }), fc.nat(), (relations, degree, choice) => {
        const all = sliceMembers(PARENT, relations, [], { degree });
        const ranges = all.filter((slice) => slice.method === 'Ctid');
        fc.pre(ranges.length > 0);
        several++;
        const lost = ranges[choice % ranges.length]!;
        const rest = all.filter((slice) => slice !== lost).map((slice, index) => ({ ...slice, index }));
        expect(() => checkSliceCoverage(rest)).toThrow();
      }),
    );
    expect(several).toBeGreaterThan(0);
  });

  it.each([
    ['none', []],
    ['a gap', ['ctid < (8,0)', 'ctid >= (9,0)']],
    ['an overlap', ['ctid < (8,0)', 'ctid in [(7,0), (12,0))', 'ctid >= (12,0)']],
    ['no end', ['ctid < (8,0)', 'ctid in [(8,0), (12,0))']],
    ['no beginning', ['ctid in [(8,0), (12,0))', 'ctid >= (12,0)']],
    ['two tables mixed', ['a: ctid < (8,0)', 'b: ctid >= (8,0)']],
    ['a table that ends too early', ['a: ctid < (8,0)', 'b: ctid < (8,0)', 'b: ctid >= (8,0)']],
    ['a range without a continuation', ['ctid < (8,0)', 'ctid between 1 and 2']],
  ])('slices with %s do not pass', (_, bounds) => {
    expect(() => checkSliceCoverage(slices(bounds))).toThrow(/every row exactly once/);
  });

  it('slices with wrong numbers or equal queries do not pass', () => {
    const [first, second] = slices(['ctid < (8,0)', 'ctid >= (8,0)']);
    expect(() => checkSliceCoverage([first!, { ...second!, index: 2 }])).toThrow();
    expect(() => checkSliceCoverage([first!, { ...second!, query: first!.query }])).toThrow();
    expect(() => checkSliceCoverage([first!, second!])).not.toThrow();
  });
});
