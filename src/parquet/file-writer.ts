import type { RowGroup } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import type { ColumnBuffer } from '../columns/column-buffer.js';
import type { ColumnSpec } from '../columns/column-spec.js';
import type { RowSink } from '../columns/row-sink.js';
import { createCompressor } from './codec.js';
import type { FileOptions } from './file-options.js';
import { VERSION } from '../version.js';
import type { FinishedChunk } from './column-chunk.js';
import { columnSummaries, type ColumnSummary } from './column-summary.js';
import { typeEmptyRowGroups } from './empty-row-groups.js';
import { FileSizeLimit, type SizedFile } from './file-size-limit.js';
import { PageEncoder } from './page-encoder.js';
import { writePageIndex } from './page-index.js';
import { RowGroupWriter } from './row-group.js';
import { schemaElements } from './schema.js';

/** Row groups close at this much encoded data, before compression, however few their rows. */
export const ROW_GROUP_BYTES = 128 << 20;

/** The footer's own fields, without those of columns. */
const FOOTER_BYTES = 1 << 10;

const MAGIC = new TextEncoder().encode('PAR1');

/** Receives the file's bytes in order, and owns the chunks. */
export interface FileOutput {
  write(chunks: readonly Uint8Array[]): Promise<void>;
}

/** A column that rows of a row group are sorted by: `SortingColumn` of parquet.thrift. */
export type SortingColumn = NonNullable<RowGroup['sorting_columns']>[number];

export interface ParquetFileOptions {
  readonly output: FileOutput;
  /** Empty buffers, one per column; they may have been used for another file. */
  readonly columns: readonly ColumnBuffer[];
  readonly files: FileOptions;
  /** The order of the rows, which the caller has made sure of. */
  readonly sorting?: readonly SortingColumn[] | undefined;
}

export interface FileSummary {
  readonly rows: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly rowGroups: readonly { readonly rows: number; readonly bytes: number }[];
  /** In the order of the columns. */
  readonly columns: readonly ColumnSummary[];
}

/**
 * Writes one Parquet file from the rows appended to `columns`. A row group is encoded page by page as rows arrive, and
 * written when it closes; at most one row group is being written while the next one fills.
 */
export class ParquetFileWriter implements RowSink, SizedFile {
  readonly columns: readonly ColumnBuffer[];
  /** Rows committed so far. */
  rows = 0;
  readonly #options: ParquetFileOptions;
  readonly #group: RowGroupWriter;
  readonly #rowGroups: RowGroup[] = [];
  readonly #chunks: FinishedChunk[] = [];
  readonly #sizeLimit: FileSizeLimit;
  #offset = 0;
  /** Of the closed row groups; see `RowGroupWriter.metadataLength`. */
  #metadataLength = 0;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(options: ParquetFileOptions) {
    this.#options = options;
    this.columns = options.columns;
    const { codec, compressionLevel, maxFileBytes, encoding = 'plain', avoidedEncodings: avoided } = options.files;
    this.#sizeLimit = new FileSizeLimit(maxFileBytes);
    const encoder = new PageEncoder(createCompressor(codec, compressionLevel), { encoding, avoided });
    this.#group = new RowGroupWriter(options.columns, encoder, options.files.rowGroupRows);
    this.#write([MAGIC]);
  }

  get room(): number {
    const { rowGroupRows, maxRowsPerFile = Infinity } = this.#options.files;
    return Math.min(rowGroupRows - this.#group.rows, maxRowsPerFile - this.rows, this.#sizeLimit.room);
  }

  /** Whether the file has all the rows or bytes that it may have. */
  get isFull(): boolean {
    const { maxRowsPerFile = Infinity } = this.#options.files;
    return this.rows >= maxRowsPerFile || this.#sizeLimit.isReached;
  }

  commit(rows: number): Promise<void> | undefined {
    this.rows += rows;
    const encoded = this.#group.commit(rows);
    this.#sizeLimit.review(this);
    if (this.#group.rows < this.#options.files.rowGroupRows && encoded < ROW_GROUP_BYTES) return undefined;
    const earlier = this.#isWriting ? this.#writing : undefined;
    this.#closeRowGroup();
    return earlier;
  }

  /** The file's size if it ended now, in bytes; see `SizedFile`. */
  estimatedBytes(): number {
    const { maxFileBytes = Infinity } = this.#options.files;
    const metadata = FOOTER_BYTES + this.#metadataLength + this.#group.metadataLength;
    // A table with so many columns that the footer alone exceeds the limit must not end in a file for each row.
    return this.#offset + this.#group.estimatedLength + Math.min(metadata, maxFileBytes / 2);
  }

  takePages(): void {
    this.#group.measure();
  }

  /** Writes the last row group, the page index and the footer. */
  async finish(): Promise<FileSummary> {
    if (this.#group.rows > 0) this.#closeRowGroup();
    this.#write([this.#footer()]);
    await this.#writing;
    return {
      rows: this.rows,
      bytes: this.#offset,
      rowGroups: this.#rowGroups.map((group) => ({
        rows: Number(group.num_rows),
        bytes: Number(group.total_compressed_size),
      })),
      columns: columnSummaries(
        this.columns.map((column) => column.spec),
        this.#rowGroups,
      ),
    };
  }

  #closeRowGroup(): void {
    this.#metadataLength += this.#group.metadataLength;
    const group = this.#group.finish(this.#offset);
    const { sorting } = this.#options;
    this.#rowGroups.push(sorting === undefined ? group.metadata : { ...group.metadata, sorting_columns: [...sorting] });
    // Without their bytes, which must not be kept after the write.
    this.#chunks.push(...group.chunks.map((chunk) => ({ ...chunk, bytes: [], bloomFilter: undefined })));
    this.#write(group.bytes);
  }

  #write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#offset += chunk.length;
    this.#isWriting = true;
    const writing = this.#writing.then(() => this.#options.output.write(chunks));
    this.#writing = writing;
    // The next commit or the end reports a failure; this only keeps the rejection from counting as unhandled.
    writing.then(
      () => {
        if (this.#writing === writing) this.#isWriting = false;
      },
      () => undefined,
    );
  }

  #footer(): Uint8Array {
    const writer = new ByteWriter(1 << 14);
    writePageIndex(writer, this.#chunks, this.#offset);
    const specs = this.columns.map((column) => column.spec);
    const byName = (of: (spec: ColumnSpec) => string | undefined) =>
      JSON.stringify(Object.fromEntries(specs.map((spec) => [spec.name, of(spec)])));
    const pairs = {
      'lakeport.source_types': byName(({ sourceType }) => sourceType),
      // Of the other columns it is exact.
      'lakeport.fidelity': byName(({ fidelity }) => (fidelity === 'exact' ? undefined : fidelity)),
      ...this.#options.files.footer,
    };
    writeMetadata(
      writer,
      {
        // With data pages of either version, as parquet-mr writes it: some readers reject other numbers.
        version: 1,
        schema: schemaElements(specs),
        num_rows: BigInt(this.rows),
        row_groups: this.#rowGroups,
        key_value_metadata: Object.entries(pairs).map(([key, value]) => ({ key, value })),
        created_by: `lakeport version ${VERSION}`,
        metadata_length: 0,
      },
      Infinity,
    );
    writer.appendBytes(MAGIC);
    const footer = writer.getBytes();
    if (this.#rowGroups.length === 0) typeEmptyRowGroups(footer, Object.keys(pairs).length);
    return footer;
  }
}
