import type { ColumnSpec } from '../../columns/column-spec.js';
import type { FileOptions } from '../../parquet/file-options.js';
import { parquetTypeName } from '../../columns/type-name.js';
import { typeNameOf } from '../../parquet-reader/type-name.js';
import type { StayingFile } from '../formats/table-format.js';
import type { LastRows } from './last-rows.js';
import type { Part } from './parts.js';

/** A file of at least this size is not written anew if all of its rows stay. */
const LEAST_BYTES = 32 << 20;

export interface StayingOptions {
  readonly last: LastRows;
  /** Of the merged files. */
  readonly columns: readonly ColumnSpec[];
  readonly files: FileOptions;
  /** Of the last publication that merged all files, or wrote them anew. */
  readonly lastWhole: number;
  /** Size from which on a file without superseded rows stays; undefined for the usual. */
  readonly leastBytes?: number | undefined;
}

/**
 * The parts that stay as they are: all their rows are the last of their keys, they have the columns of the merged files,
 * and they are as large as files are to be, were merged before, or would be merged with nothing.
 */
export function stayingParts(parts: readonly Part[], options: StayingOptions): ReadonlySet<Part> {
  const { last, columns, lastWhole } = options;
  const merged = new Map<string, number>();
  const small: Part[] = [];
  const staying = new Set<Part>();
  let first = 0;
  for (const part of parts) {
    const { rows } = part.footer;
    const isWhole = rows > 0 && last.kept.count(first, first + rows) === rows && hasColumns(part, columns);
    first += rows;
    if (isWhole && isLarge(part, options)) staying.add(part);
    else {
      const { directory } = part.source;
      merged.set(directory, (merged.get(directory) ?? 0) + 1);
      if (isWhole) small.push(part);
    }
  }
  const isSettled =
    parts.every(({ source }) => source.sync <= lastWhole) && small.length + staying.size === parts.length;
  for (const part of small) if (isSettled || merged.get(part.source.directory) === 1) staying.add(part);
  return staying;
}

/** Whether the file is about as large as it would become. */
function isLarge({ source, footer }: Part, { files, leastBytes = LEAST_BYTES }: StayingOptions): boolean {
  const { maxFileBytes = Infinity, maxRowsPerFile = Infinity } = files;
  return source.file.bytes >= Math.min(leastBytes, maxFileBytes / 2) || footer.rows >= maxRowsPerFile / 2;
}

function hasColumns({ footer }: Part, columns: readonly ColumnSpec[]): boolean {
  const wanted = new Map(columns.map((spec) => [spec.name, spec]));
  const { children } = footer.schema;
  return (
    children.length === columns.length &&
    children.every((node) => {
      const spec = wanted.get(node.element.name);
      const isNullable = node.element.repetition_type !== 'REQUIRED';
      return spec !== undefined && typeNameOf(node) === parquetTypeName(spec) && isNullable === spec.nullable;
    })
  );
}

/** What the manifest says of a file that stays. @param columns of the merged files */
export function stayingFile(part: Part, columns: readonly ColumnSpec[]): StayingFile {
  const chunks = part.footer.rowGroups.flatMap((group) => group.chunks);
  return {
    name: part.source.name,
    columns: columns.map(({ name }) => {
      const own = chunks.filter(({ column }) => column.path[0] === name);
      const nulls = own.map(({ statistics }) => statistics?.nulls);
      const sum = (of: (chunk: (typeof own)[number]) => number) => own.reduce((total, chunk) => total + of(chunk), 0);
      return {
        compressedBytes: sum((chunk) => chunk.compressedBytes),
        uncompressedBytes: sum((chunk) => chunk.uncompressedBytes),
        nulls: nulls.includes(undefined) ? undefined : nulls.reduce<number>((total, count = 0) => total + count, 0),
      };
    }),
  };
}
