import type { CompressionCodec, Encoding, PageHeader } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { Dictionary } from '../columns/dictionary.js';
import type { PageCompressor } from './codec.js';
import { EncodingChoice } from './encoding-choice.js';
import type { FileEncoding } from './file-options.js';
import { PageBuffer } from './page-buffer.js';
import { plainValues } from './plain-values.js';
import { appendHybrid, appendRun, bitWidth } from './rle.js';
import { appendEncoded, mostBytes, type ValueEncoding } from './value-encoding.js';

/** One page as written to the file. */
export interface EncodedPage {
  readonly type: 'DATA_PAGE' | 'DATA_PAGE_V2' | 'DICTIONARY_PAGE';
  readonly header: Uint8Array;
  readonly body: Uint8Array;
  readonly encoding: Encoding;
  /** Header and body before compression, in bytes, as the chunk's metadata counts them. */
  readonly uncompressedLength: number;
  /** Header and body in the file, in bytes. */
  readonly length: number;
}

/** Encodes a column's values as pages. One encoder serves all columns of a writer in turn. */
export class PageEncoder {
  /** Finds the encoding of values; undefined where they are always PLAIN. */
  readonly choice: EncodingChoice | undefined;
  readonly #compressor: PageCompressor;
  readonly #buffer = new PageBuffer();
  readonly #header = new ByteWriter(64);

  /** @param options.avoided encodings that are not used */
  constructor(
    compressor: PageCompressor,
    { encoding, avoided = [] }: { readonly encoding: FileEncoding; readonly avoided?: readonly string[] | undefined },
  ) {
    this.#compressor = compressor;
    this.choice = encoding === 'plain' ? undefined : new EncodingChoice(this.#buffer, { compressor, avoided });
  }

  get codec(): CompressionCodec {
    return this.#compressor.parquetName;
  }

  /**
   * A data page of everything the column holds. The column is unchanged.
   * @param wanted encoding of values without a dictionary, in a page of version 2; one of version 1 has them PLAIN
   */
  dataPage(column: ColumnBuffer, wanted: ValueEncoding | undefined): EncodedPage {
    const page = wanted === undefined ? this.#dataPage(column) : this.#dataPageV2(column, wanted);
    this.#buffer.clear();
    return page;
  }

  dictionaryPage(dictionary: Dictionary): EncodedPage {
    const content = dictionary.plain();
    const body = this.#compressor.compress(content);
    return this.#page(
      { body, contentLength: content.length, encoding: 'PLAIN' },
      { type: 'DICTIONARY_PAGE', dictionary_page_header: { num_values: dictionary.count, encoding: 'PLAIN' } },
    );
  }

