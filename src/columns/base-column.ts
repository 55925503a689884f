import type { ColumnSpec } from './column-spec.js';
import { type Dictionary, dictionaryBytesFor, DictionaryPolicy } from './dictionary.js';
import type { KernelFunctions, Kernels, Memory } from '../kernels/kernels.js';
import { grown, HEAP } from '../kernels/memory.js';
import { Levels } from './levels.js';
import { type HeldPage, heldPage } from './page-size.js';

/**
 * Values of one column since the last page was taken: the contract between sources, which append, and the Parquet
 * writer, which takes pages. Values are stored in Parquet's PLAIN layout, so a page without a dictionary is written
 * as is; NULLs exist only in the levels.
 *
 * A source appends levels first (`levels`), then `reserve`s, writes one plain value per non-NULL entry from `end` on, and
 * has them taken, which looks them up in a dictionary if there is one. It uses nothing else. (`BytesColumn` differs.)
 */
export abstract class BaseColumn<D extends Dictionary> {
  readonly spec: ColumnSpec;
  readonly levels: Levels;
  readonly memory: Memory;
  /** Non-NULL values held. */
  valueCount = 0;
  /** Whether values are appended as indices into `dictionary`; changes only between appends. */
  usesDictionary = false;
  /** Dictionary index of each value held, while `usesDictionary`. */
  indices: Int32Array<ArrayBuffer> = new Int32Array(0);
  /** The row group's distinct values so far; undefined for types that never use a dictionary. */
  readonly dictionary: D | undefined;
  /** What it holds before its page is taken, as a rule. */
  protected readonly page: HeldPage;
  readonly #policy: DictionaryPolicy;
  #valuesTaken = 0;
  /** Whether the current row group has no values yet. */
  #isFresh = false;

