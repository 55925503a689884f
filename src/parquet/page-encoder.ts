import type { CompressionCodec, Encoding, PageHeader } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { Dictionary } from '../columns/dictionary.js';
import type { PageCompressor } from './codec.js';
import { PageBuffer } from './page-buffer.js';
import { appendHybrid, appendRun, bitWidth } from './rle.js';

/** One page as written to the file. */
export interface EncodedPage {
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
  readonly #compressor: PageCompressor;
  readonly #buffer = new PageBuffer();
  readonly #header = new ByteWriter(64);

  constructor(compressor: PageCompressor) {
    this.#compressor = compressor;
  }

  get codec(): CompressionCodec {
    return this.#compressor.parquetName;
  }

  /** A data page (v1) of everything the column holds. The column is unchanged. */
  dataPage(column: ColumnBuffer): EncodedPage {
    const encoding = usesDictionary(column) ? 'RLE_DICTIONARY' : 'PLAIN';
    const body = this.#dataBody(column);
    const page = this.#encode(body, encoding, (sizes) => ({
      type: 'DATA_PAGE',
      ...sizes,
      data_page_header: {
        num_values: column.levels.count,
        encoding,
        definition_level_encoding: 'RLE',
        repetition_level_encoding: 'RLE',
      },
    }));
    this.#buffer.clear();
    return page;
  }

  dictionaryPage(dictionary: Dictionary): EncodedPage {
    return this.#encode(dictionary.plain(), 'PLAIN', (sizes) => ({
      type: 'DICTIONARY_PAGE',
      ...sizes,
      dictionary_page_header: { num_values: dictionary.count, encoding: 'PLAIN' },
    }));
  }

  #dataBody(column: ColumnBuffer): Uint8Array {
    const { levels } = column;
    const isBare = levels.maxDefinition === 0 && levels.maxRepetition === 0;
    if (isBare && !usesDictionary(column)) return column.plain();
    const buffer = this.#buffer;
    const { kernels } = column.memory;
    // Levels and indices of at most 4 bytes each, or the values: with room for what kernels write behind their end.
    buffer.start(
      kernels,
      (levels.count + column.valueCount) * 4 + (column.usesDictionary ? 0 : column.plainLength) + 1024,
    );
    if (levels.maxRepetition > 0) {
      this.#appendLevels(() => {
        appendHybrid(buffer, levels.repetition, {
          count: levels.count,
          width: bitWidth(levels.maxRepetition),
          kernels,
        });
      });
    }
    if (levels.maxDefinition > 0) {
      const width = bitWidth(levels.maxDefinition);
      const { definition, count, maxDefinition } = levels;
      this.#appendLevels(() => {
        if (definition === undefined) appendRun(buffer, maxDefinition, count, width);
        else appendHybrid(buffer, definition, { count, width, kernels });
      });
    }
    if (usesDictionary(column)) {
      // Based on the current dictionary: later entries do not occur in this page.
      const width = bitWidth((column.dictionary?.count ?? 1) - 1);
      buffer.reserve(1);
      buffer.bytes[buffer.length++] = width;
      appendHybrid(buffer, column.indices, { count: column.valueCount, width, kernels });
    } else {
      buffer.append(column.plain());
    }
    return buffer.content();
  }

  /** In data pages v1, levels are preceded by their length in 4 bytes. */
  #appendLevels(append: () => void): void {
    const buffer = this.#buffer;
    buffer.reserve(4);
    const start = buffer.length;
    buffer.length += 4;
    append();
    buffer.view.setInt32(start, buffer.length - start - 4, true);
  }

  #encode(
    content: Uint8Array,
    encoding: Encoding,
    describe: (sizes: { uncompressed_page_size: number; compressed_page_size: number }) => PageHeader,
  ): EncodedPage {
    const body = this.#compressor.compress(content);
    const writer = this.#header;
    writer.index = 0;
    writer.offset = 0;
    writePageHeader(writer, describe({ uncompressed_page_size: content.length, compressed_page_size: body.length }));
    const header = writer.getBytes().slice();
    return {
      header,
      body,
      encoding,
      uncompressedLength: header.length + content.length,
      length: header.length + body.length,
    };
  }
}

/** A page without values needs no dictionary; some readers fail to decompress one without entries. */
function usesDictionary(column: ColumnBuffer): boolean {
  return column.usesDictionary && (column.dictionary?.count ?? 0) > 0;
}
