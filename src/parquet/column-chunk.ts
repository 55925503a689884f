import type { ColumnChunk, ColumnIndex, Encoding, OffsetIndex, SchemaElement, Statistics } from 'hyparquet';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import { BloomFilterBuilder } from './bloom-filter.js';
import { plainValues } from './plain-values.js';
import { type Bounds, boundBytes, compareBounds, uniteBounds } from './statistics.js';
import { pageBounds } from './page-statistics.js';
import type { EncodedPage, PageEncoder } from './page-encoder.js';
import { leafElement, leafPath } from './schema.js';
import type { ValueEncoding } from './value-encoding.js';

/** A chunk's metadata in the footer, with short bounds. */
const CHUNK_METADATA_BYTES = 250;
/** A page's entries in the column index and the offset index. */
const PAGE_METADATA_BYTES = 80;

/** A page's entry in the page index. */
interface PageFacts {
  readonly bounds: Bounds | undefined;
  readonly nulls: number;
  readonly rows: number;
  /** Whether bounds are unknown although there are values. */
  readonly unbounded: boolean;
}

/** One column's complete part of a row group: its bytes in order, and its metadata for the footer. */
export interface FinishedChunk {
  readonly bytes: readonly Uint8Array[];
  readonly length: number;
  readonly uncompressedLength: number;
  readonly metadata: ColumnChunk;
  readonly columnIndex: ColumnIndex | undefined;
  readonly offsetIndex: OffsetIndex;
  /** With its header. */
  readonly bloomFilter: Uint8Array | undefined;
}

/** Collects the pages of one column within a row group; they are held compressed until the row group closes. */
export class ColumnChunkWriter {
  readonly #column: ColumnBuffer;
  readonly #encoder: PageEncoder;
  readonly #element: SchemaElement;
  readonly #bloomFilter: BloomFilterBuilder | undefined;
  #pages: EncodedPage[] = [];
  #facts: PageFacts[] = [];
  #values = 0;
  /** Bytes of the pages taken so far, before compression. */
  encodedLength = 0;
  /** Bytes of the pages taken so far, as they are in the file. */
  #length = 0;
  /** Of values without a dictionary, in this chunk; undefined before the first page of them. */
  #valueEncoding: ValueEncoding | undefined;
  /** Whether this chunk has compared its dictionary with other encodings. */
  #isDictionaryTried = false;
  /** Whether the next page ends the chunk. */
  #isLast = false;
  /** Bytes of what the pages hold, as `#held` counts them. */
  #heldLength = 0;
  /** Of pages, compared with `#heldLength`; 1 before the first one. */
  #compression = 1;
  /** The same for the dictionary. */
  #dictionaryCompression = 1;

  /** @param rowGroupRows most rows of a row group */
  constructor(column: ColumnBuffer, encoder: PageEncoder, rowGroupRows: number) {
    const { bloomFilter: falsePositives } = column.spec;
    this.#bloomFilter =
      falsePositives === undefined ? undefined : new BloomFilterBuilder(column, { rowGroupRows, falsePositives });
    this.#column = column;
    this.#encoder = encoder;
    this.#element = leafElement(column.spec);
  }

