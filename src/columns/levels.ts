import type { Memory } from '../kernels/kernels.js';
import { grown, HEAP } from '../kernels/memory.js';

/**
 * Definition and repetition levels of the rows held for one column's page, as in Parquet's Dremel encoding
 * (https://parquet.apache.org/docs/file-format/nestedencoding/). A flat column without NULLs keeps only counts and no
 * arrays.
 */
export class Levels {
  /** Level of a present value: 0 for a required column, 1 for an optional one, up to 3 for a list. */
  readonly maxDefinition: number;
  /** 0 for flat columns, 1 for lists. */
  readonly maxRepetition: number;
  /** Entries: one per row in flat columns; one per element, NULL or empty list in lists. */
  count = 0;
  rows = 0;
  /** Entries whose definition level is below the maximum. */
  nulls = 0;
  #definition: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #repetition: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  readonly #memory: Memory;

  constructor(options: {
    readonly maxDefinition: number;
    readonly maxRepetition: number;
    /** Default: ordinary arrays. */
    readonly memory?: Memory | undefined;
  }) {
    this.maxDefinition = options.maxDefinition;
    this.maxRepetition = options.maxRepetition;
    this.#memory = options.memory ?? HEAP;
  }

  /** `count` definition levels, or undefined if every entry is a value. */
  get definition(): Uint8Array | undefined {
    return this.nulls === 0 ? undefined : this.#definition.subarray(0, this.count);
  }

  /** `count` repetition levels; empty for flat columns. */
  get repetition(): Uint8Array {
    return this.#repetition.subarray(0, this.maxRepetition === 0 ? 0 : this.count);
  }

  /** Flat columns: `rows` more rows, all with a value. */
  appendPresent(rows: number): void {
    if (this.nulls > 0) {
      this.#reserve(rows);
      this.#definition.fill(this.maxDefinition, this.count, this.count + rows);
    }
    this.count += rows;
    this.rows += rows;
  }

  /**
   * Flat columns: one more row for each offset in `offsets[from, to)`; a negative offset is a NULL.
   * @returns how many of them are NULL
   */
  appendOffsets(offsets: Int32Array, from: number, to: number): number {
    const { kernels } = this.#memory;
    const address = kernels?.address(offsets) ?? -1;
    const nulls =
      kernels === undefined || address < 0
        ? countNulls(offsets, from, to)
        : kernels.run.countNulls(address + from * 4, to - from);
    if (nulls === 0) {
      this.appendPresent(to - from);
      return 0;
    }
    this.#reserve(to - from);
    if (this.nulls === 0) this.#definition.fill(this.maxDefinition, 0, this.count);
    const definition = this.#definition;
    const present = this.maxDefinition;
    const out = kernels?.address(definition) ?? -1;
    if (kernels === undefined || Math.min(address, out) < 0) {
      let at = this.count;
      for (let i = from; i < to; i++) definition[at++] = (offsets[i] ?? 0) < 0 ? 0 : present;
    } else {
      kernels.run.definitions(address + from * 4, to - from, out + this.count, present);
    }
    this.count += to - from;
    this.rows += to - from;
    this.nulls += nulls;
    return nulls;
  }

  /** Lists: one entry. A `repetition` of 0 starts a row. */
  append(definition: number, repetition: number): void {
    this.#reserve(1);
    if (this.nulls === 0 && definition < this.maxDefinition) this.#definition.fill(this.maxDefinition, 0, this.count);
    this.#definition[this.count] = definition;
    this.#repetition[this.count] = repetition;
    this.count++;
    if (repetition === 0) this.rows++;
    if (definition < this.maxDefinition) this.nulls++;
  }

  clear(): void {
    this.count = 0;
    this.rows = 0;
    this.nulls = 0;
  }

  #reserve(entries: number): void {
    const needed = this.count + entries;
    if (needed > this.#definition.length) this.#definition = this.#grow(this.#definition, needed);
    if (this.maxRepetition > 0 && needed > this.#repetition.length)
      this.#repetition = this.#grow(this.#repetition, needed);
  }

  #grow(array: Uint8Array<ArrayBuffer>, needed: number): Uint8Array<ArrayBuffer> {
    return grown(this.#memory, array, Math.max(needed, array.length * 2, 1024));
  }
}

function countNulls(offsets: Int32Array, from: number, to: number): number {
  let nulls = 0;
  for (let i = from; i < to; i++) nulls += (offsets[i] ?? 0) >>> 31;
  return nulls;
}