  #dataPage(column: ColumnBuffer): EncodedPage {
    const encoding = usesDictionary(column) ? 'RLE_DICTIONARY' : 'PLAIN';
    const content = this.#dataContent(column);
    const body = this.#compressor.compress(content);
    return this.#page(
      { body, contentLength: content.length, encoding },
      {
        type: 'DATA_PAGE',
        data_page_header: {
          num_values: column.levels.count,
          encoding,
          definition_level_encoding: 'RLE',
          repetition_level_encoding: 'RLE',
        },
      },
    );
  }

  #dataContent(column: ColumnBuffer): Uint8Array {
    const { levels } = column;
    const isBare = levels.maxDefinition === 0 && levels.maxRepetition === 0;
    if (isBare && !usesDictionary(column)) return column.plain();
    this.#start(column, column.usesDictionary ? 0 : column.plainLength);
    if (levels.maxRepetition > 0) this.#appendLength(() => this.#appendRepetition(column));
    if (levels.maxDefinition > 0) this.#appendLength(() => this.#appendDefinition(column));
    if (usesDictionary(column)) this.#appendIndices(column);
    else this.#buffer.append(column.plain());
    return this.#buffer.content();
  }

  /** Levels are not compressed, nor values that this does not make smaller. */
  #dataPageV2(column: ColumnBuffer, wanted: ValueEncoding): EncodedPage {
    const { levels } = column;
    const buffer = this.#buffer;
    const values = plainValues(column);
    this.#start(column, column.usesDictionary ? 0 : mostBytes(values));
    if (levels.maxRepetition > 0) this.#appendRepetition(column);
    const repetitionLength = buffer.length;
    if (levels.maxDefinition > 0) this.#appendDefinition(column);
    const levelsLength = buffer.length;
    let encoding: Encoding = 'PLAIN';
    if (usesDictionary(column)) {
      encoding = 'RLE_DICTIONARY';
      this.#appendIndices(column);
    } else if (wanted !== 'PLAIN' && values.count > 0 && appendEncoded(buffer, values, { column, encoding: wanted })) {
      encoding = wanted;
    } else {
      buffer.append(column.plain());
    }
    const content = buffer.content();
    const plain = content.subarray(levelsLength);
    // Without values there is nothing that every reader could decompress.
    const compressed = plain.length === 0 ? plain : this.#compressor.compress(plain);
    const isCompressed = compressed.length < plain.length;
    const body = new Uint8Array(levelsLength + (isCompressed ? compressed : plain).length);
    body.set(content.subarray(0, levelsLength));
    body.set(isCompressed ? compressed : plain, levelsLength);
    return this.#page(
      { body, contentLength: content.length, encoding },
      {
        type: 'DATA_PAGE_V2',
        data_page_header_v2: {
          num_values: levels.count,
          num_nulls: levels.nulls,
          num_rows: levels.rows,
          encoding,
          definition_levels_byte_length: levelsLength - repetitionLength,
          repetition_levels_byte_length: repetitionLength,
          is_compressed: isCompressed,
        },
      },
    );
  }

  /** Levels and indices of at most 4 bytes each, or the values: with room for what kernels write behind their end. */
  #start({ levels, valueCount, memory }: ColumnBuffer, valueBytes: number): void {
    this.#buffer.start(memory.kernels, (levels.count + valueCount) * 4 + valueBytes + 1024);
  }

  #appendRepetition({ levels, memory: { kernels } }: ColumnBuffer): void {
    const width = bitWidth(levels.maxRepetition);
    appendHybrid(this.#buffer, levels.repetition, { count: levels.count, width, kernels });
  }

  #appendDefinition({ levels, memory: { kernels } }: ColumnBuffer): void {
    const { definition, count, maxDefinition } = levels;
    const width = bitWidth(maxDefinition);
    if (definition === undefined) appendRun(this.#buffer, maxDefinition, count, width);
    else appendHybrid(this.#buffer, definition, { count, width, kernels });
  }

  #appendIndices({ dictionary, indices, valueCount, memory: { kernels } }: ColumnBuffer): void {
    const buffer = this.#buffer;
    // Based on the current dictionary: later entries do not occur in this page.
    const width = bitWidth((dictionary?.count ?? 1) - 1);
    buffer.reserve(1);
    buffer.bytes[buffer.length++] = width;
    appendHybrid(buffer, indices, { count: valueCount, width, kernels });
  }

  /** In data pages v1, levels are preceded by their length in 4 bytes. */
  #appendLength(append: () => void): void {
    const buffer = this.#buffer;
    buffer.reserve(4);
    const start = buffer.length;
    buffer.length += 4;
    append();
    buffer.view.setInt32(start, buffer.length - start - 4, true);
  }

  #page(
    {
      body,
      contentLength,
      encoding,
    }: { readonly body: Uint8Array; readonly contentLength: number; encoding: Encoding },
    header: Omit<PageHeader, 'type' | 'uncompressed_page_size' | 'compressed_page_size'> & Pick<EncodedPage, 'type'>,
  ): EncodedPage {
    const writer = this.#header;
    writer.index = 0;
    writer.offset = 0;
    writePageHeader(writer, {
      ...header,
      uncompressed_page_size: contentLength,
      compressed_page_size: body.length,
    });
    const bytes = writer.getBytes().slice();
    return {
      type: header.type,
      header: bytes,
      body,
      encoding,
      uncompressedLength: bytes.length + contentLength,
      length: bytes.length + body.length,
    };
  }
}

/** A page without values needs no dictionary; some readers fail to decompress one without entries. */
function usesDictionary(column: ColumnBuffer): boolean {
  return column.usesDictionary && (column.dictionary?.count ?? 0) > 0;
}
