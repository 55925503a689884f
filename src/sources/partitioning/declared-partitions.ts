import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import type { ReadColumn } from '../source.js';
import { freeNames } from './directory-keys.js';
import type { DirectoryLevel } from './hive-path.js';
import { DB_PARTITION } from './methods.js';

/** The directories of `DBPartition`, named after the partitions that the database declares. */

/** The levels of a partition's directory. @param value its name, or its number */
export function partitionLevels(columns: readonly ReadColumn[], value: string): DirectoryLevel[] {
  return freeNames(['partition'], columns).map((name) => ({ name, value }));
}

/** For a table that cannot be split by its partitions. @param why a sentence without its end */
export function notPartitioned(table: TableId, why: string): LakeportError {
  return new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `${tableName(table)} cannot be split by the method ${DB_PARTITION.name}: ${why}`,
    hint: `DBPartition needs a partitioned table, and grants on its partitions; DataDriven and Timepartition (--partition-by) make directories of any table`,
    context: { table: tableName(table), detail: DB_PARTITION.name },
  });
}
