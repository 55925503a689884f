import type { SchemaElement } from 'hyparquet';

import type { TextEncodingName } from '../columns/value-digest.js';
import { ChunkDigest, type UsedDictionary } from './chunk-digest.js';
import type { ColumnDigest } from './column-digest.js';
import { DataPages } from './data-pages.js';
import type { ColumnChunkFacts } from './footer.js';
import { compareStored, type StoredValue } from './stored-value.js';
import { ValueBounds } from './value-bounds.js';

/** What the pages of a column chunk hold. Plain data. */
export interface PageFacts {
  /** NULLs included; of a list, its elements. */
  readonly values: number;
  readonly nulls: number;
  readonly rows: number;
  /** Undefined without values; NaN is neither. */
  readonly min: StoredValue | undefined;
  readonly max: StoredValue | undefined;
  /** Its data pages. */
  readonly pages: readonly OnePage[];
  /** If it was asked for. */
  readonly digest: ColumnDigest | undefined;
  /** Some of its distinct values, as they are stored. */
  readonly some: readonly StoredValue[];
}

export interface OnePage {
  /** Of its header, from the begin of the chunk, in bytes. */
  readonly offset: number;
  /** With its header, in the file. */
  readonly length: number;
  /** Rows before it. */
  readonly firstRow: number;
  readonly values: number;
  readonly nulls: number;
  readonly min: StoredValue | undefined;
  readonly max: StoredValue | undefined;
}

export interface PageReading {
  /** Of the footer's metadata. */
  readonly schema: readonly SchemaElement[];
  /** The encoding in which texts are digested; undefined to digest nothing. */
  readonly digest: TextEncodingName | undefined;
}

/** Values that Bloom filters are asked for. */
const MOST_SAMPLED = 10_000;

/**
 * Decodes every page of a column chunk.
 * @param bytes of the chunk
 * @throws Error if a page cannot be decoded
 */
export function pageFacts(bytes: Uint8Array, chunk: ColumnChunkFacts, { schema, digest }: PageReading): PageFacts {
  const { element } = chunk.column;
  const decoded = new DataPages(bytes, chunk, { schema });
  const bounds = new ValueBounds(element);
  const digested = digest && new ChunkDigest(element, decoded.schemaPath, digest);
  const pages: OnePage[] = [];
  const some: StoredValue[] = [];
  let dictionary: Dictionary | undefined;
  let values = 0;
  let nulls = 0;
  let rows = 0;
  for (let page = decoded.next(); page !== undefined; page = decoded.next()) {
    const { offset, length, isIndexed } = page;
    const pageBounds = new ValueBounds(element);
    if (isIndexed && decoded.dictionary !== undefined) {
      dictionary ??= new Dictionary(decoded.dictionary, element);
      dictionary.use(page.values as ArrayLike<number>, pageBounds); // positions
    } else if (!isIndexed) {
      pageBounds.add(page.values);
      sample(page.values, some);
    }
    for (const bound of [pageBounds.min, pageBounds.max]) if (bound !== undefined) bounds.add([bound]);
    digested?.addPage({ ...page, dictionary: isIndexed ? dictionary?.values : undefined });
    const { min, max } = pageBounds;
    pages.push({ offset, length, firstRow: rows, values: page.count, nulls: page.nulls, min, max });
    values += page.count;
    nulls += page.nulls;
    rows += page.rows;
  }
  if (dictionary !== undefined) sample(dictionary.used(), some);
  const { min, max } = bounds;
  return { values, nulls, rows, min, max, pages, some, digest: digested?.finish(dictionary, bounds) };
}

/** Values that pages refer to by position. Only those that are used count for the bounds. */
class Dictionary implements UsedDictionary {
  readonly values: ArrayLike<StoredValue>;
  /** How often each is used. */
  readonly counts: Float64Array;
  readonly #element: SchemaElement;
  /** By position: its place in the order of the values; -1 for NaN. */
  #ranks: Int32Array | undefined;
  /** Positions in the order of the values. */
  #order: Int32Array = new Int32Array();

  constructor(values: ArrayLike<StoredValue>, element: SchemaElement) {
    this.values = values;
    this.counts = new Float64Array(values.length);
    this.#element = element;
  }

  /** Counts the values at these positions, and finds the smallest and the largest of them. */
  use(positions: ArrayLike<number>, bounds: ValueBounds): void {
    const { counts } = this;
    const ranks = (this.#ranks ??= this.#rank());
    let least = Infinity;
    let greatest = -1;
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i] ?? -1;
      if (position < 0 || position >= counts.length) throw new Error(`the dictionary has no value ${position}`);
      counts[position] = (counts[position] ?? 0) + 1;
      const rank = ranks[position] ?? -1;
      if (rank >= 0 && rank < least) least = rank;
      if (rank > greatest) greatest = rank;
    }
    if (greatest >= 0) bounds.add([this.#at(least), this.#at(greatest)]);
  }

  used(): StoredValue[] {
    return Array.from(this.values).filter((_, position) => (this.counts[position] ?? 0) > 0);
  }

  #at(rank: number): StoredValue {
    const value = this.values[this.#order[rank] ?? 0];
    if (value === undefined) throw new TypeError('A rank has no value');
    return value;
  }

  #rank(): Int32Array {
    const { values } = this;
    const element = this.#element;
    const isNumber = (position: number) => !Number.isNaN(values[position]);
    const order = Int32Array.from({ length: values.length }, (_, position) => position).filter(isNumber);
    order.sort((a, b) => compareStored(element, values[a] ?? 0, values[b] ?? 0));
    const ranks = new Int32Array(values.length).fill(-1);
    order.forEach((position, rank) => (ranks[position] = rank));
    this.#order = order;
    return ranks;
  }
}

function sample(values: ArrayLike<StoredValue>, into: StoredValue[]): void {
  const step = Math.max(1, Math.ceil(values.length / MOST_SAMPLED));
  for (let i = 0; i < values.length && into.length < MOST_SAMPLED; i += step) {
    const value = values[i];
    if (value !== undefined) into.push(value);
  }
}
