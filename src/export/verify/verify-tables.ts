import pLimit from 'p-limit';

import type { TextEncodingName } from '../../columns/value-digest.js';
import { joinPath, nameOf } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { DescribedColumn, DescribedOrigin, TableFormat } from '../formats/table-format.js';
import type { Difference } from './difference.js';
import { ChunkDecoders } from './decoding/chunk-decoders.js';
import { type DigestedFile, type ExpectedFile, verifyFile } from './verify-file.js';

/** Files read at the same time. */
const FILES_AT_ONCE = 4;
/** Less than this is decoded before a thread would have started. */
const LEAST_FOR_THREADS = 8 << 20;

/** What a table should be. */
export interface ExpectedTable {
  readonly schema: string | undefined;
  readonly name: string;
  readonly storage: Storage;
  /** Relative to the storage's base. */
  readonly directory: string;
  readonly files: readonly ExpectedFile[];
  /** Files with keys of rows that the source has no more. */
  readonly deleted?: readonly Omit<ExpectedFile, 'rowGroups'>[] | undefined;
  /** Undefined if no manifest says. */
  readonly columns: readonly DescribedColumn[] | undefined;
  /** Undefined if no manifest says. */
  readonly origin?: DescribedOrigin | undefined;
  /** Found before its files were looked at: of the manifest. With `isGone`, the files are not looked at. */
  readonly differences: readonly Difference[];
  /** The table that was to be verified is not there any more: no manifest, or that of another run. */
  readonly isGone: boolean;
}

export interface VerifiedTable {
  readonly schema: string | undefined;
  readonly name: string;
  /** For messages. */
  readonly path: string;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  readonly differences: readonly Difference[];
  /** Of each of its files, if values were digested; undefined if one of them cannot be read. */
  readonly digested?: readonly DigestedFile[] | undefined;
}

export interface VerifyProgress {
  readonly filesDone: number;
  readonly files: number;
  readonly bytesDone: number;
  readonly bytes: number;
}

export interface VerifyOptions {
  readonly format: TableFormat;
  /** Decodes every page, and compares what it holds with the statistics of the footer. */
  readonly deep: boolean;
  /**
   * The encoding in which a table's texts are digested, to be compared with the source: it decodes every page too.
   * Undefined for a table that is not compared.
   */
  readonly digest?: ((table: ExpectedTable) => TextEncodingName | undefined) | undefined;
  /** Threads that decode. */
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: VerifyProgress) => void;
}

/**
 * Compares tables with their files: each is there with its size and SHA-256, its footer says what the manifest says, and
 * no file is there that nobody names.
 * @returns in the order of `tables`
 * @throws LakeportError if a store cannot be read
 */
export async function verifyTables(
  tables: readonly ExpectedTable[],
  { format, deep, digest, threads, signal, onProgress }: VerifyOptions,
): Promise<VerifiedTable[]> {
  const checked = tables.filter(({ isGone }) => !isGone).flatMap(({ files, deleted = [] }) => [...files, ...deleted]);
  const progress = {
    filesDone: 0,
    files: checked.length,
    bytesDone: 0,
    // A file that is decoded is read twice.
    bytes: checked.reduce((sum, { bytes }) => sum + bytes, 0) * (deep || digest !== undefined ? 2 : 1),
  };
  const isSmall = progress.bytes < LEAST_FOR_THREADS;
  const decoders = deep || digest !== undefined ? new ChunkDecoders(isSmall ? 0 : threads) : undefined;
  const limit = pLimit(FILES_AT_ONCE);
  const verifyOne = async (table: ExpectedTable, file: ExpectedFile) => {
    signal.throwIfAborted();
    const onBytes = (bytes: number) => {
      progress.bytesDone += bytes;
      onProgress(progress);
    };
    const verified = await verifyFile({ ...table, file, decoders, digest: digest?.(table), signal, onBytes });
    progress.filesDone++;
    onProgress(progress);
    return verified;
  };
  const verifying = Promise.all(
    tables.map(async (table): Promise<VerifiedTable> => {
      const { schema, name, storage, directory, files } = table;
      const sum = (of: (file: ExpectedFile) => number) => files.reduce((total, file) => total + of(file), 0);
      const facts = { schema, name, path: storage.display(directory), files: files.length };
      const totals = { rows: sum(({ rows }) => rows), bytes: sum(({ bytes }) => bytes) };
      if (table.isGone) return { ...facts, ...totals, differences: table.differences };
      const keys = { ...table, columns: undefined };
      const [verified, deleted, around] = await Promise.all([
        Promise.all(files.map((file) => limit(() => verifyOne(table, file)))),
        Promise.all(
          (table.deleted ?? []).map((file) => limit(() => verifyOne(keys, { ...file, rowGroups: undefined }))),
        ),
        limit(() => directoryDifferences(table, format)),
      ]);
      const differences = [
        ...table.differences,
        ...[...verified, ...deleted].flatMap((file) => file.differences),
        ...nullDifferences(
          table,
          verified.map(({ nulls }) => nulls),
        ),
        ...around,
      ];
      const digested = verified.flatMap((file) => file.digested ?? []);
      const isWhole = digest?.(table) !== undefined && digested.length === files.length;
      return { ...facts, ...totals, differences, ...(isWhole && { digested }) };
    }),
  );
  return verifying.finally(() => decoders?.close());
}

/** Counts of NULLs are known for the table as a whole only. */
function nullDifferences(
  { columns = [], files, storage, directory }: ExpectedTable,
  found: readonly (ReadonlyMap<string, number> | undefined)[],
): Difference[] {
  if (found.includes(undefined)) return [];
  return columns.flatMap(({ name, nulls: expected }) => {
    // A column that a file lacks is NULL in all of its rows.
    const nulls = found.reduce((sum, file, index) => sum + (file?.get(name) ?? files[index]?.rows ?? 0), 0);
    if (expected === undefined || nulls === expected) return [];
    const path = storage.display(directory);
    return [{ check: 'nulls' as const, path, expected: `${name}: ${expected}`, found: `${name}: ${nulls}` }];
  });
}

async function directoryDifferences(table: ExpectedTable, format: TableFormat): Promise<Difference[]> {
  const { storage, directory, files } = table;
  const complete = format.completionPath(directory);
  const [marker, objects] = await Promise.all([storage.find(complete), storage.list(directory)]);
  const named = new Set(files.map(({ name }) => joinPath(directory, name)));
  const unknown = objects.filter(({ path }) => !named.has(path) && isData(belowDirectory(path, directory)));
  return [
    ...(marker === undefined
      ? [
          {
            check: 'complete' as const,
            path: storage.display(directory),
            expected: nameOf(complete),
            found: 'none: the table is being published, or publishing failed',
          },
        ]
      : []),
    ...unknown.map(({ path, bytes }) => unknownFile(storage, path, bytes)),
  ];
}

export function unknownFile(storage: Storage, path: string, bytes: number): Difference {
  return { check: 'unknown_file', path: storage.display(path), expected: 'none', found: `a file of ${bytes} bytes` };
}

/** @param path of an object in the directory */
export function belowDirectory(path: string, directory: string): string {
  return directory === '' ? path : path.slice(directory.length + 1);
}

/** Whether readers of the table's directory would take the file: not hidden, and not in the directory of another table. */
function isData(relative: string): boolean {
  return /^(?:[^/._][^/]*=[^/]*\/)*[^/._][^/]*$/.test(relative);
}
