import type { PageHeader, SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';

import type { TextEncodingName } from '../columns/value-digest.js';
import { ChunkDigest, type UsedDictionary } from './chunk-digest.js';
import type { ColumnDigest } from './column-digest.js';
import { crc32 } from './crc32.js';
import { decompressors } from './decompressors.js';
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
const COMPRESSORS = decompressors();

/**
 * Decodes every page of a column chunk.
 * @param bytes of the chunk
 * @throws Error if a page cannot be decoded
 */
export function pageFacts(bytes: Uint8Array, chunk: ColumnChunkFacts, { schema, digest }: PageReading): PageFacts {
  const { element, path } = chunk.column;
  const schemaPath = getSchemaPath([...schema], [...path]);
  const levels = { definition: getMaxDefinitionLevel(schemaPath), repetition: getMaxRepetitionLevel(schemaPath) };
  const decoder = decoderOf(chunk, schemaPath);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: 0 };
  const bounds = new ValueBounds(element);
  const digested = digest && new ChunkDigest(element, schemaPath, digest);
  const pages: OnePage[] = [];
  const some: StoredValue[] = [];
  let dictionary: Dictionary | undefined;
  let values = 0;
  let nulls = 0;
  let rows = 0;
  while (reader.offset < bytes.length) {
    const offset = reader.offset;
    const header = parquetHeader(reader);
    const page = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size);
    if (page.length !== header.compressed_page_size) throw new Error('the last page is cut');
    reader.offset += page.length;
    checkCrc(header, page);
    const whole = () => decompressPage(page, header.uncompressed_page_size, decoder.codec, COMPRESSORS);
    if (header.dictionary_page_header !== undefined) {
      dictionary = new Dictionary(whole(), element, header.dictionary_page_header.num_values);
      continue;
    }
    const data = header.data_page_header ?? header.data_page_header_v2;
    if (data === undefined) continue;
    const { definitionLevels, repetitionLevels, dataPage } =
      header.data_page_header === undefined
        ? readDataPageV2(page, header, decoder)
        : readDataPage(whole(), header.data_page_header, decoder);
    const isNull = (level: number) => level !== levels.definition;
    const pageNulls = definitionLevels === undefined ? 0 : countOf(definitionLevels, isNull);
    const pageRows = levels.repetition === 0 ? data.num_values : countOf(repetitionLevels, (level) => level === 0);
    if (dataPage.length !== data.num_values - pageNulls) throw new Error('a page has another number of values');
    const pageBounds = new ValueBounds(element);
    const isIndexed = data.encoding.endsWith('_DICTIONARY');
    if (isIndexed && dictionary === undefined && dataPage.length > 0)
      throw new Error('a page refers to a dictionary that the chunk does not have');
    if (isIndexed)
      dictionary?.use(dataPage as ArrayLike<number>, pageBounds); // positions
    else {
      const stored = dataPage as ArrayLike<StoredValue>; // of the column's type
      pageBounds.add(stored);
      sample(stored, some);
    }
    for (const bound of [pageBounds.min, pageBounds.max]) if (bound !== undefined) bounds.add([bound]);
    digested?.addPage({
      definitionLevels: definitionLevels ?? [],
      repetitionLevels,
      count: data.num_values,
      values: dataPage as ArrayLike<StoredValue>,
      dictionary: isIndexed ? dictionary?.values : undefined,
    });
    const { min, max } = pageBounds;
    const length = reader.offset - offset;
    pages.push({ offset, length, firstRow: rows, values: data.num_values, nulls: pageNulls, min, max });
    values += data.num_values;
    nulls += pageNulls;
    rows += pageRows;
  }
  if (dictionary !== undefined) sample(dictionary.used(), some);
  const { min, max } = bounds;
  return { values, nulls, rows, min, max, pages, some, digest: digested?.finish(dictionary, bounds) };
}

/** Of the compressed page, without its header (parquet.thrift, `PageHeader.crc`). */
function checkCrc({ crc }: PageHeader, page: Uint8Array): void {
  if (crc !== undefined && crc32(page) !== crc >>> 0) throw new Error('the CRC of a page is not that of its bytes');
}

function decoderOf({ column, codec }: ColumnChunkFacts, schemaPath: ReturnType<typeof getSchemaPath>) {
  const { element, path } = column;
  const { type = 'BYTE_ARRAY' } = element;
  return {
    pathInSchema: [...path],
    type,
    element,
    schemaPath,
    codec,
    compressors: COMPRESSORS,
    parsers: DEFAULT_PARSERS,
  };
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

  constructor(page: Uint8Array, element: SchemaElement, count: number) {
    const { type = 'BYTE_ARRAY', type_length: length } = element;
    const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
    this.values = readPlain(reader, type, count, length) as ArrayLike<StoredValue>; // of the column's type
    this.counts = new Float64Array(count);
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

function countOf(levels: readonly number[], isCounted: (level: number) => boolean): number {
  let count = 0;
  for (const level of levels) if (isCounted(level)) count++;
  return count;
}
