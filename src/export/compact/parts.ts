import { constantValues } from '../../columns/constant-values.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import { readParquetTypeName } from '../../columns/type-name.js';
import { LakeportError } from '../../errors.js';
import { damaged } from '../../parquet-reader/damaged.js';
import { DataPages } from '../../parquet-reader/data-pages.js';
import {
  type ColumnChunkFacts,
  type ParquetFooter,
  readFooter,
  type RowGroupFacts,
} from '../../parquet-reader/footer.js';
import type { RandomAccess } from '../../parquet-reader/random-access.js';
import { typeNameOf } from '../../parquet-reader/type-name.js';
import { ChunkCopy, type ColumnCopy, NullCopy } from './chunk-copy.js';
import { toPlain } from './plain-values.js';

/** A published file whose rows are merged. */
export interface MergedFile {
  readonly file: RandomAccess;
  /** Relative to the table's directory. */
  readonly name: string;
  /** Of the sync that wrote it: of two rows with one key, that of the later sync counts. */
  readonly sync: number;
  /** Hive-style directories below the table's; empty for none. */
  readonly directory: string;
  /** What they say, by level; null for NULL. */
  readonly levels: Readonly<Record<string, string | null>>;
}

/** A file whose footer is read. */
export class Part {
  readonly source: MergedFile;
  readonly footer: ParquetFooter;

  private constructor(source: MergedFile, footer: ParquetFooter) {
    this.source = source;
    this.footer = footer;
  }

  /** @throws LakeportError for a file that is no Parquet, or cannot be read */
  static async open(source: MergedFile): Promise<Part> {
    return new Part(source, await readFooter(source.file));
  }

  /** Undefined if it lacks the column, or gives it none. */
  fieldId(column: string): number | undefined {
    return this.footer.schema.children.find(({ element }) => element.name === column)?.element.field_id;
  }

  /** Whether it may hold NULL in the column, or lacks it. */
  isNullable(column: string): boolean {
    const node = this.footer.schema.children.find(({ element }) => element.name === column);
    return node?.element.repetition_type !== 'REQUIRED';
  }

  /**
   * What copies the rows of a row group into buffers, each from its first row on. A column that the part lacks is what
   * the names of its directories say, or NULL.
   * @throws LakeportError if a column cannot become that of its buffer
   */
  async copies(group: RowGroupFacts, columns: readonly ColumnBuffer[]): Promise<RowGroupCopy> {
    const chunks = columns.map(({ spec }) => group.chunks.find(({ column }) => column.path[0] === spec.name));
    const bytes = await this.#read(chunks.filter((chunk) => chunk !== undefined));
    const copies = columns.map((column, index) => this.#copy(column, chunks[index], bytes));
    return new RowGroupCopy(columns, copies, this.source.file.name);
  }

  #copy(
    column: ColumnBuffer,
    chunk: ColumnChunkFacts | undefined,
    bytes: ReadonlyMap<ColumnChunkFacts, Uint8Array>,
  ): ColumnCopy {
    const content = chunk && bytes.get(chunk);
    if (chunk === undefined || content === undefined) {
      const level = this.source.levels[column.spec.name] ?? undefined;
      return level === undefined ? new NullCopy(column) : new LevelCopy(column, level);
    }
    const pages = new DataPages(content, chunk, { schema: this.footer.metadata.schema, asBits: true });
    return new ChunkCopy(pages, { column, toPlain: this.#conversion(column) });
  }

  #conversion({ spec }: ColumnBuffer) {
    const node = this.footer.schema.children.find(({ element }) => element.name === spec.name);
    const found = node && typeNameOf(node);
    const from = found === undefined ? undefined : readParquetTypeName(found);
    const conversion = from?.list === spec.list ? toPlain(from.type, spec.type) : undefined;
    if (conversion !== undefined) return conversion;
    throw new LakeportError({
      code: 'COMPACT_SCHEMA',
      message: `${this.source.file.name} has column ${spec.name} as ${found ?? 'nothing'}, which cannot become the type that later files have`,
      hint: 'Export the table in full: lakeport export --reset-watermarks.',
      context: { path: this.source.file.name, column: spec.name },
    });
  }

  /** The chunks' bytes, in one request where they lie beside each other. */
  async #read(chunks: readonly ColumnChunkFacts[]): Promise<ReadonlyMap<ColumnChunkFacts, Uint8Array>> {
    const ordered = [...chunks].sort((a, b) => a.offset - b.offset);
    const spans: { start: number; end: number; readonly chunks: ColumnChunkFacts[] }[] = [];
    for (const chunk of ordered) {
      const last = spans[spans.length - 1];
      const end = chunk.offset + chunk.compressedBytes;
      if (last !== undefined && chunk.offset === last.end) {
        last.end = end;
        last.chunks.push(chunk);
      } else spans.push({ start: chunk.offset, end, chunks: [chunk] });
    }
    const read = await Promise.all(
      spans.map(async (span) => {
        const bytes = await this.source.file.read(span.start, span.end);
        return span.chunks.map((chunk) => {
          const at = chunk.offset - span.start;
          return [chunk, bytes.subarray(at, at + chunk.compressedBytes)] as const;
        });
      }),
    );
    return new Map(read.flat());
  }
}

/** Copies the rows of a row group, some at a time. */
export class RowGroupCopy {
  readonly #columns: readonly ColumnBuffer[];
  readonly #copies: readonly ColumnCopy[];
  readonly #file: string;

  constructor(columns: readonly ColumnBuffer[], copies: readonly ColumnCopy[], file: string) {
    this.#columns = columns;
    this.#copies = copies;
    this.#file = file;
  }

  /**
   * Goes on by so many rows.
   * @param isKept by row: 0 for those that are passed over
   * @throws LakeportError `PARQUET_DAMAGED` if pages cannot be decoded
   */
  copy(rows: number, isKept: Uint8Array): void {
    this.#copies.forEach((copy, index) => {
      try {
        copy.copy(rows, isKept);
      } catch (thrown) {
        const column = this.#columns[index]?.spec.name ?? '';
        throw damaged(this.#file, `The pages of column ${column} cannot be decoded`, thrown).within({ column });
      }
    });
  }
}

/** Rows of a file in whose directories a column is. */
class LevelCopy implements ColumnCopy {
  readonly #values: ReturnType<typeof constantValues>;

  constructor(column: ColumnBuffer, level: string) {
    this.#values = constantValues(column, level);
  }

  copy(rows: number, isKept: Uint8Array): void {
    let kept = 0;
    for (let i = 0; i < rows; i++) if (isKept[i] !== 0) kept++;
    this.#values.append(kept);
  }
}
