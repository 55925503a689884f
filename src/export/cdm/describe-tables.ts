import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { DescribedTable, TableFormat } from '../formats/table-format.js';

/** Tables read concurrently: each takes one to three requests. */
const CONCURRENCY = 16;

/** Where a table of a run is. */
export interface PlacedTable {
  readonly id: TableId;
  readonly storage: Storage;
  /** Relative to the storage's base. */
  readonly directory: string;
  /** Whether the run has published it. Otherwise, an earlier export may be there. */
  readonly isPublished: boolean;
}

/** A table with what its manifest says. */
export interface FoundTable extends PlacedTable {
  readonly described: DescribedTable;
}

export interface DescribeOptions {
  readonly runId: string;
  readonly format: TableFormat;
  /** Makes sure that published tables still have their files. */
  readonly checksFiles: boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads the manifests of a run's tables. A table that the run has not published is described as an earlier export left it,
 * if that is complete.
 * @throws LakeportError if a published table is gone, or another run has replaced it
 */
export async function describeTables(
  tables: readonly PlacedTable[],
  options: DescribeOptions,
): Promise<readonly FoundTable[]> {
  const limit = pLimit(CONCURRENCY);
  const found = await Promise.all(
    tables.map((table) =>
      limit(async () => {
        options.signal.throwIfAborted();
        const described = table.isPublished ? await publishedTable(table, options) : await earlierTable(table, options);
        return described === undefined ? [] : [{ ...table, described }];
      }),
    ),
  );
  return found.flat();
}

async function publishedTable(
  { id, storage, directory }: PlacedTable,
  { runId, format, checksFiles }: DescribeOptions,
): Promise<DescribedTable> {
  const path = format.descriptionPath(directory) ?? '';
  const content = path === '' ? undefined : await storage.get(path);
  if (content === undefined) throw gone(id, storage.display(path), 'its manifest is gone');
  const description = format.readDescription(content, path);
  if ('problem' in description) throw gone(id, storage.display(path), `its manifest is wrong: ${description.problem}`);
  const { table } = description;
  if (table.runId !== runId) {
    throw new LakeportError({
      code: 'NEWER_EXPORT',
      message: `Run ${table.runId} has exported ${tableName(id)} to the same place since`,
      hint: `Write the metadata of that run: --run-id ${table.runId} --generate-metadata.`,
      context: { table: tableName(id), path: storage.display(directory) },
    });
  }
  if (checksFiles) await refuseMissingFiles({ id, storage, directory }, table, format);
  return table;
}

async function refuseMissingFiles(
  { id, storage, directory }: Omit<PlacedTable, 'isPublished'>,
  { files }: DescribedTable,
  format: TableFormat,
): Promise<void> {
  const there = new Map((await storage.list(directory)).map(({ path, bytes }) => [path, bytes]));
  const isThere = (name: string, bytes: number) => there.get(joinPath(directory, name)) === bytes;
  const missing = files.find(({ name, bytes }) => !isThere(name, bytes));
  if (missing !== undefined) {
    const path = joinPath(directory, missing.name);
    const what = there.has(path) ? `has not the ${missing.bytes} bytes of its manifest` : 'is gone';
    throw gone(id, storage.display(path), `its file ${missing.name} ${what}`);
  }
  const complete = format.completionPath(directory);
  if (!there.has(complete)) throw gone(id, storage.display(complete), 'it is being published, or is incomplete');
}

async function earlierTable(
  { storage, directory }: PlacedTable,
  { format }: DescribeOptions,
): Promise<DescribedTable | undefined> {
  for (const path of format.descriptionPaths(directory)) {
    const content = await storage.get(path);
    const description = content && format.readDescription(content, path);
    if (description === undefined || 'problem' in description) continue;
    return (await storage.find(format.completionPath(directory))) === undefined ? undefined : description.table;
  }
  return undefined;
}

function gone(id: TableId, path: string, what: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_GONE',
    message: `${tableName(id)} cannot be described: ${what}`,
    hint: 'Export the table again; lakeport verify compares a run with its files.',
    context: { table: tableName(id), path },
  });
}
