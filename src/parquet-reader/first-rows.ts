import {
  type ColumnMetaData,
  type FileMetaData,
  type PageHeader,
  parquetRead,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import pLimit from 'p-limit';

import { LakeportError } from '../errors.js';
import { damaged } from './damaged.js';
import { decompressors } from './decompressors.js';
import { firstPageOffset, type ParquetFooter } from './footer.js';
import type { RandomAccess } from './random-access.js';
import { type ShownValue, shownNested } from './shown-value.js';

/** Columns read at the same time. */
const AT_ONCE = 8;
/** Read of a column chunk before the size of its first page is known. */
const WINDOW_BYTES = 16 << 10;

/**
 * The first rows, each with a value per column (top level). Of column chunks with more rows, only the pages that are
 * needed are read; of nested ones in data pages v1, whose headers do not tell the rows, the whole chunk.
 * @throws LakeportError for pages that cannot be decoded
 */
export async function firstRows(file: RandomAccess, footer: ParquetFooter, count: number): Promise<ShownValue[][]> {
  const rows = Math.min(count, footer.rows);
  if (rows === 0) return [];
  const limit = pLimit(AT_ONCE);
  const columns = await Promise.all(
    footer.schema.children.map((node) => limit(() => firstValues(file, { footer, node, rows }))),
  );
  return Array.from({ length: rows }, (_, row) => columns.map((values) => values[row] ?? null));
}

interface ColumnRead {
  readonly footer: ParquetFooter;
  readonly node: SchemaTree;
  readonly rows: number;
}

async function firstValues(file: RandomAccess, { footer, node, rows }: ColumnRead): Promise<ShownValue[]> {
  const name = node.element.name;
  try {
    const heads: ChunkHead[] = [];
    const metadata = await headMetadata(file, { footer, node, rows }, heads);
    let found: unknown[][] = [];
    await parquetRead({
      file: {
        byteLength: file.bytes,
        slice: async (start, end = file.bytes) => {
          const head = heads.find((known) => known.has(start, end));
          return arrayBuffer(head === undefined ? await file.read(start, end) : head.slice(start, end));
        },
      },
      metadata,
      columns: [name],
      rowEnd: rows,
      utf8: false,
      compressors: decompressors(),
      parsers: { timestampFromNanoseconds: (nanoseconds) => nanoseconds },
      onComplete: (read: unknown[][]) => {
        found = read;
      },
    });
    return found.map(([value]) => shownNested(node, value));
  } catch (thrown) {
    if (thrown instanceof LakeportError) throw thrown;
    throw unreadable(file.name, name, thrown);
  }
}

function unreadable(file: string, column: string, thrown: unknown): LakeportError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!/unsupported|not supported/.test(message)) {
    return damaged(file, `The pages of column ${column} cannot be decoded`, thrown).within({ column });
  }
  return new LakeportError({
    code: 'PARQUET_NOT_SUPPORTED',
    message: `Column ${column} of ${file} is written in a way that lakeport cannot read: ${message}`,
    hint: 'Leave out --rows: the footer is shown without it.',
    context: { path: file, column },
    cause: thrown,
  });
}

/**
 * The metadata as if chunks ended after the pages that hold the rows, and as if the values had no annotation: hyparquet
 * then returns them as they are stored, without loss.
 */
async function headMetadata(
  file: RandomAccess,
  { footer: { metadata }, node, rows }: ColumnRead,
  heads: ChunkHead[],
): Promise<FileMetaData> {
  const groups: FileMetaData['row_groups'] = [];
  const isFlat = node.children.length === 0 && node.element.repetition_type !== 'REPEATED';
  let before = 0;
  for (const group of metadata.row_groups) {
    if (before >= rows) break;
    const isWhole = before + Number(group.num_rows) <= rows;
    const columns = await Promise.all(
      group.columns.map(async (chunk) => {
        const { meta_data: data } = chunk;
        if (data === undefined || isWhole || data.path_in_schema[0] !== node.element.name) return chunk;
        const head = new ChunkHead(file, data);
        heads.push(head);
        const length = await head.lengthOf({ rows: rows - before, isFlat });
        return { ...chunk, meta_data: { ...data, total_compressed_size: BigInt(length) } };
      }),
    );
    groups.push({ ...group, columns });
    before += Number(group.num_rows);
  }
  return { ...metadata, row_groups: groups, schema: withoutAnnotations(metadata.schema) };
}

/** Lists stay lists, in the form that hyparquet knows. */
function withoutAnnotations(elements: readonly SchemaElement[]): SchemaElement[] {
  return elements.map((element) => {
    const plain = { ...element };
    delete plain.converted_type;
    delete plain.logical_type;
    const { type, converted_type: converted, logical_type: logical } = element;
    if (type === undefined && (converted === 'LIST' || logical?.type === 'LIST')) plain.converted_type = 'LIST';
    return plain;
  });
}

/** The beginning of a column chunk, read as far as its pages are needed. */
class ChunkHead {
  readonly #file: RandomAccess;
  readonly #start: number;
  readonly #end: number;
  #bytes: Uint8Array = new Uint8Array();

  constructor(file: RandomAccess, data: ColumnMetaData) {
    this.#file = file;
    this.#start = firstPageOffset(data);
    this.#end = this.#start + Number(data.total_compressed_size);
  }

  /** The bytes of the pages that hold the first rows. */
  async lengthOf({ rows, isFlat }: { readonly rows: number; readonly isFlat: boolean }): Promise<number> {
    const length = this.#end - this.#start;
    let at = 0;
    for (let seen = 0; seen < rows && at < length;) {
      const { header, end } = await this.#header(at, length);
      // Only a flat column has a value for each row.
      at = header.data_page_header !== undefined && !isFlat ? length : end + header.compressed_page_size;
      seen += header.data_page_header_v2?.num_rows ?? header.data_page_header?.num_values ?? 0;
      await this.#take(Math.min(length, at));
    }
    return Math.min(length, at);
  }

  has(start: number, end: number): boolean {
    return start >= this.#start && end <= this.#start + this.#bytes.length;
  }

  slice(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start - this.#start, end - this.#start);
  }

  /** A page's header, which may hold long bounds, and where it ends. */
  async #header(at: number, length: number): Promise<{ readonly header: PageHeader; readonly end: number }> {
    for (let window = WINDOW_BYTES; ; window *= 4) {
      await this.#take(Math.min(length, at + window));
      const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
      const reader = { view, offset: at };
      try {
        return { header: parquetHeader(reader), end: reader.offset };
      } catch (error) {
        if (at + window >= length) throw error;
      }
    }
  }

  async #take(length: number): Promise<void> {
    if (length <= this.#bytes.length) return;
    const more = await this.#file.read(this.#start + this.#bytes.length, this.#start + length);
    this.#bytes = Buffer.concat([this.#bytes, more]);
  }
}

/** A buffer of its own, as hyparquet wants it. */
function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
