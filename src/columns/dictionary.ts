/**
 * The distinct values of one column within a row group, in the order of their first appearance. Each implementation
 * adds an `intern` for its own kind of value, which gives the value's index and adds it where it is new.
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

/** No dictionary page grows much beyond this: readers keep it in memory, and look-ups leave the processor's cache. */
export const MAX_DICTIONARY_BYTES = 1 << 20;

const FIRST_REVIEW = 4096;
/** A dictionary must bring a column down to this share of its plain size to be worth its look-ups. */
const WORTHWHILE = 0.7;

/**
 * Decides whether a column goes on with its dictionary. Measured reason: a look-up that never finds anything costs more
 * than the whole rest of the column's encoding, so a hopeless dictionary is given up early, and not tried again in
 * every row group.
 */
export class DictionaryPolicy {
  readonly #expectedValues: number;
  readonly #firstReview: number;
  #nextReview: number;
  #reviewedValues = 0;
  #reviewedCount = 0;
  #failures = 0;
  #groupsToSkip = 0;

  /**
   * @param expectedValues how many values a full row group holds
   * @param firstReview after how many values the dictionary is judged first. Values that come round, one after the
   *   other, look new until the first comes again: the wider they are, the longer it pays to wait for that.
   */
  constructor(expectedValues: number, firstReview = FIRST_REVIEW) {
    this.#expectedValues = expectedValues;
    this.#firstReview = firstReview;
    this.#nextReview = firstReview;
  }

  /** Called once a row group, before its first value. @returns whether to build a dictionary */
  startRowGroup(): boolean {
    this.#nextReview = this.#firstReview;
    this.#reviewedValues = 0;
    this.#reviewedCount = 0;
    if (this.#groupsToSkip === 0) return true;
    this.#groupsToSkip--;
    return false;
  }

  /** @param values all values of the row group so far. @returns false where the dictionary is to be given up */
  keep(dictionary: Dictionary, values: number): boolean {
    const { count, byteLength } = dictionary;
    if (byteLength > MAX_DICTIONARY_BYTES) return this.#giveUp();
    if (values < this.#nextReview) return true;
    const width = byteLength / Math.max(count, 1);
    const expected = Math.max(this.#expectedValues, values);
    const expectedCount = this.#expectCount(count, values, expected);
    const indexWidth = (32 - Math.clz32(Math.max(expectedCount - 1, 1))) / 8;
    const dictionaryBytes = expectedCount * width;
    if (dictionaryBytes > MAX_DICTIONARY_BYTES) return this.#giveUp();
    if (dictionaryBytes + expected * indexWidth > WORTHWHILE * expected * width) return this.#giveUp();
    this.#reviewedValues = values;
    this.#reviewedCount = count;
    this.#nextReview = values * 2;
    return true;
  }

  /** How many distinct values the whole row group will have. */
  #expectCount(count: number, values: number, expected: number): number {
    const novelty = (count - this.#reviewedCount) / (values - this.#reviewedValues);
    // A count that has grown by a constant share will go on: keys in their order, four rows each.
    const growsSteadily = this.#reviewedValues > 0 && novelty > 0.95 * (this.#reviewedCount / this.#reviewedValues);
    if (growsSteadily) return novelty * expected;
    // Else as if drawn at random from D values, of which `values` draws find D * (1 - exp(-values / D)).
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