  /** Takes a page of everything the column holds. */
  takePage(): void {
    const column = this.#column;
    const { levels } = column;
    if (levels.count === 0) return;
    const bounds = pageBounds(column);
    this.#facts.push({
      bounds,
      nulls: levels.nulls,
      rows: levels.rows,
      unbounded: bounds === undefined && column.valueCount > 0,
    });
    this.#heldLength += this.#held;
    const page = this.#encoder.dataPage(column, this.#encoding());
    // Those with a dictionary are taken from it, once for all pages.
    if (!column.usesDictionary) this.#bloomFilter?.add(column, plainValues(column));
    this.#pages.push(page);
    this.#values += levels.count;
    this.encodedLength += page.uncompressedLength;
    this.#length += page.length;
    this.#compression = this.#length / Math.max(this.#heldLength, 1);
    column.clearPage();
  }

  /** Of the values of the next page; undefined for a page of version 1. Gives up a dictionary that is no good. */
  #encoding(): ValueEncoding | undefined {
    const { choice } = this.#encoder;
    if (choice === undefined) return undefined;
    const column = this.#column;
    if (column.valueCount === 0) return 'PLAIN';
    if (column.usesDictionary && !this.#isDictionaryTried) {
      this.#isDictionaryTried = true;
      if (!choice.isDictionarySmallest(column, column.expectedDictionary(this.#isLast))) column.rejectDictionary();
    }
    if (column.usesDictionary) return 'PLAIN';
    this.#valueEncoding ??= choice.ofValues(column);
    return this.#valueEncoding;
  }

  /** The chunk's size in the file if it were closed now, in bytes. Of values that are held only the order is known. */
  get estimatedLength(): number {
    const { dictionary } = this.#column;
    const isIndexed = this.#column.usesDictionary || this.#pages.some(isIndexedPage);
    const entries = isIndexed ? (dictionary?.byteLength ?? 0) : 0;
    const values = this.#held * this.#compression + entries * this.#dictionaryCompression;
    return this.#length + values + (this.#bloomFilter?.estimatedLength ?? 0);
  }

  /** Bytes that the column holds, values in PLAIN encoding or as indices. */
  get #held(): number {
    const { levels, pageLength } = this.#column;
    return pageLength + (levels.nulls > 0 ? levels.count / 4 : 0);
  }

  /** Bytes of the chunk in the footer and the page index, with a margin. */
  get metadataLength(): number {
    return CHUNK_METADATA_BYTES + (this.#pages.length + 1) * PAGE_METADATA_BYTES;
  }

  /** Takes a page of everything the column holds, and learns how far its values compress. */
  measure(): void {
    const column = this.#column;
    column.settleDictionary();
    this.takePage();
    if (!column.usesDictionary || column.dictionary === undefined || column.dictionary.count === 0) return;
    const page = this.#encoder.dictionaryPage(column.dictionary);
    this.#dictionaryCompression = page.length / page.uncompressedLength;
  }

  /**
   * Takes the last page and closes the chunk.
   * @param offset of the chunk in the file, in bytes
   */
  finish(offset: number): FinishedChunk {
    this.#column.settleDictionary();
    this.#isLast = true;
    this.takePage();
    this.#isLast = false;
    const column = this.#column;
    const data = this.#pages;
    const hasDictionary = data.some(isIndexedPage);
    const dictionaryPage =
      hasDictionary && column.dictionary !== undefined ? this.#encoder.dictionaryPage(column.dictionary) : undefined;
    if (dictionaryPage !== undefined && column.dictionary !== undefined) {
      this.#bloomFilter?.add(column, { bytes: column.dictionary.plain(), count: column.dictionary.count });
    }
    const pages = dictionaryPage === undefined ? data : [dictionaryPage, ...data];
    const length = sum(pages.map((page) => page.length));
    const uncompressedLength = sum(pages.map((page) => page.uncompressedLength));
    const dataOffset = offset + (dictionaryPage?.length ?? 0);
    const statistics = chunkStatistics(this.#facts);
    const finished: FinishedChunk = {
      bytes: pages.flatMap((page) => [page.header, page.body]),
      length,
      uncompressedLength,
      metadata: {
        file_offset: BigInt(offset),
        meta_data: {
          type: column.spec.type.physical,
          encodings: encodingsOf(pages),
          path_in_schema: leafPath(column.spec),
          codec: this.#encoder.codec,
          num_values: BigInt(this.#values),
          total_uncompressed_size: BigInt(uncompressedLength),
          total_compressed_size: BigInt(length),
          data_page_offset: BigInt(dataOffset),
          ...(dictionaryPage === undefined ? {} : { dictionary_page_offset: BigInt(offset) }),
          statistics,
          encoding_stats: encodingStats(dictionaryPage, data),
        },
      },
      columnIndex: columnIndex(this.#facts, this.#element),
      offsetIndex: offsetIndex(this.#facts, data, dataOffset),
      bloomFilter: this.#bloomFilter?.finish(),
    };
    this.#pages = [];
    this.#facts = [];
    this.#values = 0;
    this.encodedLength = 0;
    this.#length = 0;
    this.#heldLength = 0;
    this.#valueEncoding = undefined;
    this.#isDictionaryTried = false;
    return finished;
  }
}

function isIndexedPage({ encoding }: EncodedPage): boolean {
  return encoding === 'RLE_DICTIONARY';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function encodingsOf(pages: readonly EncodedPage[]): Encoding[] {
  return [...new Set<Encoding>(['RLE', ...pages.map((page) => page.encoding)])];
}

function encodingStats(dictionaryPage: EncodedPage | undefined, data: readonly EncodedPage[]) {
  const encodings = new Set<Encoding>(['RLE_DICTIONARY', ...data.map(({ encoding }) => encoding)]);
  return [
    ...(dictionaryPage === undefined ? [] : [dictionaryPage]),
    ...[...encodings].flatMap((encoding) => data.find((page) => page.encoding === encoding) ?? []),
  ].map(({ type: page_type, encoding }) => ({
    page_type,
    encoding,
    count: page_type === 'DICTIONARY_PAGE' ? 1 : data.filter((page) => page.encoding === encoding).length,
  }));
}

function chunkStatistics(facts: readonly PageFacts[]): Statistics {
  const null_count = BigInt(sum(facts.map((page) => page.nulls)));
  if (facts.some((page) => page.unbounded)) return { null_count };
  const known = facts.flatMap((page) => page.bounds ?? []);
  const [first, ...rest] = known;
  if (first === undefined) return { null_count };
  const bounds = rest.reduce(uniteBounds, first);
  return {
    null_count,
    min_value: bounds.min,
    max_value: bounds.max,
    ...(bounds.minExact ? {} : { is_min_value_exact: false }),
    ...(bounds.maxExact ? {} : { is_max_value_exact: false }),
  };
}

/** Bounds of each page; no index if a page with values has none (ColumnIndex.min_values is required). */
function columnIndex(facts: readonly PageFacts[], element: SchemaElement): ColumnIndex | undefined {
  if (facts.length === 0 || facts.some((page) => page.unbounded)) return undefined;
  const none = new Uint8Array(0);
  return {
    null_pages: facts.map((page) => page.bounds === undefined),
    // Bytes, where the library's types name what readers make of them.
    min_values: facts.map(({ bounds }) => (bounds === undefined ? none : boundBytes(bounds.min, element, 'min'))),
    max_values: facts.map(({ bounds }) => (bounds === undefined ? none : boundBytes(bounds.max, element, 'max'))),
    boundary_order: boundaryOrder(facts.flatMap((page) => page.bounds ?? [])),
    null_counts: facts.map((page) => BigInt(page.nulls)),
  };
}

function boundaryOrder(bounds: readonly Bounds[]): ColumnIndex['boundary_order'] {
  const steps = bounds.slice(1).flatMap((page, i) => {
    const before = bounds[i] ?? page;
    return [compareBounds(before.min, page.min), compareBounds(before.max, page.max)];
  });
  if (steps.every((step) => step <= 0)) return 'ASCENDING';
  return steps.every((step) => step >= 0) ? 'DESCENDING' : 'UNORDERED';
}

function offsetIndex(facts: readonly PageFacts[], pages: readonly EncodedPage[], dataOffset: number): OffsetIndex {
  let offset = dataOffset;
  let row = 0;
  return {
    page_locations: pages.map((page, i) => {
      const location = {
        offset: BigInt(offset),
        compressed_page_size: page.length,
        first_row_index: BigInt(row),
      };
      offset += page.length;
      row += facts[i]?.rows ?? 0;
      return location;
    }),
  };
}
