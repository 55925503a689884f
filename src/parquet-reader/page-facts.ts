import type { SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { getMaxDefinitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';

import { decompressors } from './decompressors.js';
import type { ColumnChunkFacts, ParquetFooter } from './footer.js';
import { ValueBounds } from './value-bounds.js';
import type { StoredValue } from './stored-value.js';

/** What the pages of a column chunk hold. */
export interface PageFacts {
  /** NULLs included; of a list, its elements. */
  readonly values: number;
  readonly nulls: number;
  readonly rows: number;
  /** Undefined without values; NaN is neither. */
  readonly min: StoredValue | undefined;
  readonly max: StoredValue | undefined;
}

/**
 * Decodes every page of a column chunk.
 * @param bytes of the chunk
 * @throws Error if a page cannot be decoded
 */
export function pageFacts(bytes: Uint8Array, chunk: ColumnChunkFacts, { metadata }: ParquetFooter): PageFacts {
  const { element, path } = chunk.column;
  const schemaPath = getSchemaPath(metadata.schema, [...path]);
  const most = getMaxDefinitionLevel(schemaPath);
  const decoder = decoderOf(chunk, schemaPath);
  const compressors = decoder.compressors;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: 0 };
  const bounds = new ValueBounds(element);
  let dictionary: Dictionary | undefined;
  let values = 0;
  let nulls = 0;
  let rows = 0;
  while (reader.offset < bytes.length) {
    const header = parquetHeader(reader);
    const page = bytes.subarray(reader.offset, reader.offset + header.compressed_page_size);
    if (page.length !== header.compressed_page_size) throw new Error('the last page is cut');
    reader.offset += page.length;
    const whole = () => decompressPage(page, header.uncompressed_page_size, decoder.codec, compressors);
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
    values += data.num_values;
    nulls += definitionLevels === undefined ? 0 : countOf(definitionLevels, (level) => level !== most);
    rows += repetitionLevels.length === 0 ? data.num_values : countOf(repetitionLevels, (level) => level === 0);
    if (!data.encoding.endsWith('_DICTIONARY'))
      bounds.add(dataPage as ArrayLike<StoredValue>); // of the column's type
    else if (dictionary === undefined) throw new Error('a page refers to a dictionary that the chunk does not have');
    else dictionary.use(dataPage as ArrayLike<number>); // positions
  }
  if (dictionary !== undefined) bounds.add(dictionary.used());
  return { values, nulls, rows, min: bounds.min, max: bounds.max };
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
    compressors: decompressors(),
    parsers: DEFAULT_PARSERS,
  };
}

/** Values that pages refer to by position. Only those that are used count for the bounds. */
class Dictionary {
  readonly #values: ArrayLike<StoredValue>;
  readonly #isUsed: Uint8Array;

  constructor(page: Uint8Array, { type = 'BYTE_ARRAY', type_length: length }: SchemaElement, count: number) {
    const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
    this.#values = readPlain(reader, type, count, length) as ArrayLike<StoredValue>; // of the column's type
    this.#isUsed = new Uint8Array(count);
  }

  use(positions: ArrayLike<number>): void {
    const isUsed = this.#isUsed;
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i] ?? -1;
      if (position < 0 || position >= isUsed.length) throw new Error(`the dictionary has no value ${position}`);
      isUsed[position] = 1;
    }
  }

  used(): StoredValue[] {
    return Array.from(this.#values).filter((_, position) => this.#isUsed[position] === 1);
  }
}

function countOf(levels: readonly number[], isCounted: (level: number) => boolean): number {
  let count = 0;
  for (const level of levels) if (isCounted(level)) count++;
  return count;
}
