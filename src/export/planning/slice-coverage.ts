import { LakeportError } from '../../errors.js';
import type { Slice, SliceRange } from '../../sources/source.js';

/**
 * Checks that a table's slices are contiguous and do not overlap, as far as their ranges show: each range ends where
 * the next one of its relation starts, the first is open below and the last above.
 * @throws LakeportError otherwise
 */
export function checkSliceCoverage(slices: readonly Slice[]): void {
  const queries = new Set(slices.map((slice) => slice.query));
  if (slices.length === 0) throw broken('there are none');
  if (queries.size < slices.length) throw broken('two of them read the same');
  let before: SliceRange | undefined;
  for (const [position, slice] of slices.entries()) {
    if (slice.index !== position) throw broken(`number ${position} is numbered ${slice.index}`);
    const range = rangeOf(slice);
    if (range === undefined) continue;
    const continues = before?.member === range.member && before.to !== undefined;
    if (before?.to !== undefined && !continues) throw broken(`${before.member}nothing follows ${before.to}`);
    if (continues ? range.from !== before?.to : range.from !== undefined) {
      throw broken(`${slice.bounds} does not follow what is before it`);
    }
    before = range;
  }
  if (before?.to !== undefined) throw broken(`nothing follows ${before.to}`);
}

/** A relation in one piece is a range without ends; undefined for methods without ranges. */
function rangeOf({ range, method, bounds }: Slice): SliceRange | undefined {
  return range ?? (method === 'None' ? { member: bounds, from: undefined, to: undefined } : undefined);
}

function broken(problem: string): LakeportError {
  return new LakeportError({
    code: 'SLICES_DO_NOT_CHAIN',
    message: `The table's slices would not give every row exactly once: ${problem}`,
    hint: 'This should never happen; please report it. -p 1 reads the table in one piece.',
  });
}
