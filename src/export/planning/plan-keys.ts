import { LakeportError } from '../../errors.js';
import { tableName } from '../../model/table.js';
import type { ReadColumn, Source, SourceDataset } from '../../sources/source.js';
import type { ExportOptions } from '../model/options.js';
import type { TableKeys } from '../model/plan.js';
import type { TableSync } from '../model/table-sync.js';

interface Keyed {
  readonly table: SourceDataset;
  /** All that were described. */
  readonly columns: readonly ReadColumn[];
  readonly sync: TableSync | undefined;
  /** Names of columns that are in the names of directories only. */
  readonly replaced: readonly string[];
}

/**
 * How all keys of a table are read, if its sync is to find rows that the source has no more.
 * @throws LakeportError `COMPACT_NO_KEY` if they are not among the columns of the files
 */
export async function planKeys(
  { options, source }: { readonly options: ExportOptions; readonly source: Pick<Source, 'slice'> },
  { table, columns, sync, replaced }: Keyed,
): Promise<TableKeys | undefined> {
  if (sync === undefined || sync.key === undefined) return undefined;
  const needsKey = sync.strategy === 'upsert' || options.compactEvery !== undefined || options.detectDeletes === true;
  if (!needsKey) return undefined;
  const key = sync.key.map((name) => {
    const column = columns.find(({ spec }) => spec.name === name);
    if (column === undefined) throw unusable(table, `the column ${name} of its primary key is not exported`);
    if (column.spec.list) throw unusable(table, `the column ${name} of its primary key is an array`);
    return column;
  });
  if (options.detectDeletes !== true || sync.isFull) return undefined;
  const inDirectories = sync.key.find((name) => replaced.includes(name));
  if (inDirectories !== undefined) {
    throw unusable(table, `the column ${inDirectories} of its primary key is in the names of directories only`);
  }
  const dataset = { ...table.dataset, increment: undefined, columns: sync.key };
  const { largeTableThreshold } = options;
  const [slice] = await source.slice({ ...table, dataset }, key, { degree: 1, largeTableThreshold });
  return slice && { dataset, columns: key, slice };
}

function unusable({ id }: SourceDataset, problem: string): LakeportError {
  return new LakeportError({
    code: 'COMPACT_NO_KEY',
    message: `The rows of ${tableName(id)} cannot be told apart in the files: ${problem}`,
    hint: 'Export all columns of the primary key, or sync the table with the strategy append, without --compact-every and --detect-deletes.',
    context: { table: tableName(id) },
  });
}
