import type { SortingColumn } from '../../parquet/file-writer.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { ConstantValues } from '../../columns/constant-values.js';
import type { RowSink } from '../../columns/row-sink.js';
import { LakeportError } from '../../errors.js';
import { type FileOutput, ParquetFileWriter } from '../../parquet/file-writer.js';
import type { PartWriter, StagedPart } from '../../storage/storage.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { StagedFile } from '../model/slice-outcome.js';

/** Bytes are passed to the store in portions of at least this size, so small files take a single write. */
const PORTION_BYTES = 256 << 10;

export interface SliceSinkOptions {
  /** Those that are read. */
  readonly columns: readonly ColumnBuffer[];
  /** The files' further columns, and what fills them. */
  readonly added?: readonly AddedBuffer[];
  readonly files: FileOptions;
  /** The order of the rows, if Parquet can express it. */
  readonly sorting?: readonly SortingColumn[] | undefined;
  /** Opens the slice's file with this number, from 0. Called once there are bytes for it. */
  readonly openPart: (file: number) => Promise<PartWriter>;
  /** Called for each complete file. */
  readonly onStaged: (file: StagedFile) => void;
  /** Called after each commit with the sums so far. */
  readonly onProgress: (progress: { readonly rows: number; readonly bytes: number }) => void;
}

interface AddedBuffer {
  readonly column: ColumnBuffer;
  readonly values: ConstantValues;
}

/** Writes a slice's rows to one Parquet file, or to several if their rows or bytes are limited. */
export class SliceSink implements RowSink {
  readonly columns: readonly ColumnBuffer[];
  readonly files: StagedFile[] = [];
  readonly #options: SliceSinkOptions;
  #part: LazyPart;
  #writer: ParquetFileWriter;
  #rows = 0;
  #bytes = 0;

  constructor(options: SliceSinkOptions) {
    this.#options = options;
    this.columns = options.columns;
    [this.#part, this.#writer] = this.#startFile();
  }

  get room(): number {
    return this.#writer.room;
  }

  /** Rows committed so far, over all files. */
  get rows(): number {
    return this.#rows;
  }

  commit(rows: number): Promise<void> | undefined {
    this.#rows += rows;
    for (const { values } of this.#options.added ?? []) values.append(rows);
    const written = this.#writer.commit(rows);
    this.#options.onProgress({ rows: this.#rows, bytes: this.#bytes });
    if (!this.#writer.isFull) return written;
    return this.#nextFile(written);
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Completes the last file. Without rows, a file is written only on request. */
  async finish(options: { readonly emptyFile: boolean }): Promise<void> {
    if (this.#writer.rows > 0 || (options.emptyFile && this.files.length === 0)) await this.#finishFile();
  }

  /** Discards the file in progress; complete files stay staged. */
  abort(): Promise<void> {
    return this.#part.abort();
  }

  async #nextFile(written: Promise<void> | undefined): Promise<void> {
    await written;
    await this.#finishFile();
    [this.#part, this.#writer] = this.#startFile();
  }

  async #finishFile(): Promise<void> {
    const { bytes, ...contents } = await this.#writer.finish();
    const part = await this.#part.end();
    const file: StagedFile = { part, ...contents };
    this.#options.onStaged(file);
    this.files.push(file);
    checkSize(part, bytes);
  }

  #startFile(): [LazyPart, ParquetFileWriter] {
    const { added = [], files, sorting, openPart } = this.#options;
    const columns = [...this.columns, ...added.map(({ column }) => column)];
    const part = new LazyPart(() => openPart(this.files.length));
    const writer = new ParquetFileWriter({ output: part, columns, sorting, files });
    return [part, writer];
  }
}

function checkSize(part: { readonly path: string; readonly bytes: number }, written: number): void {
  if (part.bytes === written) return;
  throw new LakeportError({
    code: 'STAGED_SIZE_DIFFERS',
    message: `The store received ${part.bytes} bytes of a file of ${written} bytes`,
    hint: 'This should never happen; please report it.',
    context: { path: part.path },
  });
}

/** A staged file opened with its first portion of bytes: a slice without rows leaves no file. */
class LazyPart implements FileOutput {
  readonly #open: () => Promise<PartWriter>;
  #opening: Promise<PartWriter> | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #aborted = false;

  constructor(open: () => Promise<PartWriter>) {
    this.#open = open;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    this.#held.push(...chunks);
    for (const chunk of chunks) this.#heldBytes += chunk.length;
    if (this.#heldBytes >= PORTION_BYTES) await this.#flush();
  }

  async end(): Promise<StagedPart> {
    return (await this.#flush()).end();
  }

  async abort(): Promise<void> {
    // The Parquet writer may still flush pending bytes; they must not open the file again.
    this.#aborted = true;
    this.#held = [];
    const writer = await this.#opening?.catch(() => undefined);
    await writer?.abort();
  }

  async #flush(): Promise<PartWriter> {
    if (this.#aborted) throw new Error('The file was aborted');
    this.#opening ??= this.#open();
    const portion = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    const writer = await this.#opening;
    await writer.write(portion);
    return writer;
  }
}
