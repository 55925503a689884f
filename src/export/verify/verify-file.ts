import { LakeportError } from '../../errors.js';
import type { TextEncodingName } from '../../columns/value-digest.js';
import { type ParquetFooter, readFooter } from '../../parquet-reader/footer.js';
import { typeNameOf } from '../../parquet-reader/type-name.js';
import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import { StoredFile } from '../../storage/stored-file.js';
import type { DescribedColumn, DescribedFile } from '../formats/table-format.js';
import type { Check, Difference } from './difference.js';
import { sha256Of } from './hash.js';
import type { ColumnDigest } from '../../parquet-reader/column-digest.js';
import type { ChunkDecoders } from './decoding/chunk-decoders.js';
import { verifyPages } from './verify-pages.js';

export interface FileExpectation {
  readonly storage: Storage;
  /** Of the table, relative to the storage's base. */
  readonly directory: string;
  readonly file: ExpectedFile;
  /** Undefined if nothing says which columns the file should have. */
  readonly columns: readonly DescribedColumn[] | undefined;
  /** Decode every page; undefined for none. */
  readonly decoders: ChunkDecoders | undefined;
  /** The encoding in which texts are digested, to be compared with the source; undefined to digest nothing. */
  readonly digest: TextEncodingName | undefined;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** The run log knows only the number of row groups, and of a file of keys nothing does. */
export type ExpectedFile = Omit<DescribedFile, 'rowGroups' | 'levels' | 'sync'> & {
  readonly sync?: number | undefined;
  readonly rowGroups: DescribedFile['rowGroups'] | number | undefined;
};

export interface VerifiedFile {
  readonly differences: readonly Difference[];
  /** NULLs by column (top level), as the footer has them; undefined where it cannot be read, or does not say. */
  readonly nulls: ReadonlyMap<string, number> | undefined;
  readonly digested?: DigestedFile | undefined;
}

/** What a file holds, to be compared with the source. */
export interface DigestedFile {
  readonly footer: ParquetFooter;
  /** By leaf of the schema; undefined for a column that cannot be decoded. */
  readonly digests: readonly (ColumnDigest | undefined)[];
}

/**
 * Compares a file with what is known of it: size, SHA-256, and its footer, read by hyparquet.
 * @throws LakeportError if the store cannot be read
 */
export async function verifyFile(expectation: FileExpectation): Promise<VerifiedFile> {
  const { storage, directory, file: expected, signal, onBytes } = expectation;
  const path = joinPath(directory, expected.name);
  const file = await StoredFile.find(storage, path);
  const differences: Difference[] = [];
  const compare = (check: Check, wanted: string | number, found: string | number) => {
    if (wanted !== found) differences.push({ check, path: storage.display(path), expected: wanted, found });
  };
  compare('exists', 'a file', file === undefined ? 'none' : 'a file');
  if (file === undefined) return { differences, nulls: undefined };
  compare('bytes', expected.bytes, file.bytes);
  if (file.bytes === expected.bytes) compare('sha256', expected.sha256, await sha256Of(file, { signal, onBytes }));
  const footer = await footerOf(file);
  if (footer instanceof LakeportError) {
    compare('footer', 'a footer', footer.message);
    return { differences, nulls: undefined };
  }
  compare('rows', expected.rows, footer.rows);
  compareRowGroups(expected, footer, compare);
  if (expectation.columns !== undefined) compareColumns(expected, { columns: expectation.columns, footer, compare });
  const { decoders, digest } = expectation;
  const nulls = nullsOf(footer);
  if (decoders === undefined) return { differences, nulls };
  const pages = await verifyPages(file, footer, { decoders, digest, signal, onBytes });
  differences.push(...pages.differences);
  return { differences, nulls, digested: pages.digests && { footer, digests: pages.digests } };
}

/** A damaged footer is a difference; anything else, such as a store that does not answer, is a failure. */
async function footerOf(file: StoredFile): Promise<ParquetFooter | LakeportError> {
  try {
    return await readFooter(file);
  } catch (error) {
    if (error instanceof LakeportError && /^(?:NOT_)?PARQUET/.test(error.code)) return error;
    throw error;
  }
}

type Compare = (check: Check, expected: string | number, found: string | number) => void;

function compareRowGroups({ rowGroups }: ExpectedFile, footer: ParquetFooter, compare: Compare): void {
  if (rowGroups === undefined) return;
  if (typeof rowGroups === 'number') {
    compare('row_groups', rowGroups, footer.rowGroups.length);
    return;
  }
  const text = (groups: readonly { readonly rows: number; readonly bytes: number }[]) =>
    groups.map(({ rows, bytes }) => `${rows} rows in ${bytes} bytes`).join(', ');
  compare(
    'row_groups',
    text(rowGroups),
    text(footer.rowGroups.map(({ rows, compressedBytes: bytes }) => ({ rows, bytes }))),
  );
}

/** Those that the file of a sync should have. */
function columnsOf({ sync }: ExpectedFile, columns: readonly DescribedColumn[]): readonly DescribedColumn[] {
  if (sync === undefined) return columns;
  return columns.filter(({ addedIn = 0, droppedIn = Infinity }) => addedIn <= sync && sync < droppedIn);
}

/** One difference for each column that is not as it should be. Earlier syncs may have had them in another order. */
function compareColumns(
  file: ExpectedFile,
  { columns, footer, compare }: { columns: readonly DescribedColumn[]; footer: ParquetFooter; compare: Compare },
): void {
  const expected = columnsOf(file, columns);
  const found = footer.schema.children;
  compare('columns', `${expected.length} columns`, `${found.length} columns`);
  for (const [index, node] of found.entries()) {
    const { name, repetition_type: repetition } = node.element;
    const isSynced = file.sync !== undefined;
    const wanted = isSynced ? expected.find((column) => column.name === name) : expected[index];
    if (wanted === undefined && !isSynced) break;
    const isNullable = repetition !== 'REQUIRED';
    // A column that may be NULL in later files need not in earlier ones.
    const nullable = isSynced ? (wanted?.nullable ?? isNullable) : isNullable;
    compare(
      'columns',
      wanted === undefined ? 'none' : columnText(wanted),
      columnText({ name, type: typeNameOf(node), nullable }),
    );
  }
}

function columnText({ name, type, nullable }: Pick<DescribedColumn, 'name' | 'type' | 'nullable'>): string {
  return `${name} ${type}${nullable ? '' : ' NOT NULL'}`;
}

function nullsOf({ schema, rowGroups }: ParquetFooter): Map<string, number> | undefined {
  const sums = new Map(schema.children.map(({ element }) => [element.name, 0]));
  for (const { statistics, column } of rowGroups.flatMap(({ chunks }) => chunks)) {
    const [name = ''] = column.path;
    if (statistics?.nulls === undefined) return undefined;
    sums.set(name, (sums.get(name) ?? 0) + statistics.nulls);
  }
  return sums;
}