  protected constructor(options: ColumnBufferOptions, dictionary: D | undefined, firstReview?: number) {
    const { spec, rowGroupRows, tableColumns = 1, memory = HEAP } = options;
    this.spec = spec;
    this.memory = memory;
    this.levels = new Levels({
      maxDefinition: (spec.nullable ? 1 : 0) + (spec.list ? 2 : 0),
      maxRepetition: spec.list ? 1 : 0,
      memory,
    });
    this.dictionary = dictionary;
    this.page = heldPage(tableColumns, rowGroupRows);
    this.#policy = new DictionaryPolicy({
      expectedValues: rowGroupRows,
      maxBytes: dictionaryBytesFor(tableColumns),
      firstReview,
    });
  }

  /** Size of the held values in PLAIN encoding, in bytes. */
  abstract readonly plainLength: number;
  /** Held values in PLAIN encoding; only while not `usesDictionary`. Valid until the next append. */
  abstract plain(): Uint8Array;
  /** Bytes per value in memory; 0 if they differ. */
  protected abstract readonly valueBytes: number;
  /** The array of plain values. */
  protected abstract readonly store: ArrayBufferView;
  /** Looks up `count` values at an address in the dictionary, by a kernel. @returns false if it is out of reach */
  protected abstract intern(kernels: Kernels, values: number, count: number, indices: number): boolean;
  /** Makes room for `values` more plain values. */
  protected abstract reservePlain(values: number): void;
  /** Appends dictionary entries, given by `indices[0, count)`, as plain values. */
  protected abstract appendEntries(indices: Int32Array, count: number): void;
  protected abstract clearValues(): void;

  /** Copies entries of one width to the start of `store` by a kernel. @returns false if they are out of its reach */
  protected copyEntries(
    kernel: (run: KernelFunctions) => KernelFunctions['entriesFixed'],
    { entries, indices, count }: { entries: ArrayBufferView; indices: Int32Array; count: number },
  ): boolean {
    const { kernels } = this.memory;
    if (kernels === undefined) return false;
    const [from, at, out] = [kernels.address(entries), kernels.address(indices), kernels.address(this.store)];
    if (Math.min(from, at, out) < 0) return false;
    kernel(kernels.run)(from, at, count, out, this.valueBytes);
    return true;
  }

  /** Makes room for `values` more values in the current form. */
  reserve(values: number): void {
    if (!this.usesDictionary) {
      this.reservePlain(values);
      return;
    }
    const needed = this.valueCount + values;
    if (needed <= this.indices.length) return;
    const { indices } = this;
    this.indices = grown(this.memory, indices, this.longer(indices, { needed, first: 1024, page: this.page.entries }));
  }

  /**
   * Length of an array that has become too short. The second is that of a whole page: in the kernels' memory only what is
   * touched counts, whereas each array that is left behind for a longer one has been touched.
   * @param sizes in elements of the array: at least `needed`; of the first array; of one for a page
   */
  protected longer(
    { length }: { readonly length: number },
    { needed, first, page }: { readonly needed: number; readonly first: number; readonly page: number },
  ): number {
    if (length === 0) return Math.max(needed, first);
    return Math.max(needed, this.memory.kernels !== undefined && length < page ? page : length * 2);
  }

  /** Values of this width that a page holds. */
  protected pageValues(width: number): number {
    const { entries, bytes } = this.page;
    return Math.min(entries, Math.ceil(bytes / width));
  }

  /**
   * Appends values by a kernel.
   * @param write writes `count` plain values to the address; false if it can't, and then nothing is appended
   * @returns false if the values have to be appended in TypeScript
   */
  fill(count: number, write: (address: number) => boolean): boolean {
    const { kernels } = this.memory;
    if (kernels === undefined) return false;
    this.reserve(count);
    const address = kernels.address(this.store);
    const held = this.usesDictionary ? 0 : this.valueCount;
    if (address < 0 || !write(address + held * this.valueBytes)) return false;
    if (this.usesDictionary && !this.internStored(count)) return false;
    this.valueCount += count;
    return true;
  }

  /** Looks up the first `count` plain values in the dictionary, by a kernel. @returns false if it is out of reach */
  protected internStored(count: number): boolean {
    const { kernels } = this.memory;
    if (kernels === undefined) return false;
    const values = kernels.address(this.store);
    const indices = kernels.address(this.indices);
    return values >= 0 && indices >= 0 && this.intern(kernels, values, count, indices + this.valueCount * 4);
  }

  /** Size of the page if it were taken now, without levels, in bytes. */
  get pageLength(): number {
    if (!this.usesDictionary) return this.plainLength;
    const bits = 32 - Math.clz32(Math.max((this.dictionary?.count ?? 1) - 1, 1));
    return (this.valueCount * bits) >>> 3;
  }

  /** Clears everything and starts a row group, with a fresh dictionary if one is worth trying. */
  startRowGroup(): void {
    if (this.#isFresh && this.#valuesTaken === 0 && this.levels.count === 0) return;
    this.clearPage();
    this.#isFresh = true;
    this.#valuesTaken = 0;
    this.dictionary?.clear();
    this.usesDictionary = this.dictionary !== undefined && this.#policy.startRowGroup();
  }

  /** Abandons the dictionary if it does not pay off. Call after each batch of appends. */
  reviewDictionary(): void {
    if (!this.usesDictionary || this.dictionary === undefined) return;
    if (!this.#policy.keep(this.dictionary, this.#valuesTaken + this.valueCount)) this.abandonDictionary();
  }

  /**
   * Abandons the dictionary if it is no smaller than the values themselves. Call before a page that is the only one of
   * its row group: small row groups end before any review.
   */
  settleDictionary(): void {
    if (!this.usesDictionary || this.dictionary === undefined || this.#valuesTaken > 0) return;
    const { count, byteLength } = this.dictionary;
    const plainLength = (byteLength / Math.max(count, 1)) * this.valueCount;
    if (byteLength + this.pageLength >= plainLength) this.abandonDictionary();
  }

  /**
   * The dictionary at the end of the row group, with the values of the column.
   * @param isComplete whether nothing more is appended to the row group
   */
  expectedDictionary(isComplete: boolean): { readonly byteLength: number; readonly values: number } {
    const values = this.#valuesTaken + this.valueCount;
    if (this.dictionary === undefined) return { byteLength: 0, values };
    if (isComplete) return { byteLength: this.dictionary.byteLength, values };
    return this.#policy.expected(this.dictionary, values);
  }

  /** Abandons the dictionary for a better encoding, and does not try one again so soon. */
  rejectDictionary(): void {
    if (!this.usesDictionary) return;
    this.#policy.reject();
    this.abandonDictionary();
  }

  /** Switches to plain values: held values are converted, pages already taken keep their indices. */
  abandonDictionary(): void {
    if (!this.usesDictionary) return;
    const count = this.valueCount;
    this.usesDictionary = false;
    this.valueCount = 0;
    this.appendEntries(this.indices, count);
    this.valueCount = count;
  }

  /** Clears the held values after a page was made of them. Memory is kept for the next page. */
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
  /** Default: ordinary arrays. */
  readonly memory?: Memory | undefined;
  /** Columns of the table: the more, the less memory each may use. Default: 1. */
  readonly tableColumns?: number | undefined;
}
