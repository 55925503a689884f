import type { Dataset } from '../../../model/dataset.js';
import { datasetId } from '../../../model/dataset.js';
import { tableName } from '../../../model/table.js';
import { notPartitioned, partitionLevels } from '../../partitioning/declared-partitions.js';
import { hivePath } from '../../partitioning/hive-path.js';
import type { SliceOrder } from '../../slice-order.js';
import type { ReadColumn, Slice } from '../../source.js';
import type { RelationKind } from '../catalog/leaf-relations.js';
import { postgresRows, selectColumns } from '../rows/rows.js';
import type { Member } from '../rows/slices.js';

export interface PartitionedTable {
  readonly dataset: Dataset;
  readonly kind: RelationKind;
  readonly columns: readonly ReadColumn[];
  readonly order: SliceOrder | undefined;
}

/**
 * `DBPartition`: one slice per declared partition that holds rows, in a directory with its name.
 * @param members undefined if the partitions can only be read through the table
 */
export function sliceByPartition(
  { dataset, kind, columns, order }: PartitionedTable,
  members: readonly Member[] | undefined,
): Slice[] {
  const table = datasetId(dataset);
  if (kind !== 'p') throw notPartitioned(table, 'it has no declared partitions');
  if (members === undefined) throw notPartitioned(table, 'this user may not read all of its partitions');
  return members.map(({ id, rows }, index) => {
    const isAlone = members.filter((other) => other.id.name === id.name).length === 1;
    const levels = partitionLevels(columns, isAlone ? id.name : tableName(id));
    return {
      index,
      method: 'DBPartition',
      bounds: `partition ${tableName(id)}`,
      query: selectColumns(postgresRows(dataset, { only: true, member: id, order }), columns),
      estimatedRows: rows,
      directory: hivePath(levels),
      levels,
    };
  });
}
