import type { PageHeader, SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';

import { crc32 } from './crc32.js';
import { decompressors } from './decompressors.js';
import type { ColumnChunkFacts } from './footer.js';
import type { StoredValue } from './stored-value.js';

/** A decoded data page. */
export interface DataPage {
  /** Of its header, from the begin of the chunk, in bytes. */
  readonly offset: number;
  /** With its header, in the file. */
  readonly length: number;
  /** Values, NULLs included; of a list, its elements. */
  readonly count: number;
  readonly rows: number;
  readonly nulls: number;
  /** Empty if every value is there. */
  readonly definitionLevels: ArrayLike<number>;
  readonly repetitionLevels: ArrayLike<number>;
  /** Those that are not NULL; positions in the dictionary if `isIndexed`. */
  readonly values: ArrayLike<StoredValue>;
  readonly isIndexed: boolean;
}

export interface PageDecoding {
  /** Of the footer's metadata. */
  readonly schema: readonly SchemaElement[];
  /** Whether floating-point numbers are read as integers of their bits: every NaN stays what it is. */
  readonly asBits?: boolean | undefined;
}

const COMPRESSORS = decompressors();

/** The data pages of a column chunk, decoded one after the other, by hyparquet. */
export class DataPages {
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  /** Values that indexed pages refer to by position; known once a page refers to them. */
  dictionary: ArrayLike<StoredValue> | undefined;
  readonly schemaPath: ReturnType<typeof getSchemaPath>;
  readonly #bytes: Uint8Array;
  readonly #reader: { readonly view: DataView; offset: number };
  readonly #decoder: ReturnType<typeof decoderOf>;

  /** @param bytes of the chunk */
  constructor(bytes: Uint8Array, chunk: ColumnChunkFacts, { schema, asBits = false }: PageDecoding) {
    this.schemaPath = getSchemaPath([...schema], [...chunk.column.path]);
    this.maxDefinition = getMaxDefinitionLevel(this.schemaPath);
    this.maxRepetition = getMaxRepetitionLevel(this.schemaPath);
    this.#bytes = bytes;
    this.#reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
    this.#decoder = decoderOf(chunk, this.schemaPath, asBits);
  }

  /**
   * The next data page; undefined after the last.
   * @throws Error if it cannot be decoded
   */
  next(): DataPage | undefined {
    const bytes = this.#bytes;
    const reader = this.#reader;
    while (reader.offset < bytes.length) {
      const offset = reader.offset;
      const header = parquetHeader(reader);
      const page = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size);
      if (page.length !== header.compressed_page_size) throw new Error('the last page is cut');
      reader.offset += page.length;
      checkCrc(header, page);
      if (header.dictionary_page_header !== undefined) {
        this.dictionary = this.#dictionary(this.#whole(header, page), header.dictionary_page_header.num_values);
      } else if (header.data_page_header !== undefined || header.data_page_header_v2 !== undefined) {
        return this.#decoded(header, page, { offset, length: reader.offset - offset });
      }
    }
    return undefined;
  }

  #decoded(header: PageHeader, page: Uint8Array, place: Pick<DataPage, 'offset' | 'length'>): DataPage {
    const data = header.data_page_header ?? header.data_page_header_v2;
    if (data === undefined) throw new TypeError('no data page');
    const {
      definitionLevels = [],
      repetitionLevels,
      dataPage,
    } = header.data_page_header === undefined
      ? readDataPageV2(page, header, this.#decoder)
      : readDataPage(this.#whole(header, page), header.data_page_header, this.#decoder);
    const nulls = countOf(definitionLevels, (level) => level !== this.maxDefinition);
    if (dataPage.length !== data.num_values - nulls) throw new Error('a page has another number of values');
    const isIndexed = data.encoding.endsWith('_DICTIONARY');
    if (isIndexed && this.dictionary === undefined && dataPage.length > 0)
      throw new Error('a page refers to a dictionary that the chunk does not have');
    return {
      ...place,
      count: data.num_values,
      rows: this.maxRepetition === 0 ? data.num_values : countOf(repetitionLevels, (level) => level === 0),
      nulls,
      definitionLevels,
      repetitionLevels,
      values: dataPage as ArrayLike<StoredValue>, // of the column's type, or positions
      isIndexed,
    };
  }

  #whole(header: PageHeader, page: Uint8Array): Uint8Array {
    return decompressPage(page, header.uncompressed_page_size, this.#decoder.codec, COMPRESSORS);
  }

  #dictionary(page: Uint8Array, count: number): ArrayLike<StoredValue> {
    const { type, element } = this.#decoder;
    const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
    return readPlain(reader, type, count, element.type_length) as ArrayLike<StoredValue>; // of the column's type
  }
}

function decoderOf({ column, codec }: ColumnChunkFacts, schemaPath: ReturnType<typeof getSchemaPath>, asBits: boolean) {
  const { path } = column;
  const element = asBits ? bitsOf(column.element) : column.element;
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

/** All encodings of floating-point numbers are those of integers of their width. */
function bitsOf(element: SchemaElement): SchemaElement {
  if (element.type === 'FLOAT') return { ...element, type: 'INT32' };
  if (element.type === 'DOUBLE') return { ...element, type: 'INT64' };
  return element;
}

/** Of the compressed page, without its header (parquet.thrift, `PageHeader.crc`). */
function checkCrc({ crc }: PageHeader, page: Uint8Array): void {
  if (crc !== undefined && crc32(page) !== crc >>> 0) throw new Error('the CRC of a page is not that of its bytes');
}

function countOf(levels: readonly number[], isCounted: (level: number) => boolean): number {
  let count = 0;
  for (const level of levels) if (isCounted(level)) count++;
  return count;
}
