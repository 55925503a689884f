/**
 * The distinct values of one column within a row group, in order of first appearance. Each implementation has an
 * `intern` for its kind of value, which adds new values and returns the index.
 */
export interface Dictionary {
  /** Distinct values. */
  readonly count: number;
  /** Size of `plain()` in bytes. */
  readonly byteLength: number;
  /** The values in Parquet's PLAIN encoding, by index. Valid until the next change. */
  plain(): Uint8Array;
  clear(): void;
}

/** Dictionary pages stay near this size: readers keep them in memory, and lookups in larger ones miss the CPU cache. */
const MAX_DICTIONARY_BYTES = 1 << 20;
/** All dictionaries of a table together, in their pages. */
const ALL_DICTIONARIES_BYTES = 64 << 20;

/** Size of a dictionary page for a table with this number of columns, in bytes. */
export function dictionaryBytesFor(columnCount: number): number {
  return Math.min(MAX_DICTIONARY_BYTES, Math.floor(ALL_DICTIONARIES_BYTES / Math.max(columnCount, 1)));
}

const FIRST_REVIEW = 4096;
/** A dictionary must shrink a column to this fraction of its plain size to be worth its lookups. */
const WORTHWHILE = 0.7;

/**
 * Decides whether a column keeps its dictionary. Measured: lookups that never hit cost more than the rest of the
 * column's encoding, so a useless dictionary is abandoned early and not retried in every row group.
 */
export class DictionaryPolicy {
  readonly #expectedValues: number;
  readonly #firstReview: number;
  readonly #maxBytes: number;
  #nextReview: number;
  #reviewedValues = 0;
  #reviewedCount = 0;
  #failures = 0;
  #groupsToSkip = 0;

  constructor(options: {
    /** In a full row group. */
    readonly expectedValues: number;
    /** Of the dictionary's page. */
    readonly maxBytes: number;
    /**
     * Values before the first review. Cyclic values all look new until the first one repeats: the wider they are, the
     * longer the wait for that pays off.
     */
    readonly firstReview?: number | undefined;
  }) {
    const { expectedValues, maxBytes, firstReview = FIRST_REVIEW } = options;
    this.#expectedValues = expectedValues;
    this.#maxBytes = maxBytes;
    this.#firstReview = firstReview;
    this.#nextReview = firstReview;
  }

  /** Called once per row group, before its first value. @returns whether to build a dictionary */
  startRowGroup(): boolean {
    this.#nextReview = this.#firstReview;
    this.#reviewedValues = 0;
    this.#reviewedCount = 0;
    if (this.#groupsToSkip === 0) return true;
    this.#groupsToSkip--;
    return false;
  }

  /** @param values all values of the row group so far. @returns false if the dictionary should be abandoned */
  keep(dictionary: Dictionary, values: number): boolean {
    const { count, byteLength } = dictionary;
    if (byteLength > this.#maxBytes) return this.#giveUp();
    if (values < this.#nextReview) return true;
    const width = byteLength / Math.max(count, 1);
    const expected = Math.max(this.#expectedValues, values);
    const expectedCount = this.#expectCount(count, values, expected);
    const indexWidth = (32 - Math.clz32(Math.max(expectedCount - 1, 1))) / 8;
    const dictionaryBytes = expectedCount * width;
    if (dictionaryBytes > this.#maxBytes) return this.#giveUp();
    if (dictionaryBytes + expected * indexWidth > WORTHWHILE * expected * width) return this.#giveUp();
    this.#reviewedValues = values;
    this.#reviewedCount = count;
    this.#nextReview = values * 2;
    return true;
  }

  /** What the dictionary is going to be at the end of the row group. @param values those of the row group so far */
  expected(dictionary: Dictionary, values: number): { readonly byteLength: number; readonly values: number } {
    const { count, byteLength } = dictionary;
    const expected = Math.max(this.#expectedValues, values);
    const width = byteLength / Math.max(count, 1);
    return { byteLength: this.#expectCount(count, values, expected) * width, values: expected };
  }

  /** Something else was smaller: the next row groups need not try. */
  reject(): void {
    this.#giveUp();
  }

  /** Estimated distinct values of the whole row group. */
  #expectCount(count: number, values: number, expected: number): number {
    const novelty = (count - this.#reviewedCount) / (values - this.#reviewedValues);
    // A count that grew by a constant share will keep growing, such as ordered keys with four rows each.
    const growsSteadily = this.#reviewedValues > 0 && novelty > 0.95 * (this.#reviewedCount / this.#reviewedValues);
    if (growsSteadily) return novelty * expected;
    // Otherwise, assume random draws from D values, of which `values` draws find D * (1 - exp(-values / D)).
    let low = count;
    let high = expected;
    while (high - low > 1 && high - low > low / 64) {
      const middle = (low + high) / 2;
      if (middle * (1 - Math.exp(-values / middle)) < count) low = middle;
      else high = middle;
    }
    return high;
  }

  #giveUp(): false {
    this.#failures++;
    this.#groupsToSkip = Math.min(2 ** this.#failures - 1, 64);
    return false;
  }
}
