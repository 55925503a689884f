import type { RowGroup } from 'hyparquet';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import { pageBytesFor, pageEntriesFor } from '../columns/page-size.js';
import { ColumnChunkWriter, type FinishedChunk } from './column-chunk.js';
import type { PageEncoder } from './page-encoder.js';

export interface FinishedRowGroup {
  readonly rows: number;
  readonly bytes: readonly Uint8Array[];
  readonly length: number;
  readonly chunks: readonly FinishedChunk[];
  readonly metadata: RowGroup;
}

/** Collects rows until the row group closes. Reused for every row group. */
export class RowGroupWriter {
  readonly #columns: readonly ColumnBuffer[];
  readonly #chunks: readonly ColumnChunkWriter[];
  readonly #pageBytes: number;
  readonly #pageEntries: number;
  rows = 0;

  /** @param rowGroupRows most rows of a row group */
  constructor(columns: readonly ColumnBuffer[], encoder: PageEncoder, rowGroupRows: number) {
    this.#columns = columns;
    this.#chunks = columns.map((column) => new ColumnChunkWriter(column, encoder, rowGroupRows));
    this.#pageBytes = pageBytesFor(columns.length);
    this.#pageEntries = pageEntriesFor(columns.length);
    for (const column of columns) column.startRowGroup();
  }

  /**
   * Counts rows that were appended to every column, and takes the pages that are full.
   * @returns bytes of encoded data so far, before compression
   */
  commit(rows: number): number {
    this.rows += rows;
    let encoded = 0;
    this.#columns.forEach((column, i) => {
      const chunk = this.#chunks[i];
      if (chunk === undefined) return;
      column.reviewDictionary();
      if (column.pageLength >= this.#pageBytes || column.levels.count >= this.#pageEntries) chunk.takePage();
      encoded += chunk.encodedLength + column.pageLength;
    });
    return encoded;
  }

  /** The row group's size in the file if it were closed now, in bytes. */
  get estimatedLength(): number {
    return this.#chunks.reduce((total, chunk) => total + chunk.estimatedLength, 0);
  }

  /** Bytes of the row group in the footer and the page index, with a margin. */
  get metadataLength(): number {
    return this.#chunks.reduce((total, chunk) => total + chunk.metadataLength, 0);
  }

  /** Takes pages of all that the columns hold, whose size is then known. */
  measure(): void {
    for (const chunk of this.#chunks) chunk.measure();
  }

  /** @param offset of the row group in the file, in bytes */
  finish(offset: number): FinishedRowGroup {
    let at = offset;
    const chunks = this.#chunks.map((writer) => {
      const chunk = writer.finish(at);
      at += chunk.length;
      return chunk;
    });
    const dataLength = at - offset;
    for (const { bloomFilter, metadata } of chunks) {
      if (bloomFilter === undefined || metadata.meta_data === undefined) continue;
      metadata.meta_data.bloom_filter_offset = BigInt(at);
      metadata.meta_data.bloom_filter_length = bloomFilter.length;
      at += bloomFilter.length;
    }
    const { rows } = this;
    this.rows = 0;
    for (const column of this.#columns) column.startRowGroup();
    return {
      rows,
      bytes: [...chunks.flatMap((chunk) => chunk.bytes), ...chunks.flatMap(({ bloomFilter = [] }) => bloomFilter)],
      length: at - offset,
      chunks,
      metadata: {
        columns: chunks.map((chunk) => chunk.metadata),
        total_byte_size: BigInt(chunks.reduce((total, chunk) => total + chunk.uncompressedLength, 0)),
        total_compressed_size: BigInt(dataLength),
        file_offset: BigInt(offset),
        num_rows: BigInt(rows),
      },
    };
  }
}
