import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { PageCompressor } from './codec.js';
import type { PageBuffer } from './page-buffer.js';
import { firstEntries, firstValues, plainValues, type PlainValues } from './plain-values.js';
import { appendHybrid, bitWidth } from './rle.js';
import { appendEncoded, encodingsFor, mostBytes, type ValueEncoding } from './value-encoding.js';

/** Bytes of a page that are encoded and compressed in each way to find the smallest. */
const SAMPLE_BYTES = 128 << 10;
/** Other encodings than PLAIN cost readers time: they must make a column at least this much smaller. */
const WORTHWHILE = 0.98;

/** What a chunk's dictionary is expected to become. */
export interface ExpectedDictionary {
  readonly byteLength: number;
  /** Values of the chunk. */
  readonly values: number;
}

/** Finds the encoding that makes a column smallest, by trying each on the first values of a page. */
export class EncodingChoice {
  readonly #compressor: PageCompressor;
  readonly #avoided: readonly string[];
  /** Shared with whoever encodes the page afterwards. */
  readonly #buffer: PageBuffer;

  /** @param options.avoided encodings that are not used */
  constructor(
    buffer: PageBuffer,
    { compressor, avoided }: { readonly compressor: PageCompressor; readonly avoided: readonly string[] },
  ) {
    this.#buffer = buffer;
    this.#compressor = compressor;
    this.#avoided = avoided;
  }

  /** For a column that holds values without a dictionary. */
  ofValues(column: ColumnBuffer): ValueEncoding {
    const all = plainValues(column);
    // A boolean takes a bit: a page of them is a sample.
    const sample = column.kind === 'boolean' ? all : firstValues(column, all, SAMPLE_BYTES);
    const plain = column.kind === 'boolean' ? column.plain() : sample.bytes;
    return this.#smallest(column, sample, plain).encoding;
  }

  /** Whether a column's dictionary makes it smaller than any encoding without one would. */
  isDictionarySmallest(column: ColumnBuffer, expected: ExpectedDictionary): boolean {
    const { kernels } = column.memory;
    const { dictionary, indices } = column;
    if (kernels === undefined || dictionary === undefined) return true;
    const sample = firstEntries(column, kernels, SAMPLE_BYTES);
    if (sample === undefined || sample.count === 0) return true;
    const { length } = this.#smallest(column, sample, sample.bytes);
    const buffer = this.#start(column, sample.count * 4 + 1024);
    const width = bitWidth(dictionary.count - 1);
    appendHybrid(buffer, indices, { count: sample.count, width, kernels });
    const indexLength = this.#lengthOf(buffer.content());
    const entries = dictionary.plain().subarray(0, SAMPLE_BYTES);
    const compression = entries.length === 0 ? 1 : this.#lengthOf(entries) / entries.length;
    const share = expected.byteLength * compression * (sample.count / Math.max(expected.values, 1));
    return indexLength + share <= length;
  }

  #smallest(
    column: ColumnBuffer,
    sample: PlainValues,
    plain: Uint8Array,
  ): { readonly encoding: ValueEncoding; readonly length: number } {
    let smallest: { readonly encoding: ValueEncoding; readonly length: number } = {
      encoding: 'PLAIN',
      length: this.#lengthOf(plain),
    };
    for (const encoding of encodingsFor(column.spec.type)) {
      if (this.#avoided.includes(encoding)) continue;
      const buffer = this.#start(column, mostBytes(sample));
      if (!appendEncoded(buffer, sample, { column, encoding })) continue;
      const length = this.#lengthOf(buffer.content());
      const limit = smallest.encoding === 'PLAIN' ? smallest.length * WORTHWHILE : smallest.length;
      if (length < limit) smallest = { encoding, length };
    }
    return smallest;
  }

  #start(column: ColumnBuffer, bytes: number): PageBuffer {
    this.#buffer.start(column.memory.kernels, bytes);
    return this.#buffer;
  }

  #lengthOf(page: Uint8Array): number {
    return Math.min(page.length, this.#compressor.compress(page).length);
  }
}
