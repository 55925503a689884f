import type { ColumnSpec } from './column-spec.js';
import { type Dictionary, DictionaryPolicy } from './dictionary.js';
import { Levels } from './levels.js';

/**
 * Values of one column since the last page was taken: the contract between sources, which append, and the Parquet
 * writer, which takes pages. Values lie in Parquet's PLAIN layout, so that a page without a dictionary is written as it
 * lies; NULLs are in the levels only.
 *
 * A source appends levels first (`levels`), then `reserve`s and appends as many values as there are non-NULL entries,
 * as indices while `usesDictionary`, as plain values otherwise. It does not look at anything else.
 */
export abstract class BaseColumn<D extends Dictionary> {
  readonly spec: ColumnSpec;
  readonly levels: Levels;
  /** Non-NULL values held. */
  valueCount = 0;
  /** Whether values are appended as indices into `dictionary`; changes only between appends. */
  usesDictionary = false;
  /** Dictionary index of each value held, while `usesDictionary`. */
  indices = new Int32Array(0);
  /** The values of the row group so far; undefined for kinds of values that never take a dictionary. */
  readonly dictionary: D | undefined;
  readonly #policy: DictionaryPolicy;
  #valuesTaken = 0;
  /** Whether the row group that has begun is still without values. */
  #isFresh = false;

  protected constructor(options: ColumnBufferOptions, dictionary: D | undefined, firstReview?: number) {
    const { spec, rowGroupRows } = options;
    this.spec = spec;
    this.levels = new Levels({
      maxDefinition: (spec.nullable ? 1 : 0) + (spec.list ? 2 : 0),
      maxRepetition: spec.list ? 1 : 0,
    });
    this.dictionary = dictionary;
    this.#policy = new DictionaryPolicy(rowGroupRows, firstReview);
  }

  /** Size of the held values in PLAIN encoding, in bytes. */
  abstract readonly plainLength: number;
  /** Held values in PLAIN encoding; only while not `usesDictionary`. Valid until the next append. */
  abstract plain(): Uint8Array;
  /** Makes room for `values` more plain values. */
  protected abstract reservePlain(values: number): void;
  /** Appends dictionary entries, given by `indices[0, count)`, as plain values. */
  protected abstract appendEntries(indices: Int32Array, count: number): void;
  protected abstract clearValues(): void;

  /** Makes room for `values` more values in the form that is appended now. */
  reserve(values: number): void {
    if (!this.usesDictionary) {
      this.reservePlain(values);
      return;
    }
    const needed = this.valueCount + values;
    if (needed <= this.indices.length) return;
    const grown = new Int32Array(Math.max(needed, this.indices.length * 2, 1024));
    grown.set(this.indices);
    this.indices = grown;
  }

  /** Size of the page if it were taken now, levels left out, in bytes. */
  get pageLength(): number {
    if (!this.usesDictionary) return this.plainLength;
    const bits = 32 - Math.clz32(Math.max((this.dictionary?.count ?? 1) - 1, 1));
    return (this.valueCount * bits) >>> 3;
  }

  /** Forgets everything that is held and begins a row group, with a fresh dictionary where one is worth a try. */
  startRowGroup(): void {
    if (this.#isFresh && this.#valuesTaken === 0 && this.levels.count === 0) return;
    this.clearPage();
    this.#isFresh = true;
    this.#valuesTaken = 0;
    this.dictionary?.clear();
    this.usesDictionary = this.dictionary !== undefined && this.#policy.startRowGroup();
  }

  /** Gives the dictionary up where it does not pay. To be called after each batch of appends. */
  reviewDictionary(): void {
    if (!this.usesDictionary || this.dictionary === undefined) return;
    if (!this.#policy.keep(this.dictionary, this.#valuesTaken + this.valueCount)) this.abandonDictionary();
  }

  /**
   * Gives the dictionary up where it takes no less than the values themselves. To be called before a page that is the
   * only one of its row group: small ones end before any review.
   */
  settleDictionary(): void {
    if (!this.usesDictionary || this.dictionary === undefined || this.#valuesTaken > 0) return;
    const { count, byteLength } = this.dictionary;
    const plainLength = (byteLength / Math.max(count, 1)) * this.valueCount;
    if (byteLength + this.pageLength >= plainLength) this.abandonDictionary();
  }

  /** From here on plain values; those held become plain, pages taken before keep their indices. */
  abandonDictionary(): void {
    if (!this.usesDictionary) return;
    const count = this.valueCount;
    this.usesDictionary = false;
    this.valueCount = 0;
    this.appendEntries(this.indices, count);
    this.valueCount = count;
  }

  /** Forgets what is held, after a page was made of it. Memory is kept for the next page. */
  clearPage(): void {
    this.#valuesTaken += this.valueCount;
    this.valueCount = 0;
    this.levels.clear();
    this.clearValues();
  }
}

/** What a buffer needs to know beforehand. */
export interface ColumnBufferOptions {
  readonly spec: ColumnSpec;
  /** Most rows of a row group: what a dictionary is judged by. */
  readonly rowGroupRows: number;
}
