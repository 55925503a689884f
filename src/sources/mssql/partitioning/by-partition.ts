import { notPartitioned, partitionLevels } from '../../partitioning/declared-partitions.js';
import type { Share } from '../../partitioning/predicate.js';
import type { ReadColumn } from '../../source.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient, QueryValue } from '../connection/client.js';
import { nameText, quoteName } from '../identifiers.js';
import { firstAnswer } from '../connection/server.js';

interface Partition {
  readonly number: number;
  readonly rows: number;
  /** As the server shows them; undefined for a partition that is open at this end. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

interface PartitionedTable {
  readonly partitionFunction: string;
  readonly column: string;
  /** Whether a boundary is the first value of the partition on its right, or the last of the one on its left. */
  readonly isOnRight: boolean;
  readonly partitions: readonly Partition[];
}

/**
 * `DBPartition`: one slice per partition of the table, in a directory with its number, which is all that a partition is
 * called. `$PARTITION` gives the partition of any key, NULL included, and reads no other partition in a condition.
 */
export async function byPartition(
  client: MssqlClient,
  table: CatalogTable,
  columns: readonly ReadColumn[],
): Promise<Share[]> {
  const { id, kind } = table;
  if (kind === 'view' || kind === 'query') throw notPartitioned(id, `it is a ${kind}`);
  const partitioned = await readPartitions(client, table);
  if (partitioned === 'unknown') throw notPartitioned(id, 'the server does not tell its partitions');
  if (partitioned === undefined) throw notPartitioned(id, 'it has no partitions');
  const { partitionFunction, column, partitions } = partitioned;
  const number = `$PARTITION.${quoteName(partitionFunction)}(${quoteName(column)})`;
  return partitions.map((partition) => ({
    method: 'DBPartition',
    bounds: `partition ${partition.number}${boundsOf(partitioned, partition)}`,
    where: `${number} = ${partition.number}`,
    estimatedRows: partition.rows,
    levels: partitionLevels(columns, String(partition.number)),
  }));
}

function boundsOf({ column, isOnRight }: PartitionedTable, { from, to }: Partition): string {
  const bounds = [
    from === undefined ? [] : [`${column} ${isOnRight ? '>=' : '>'} ${from}`],
    to === undefined ? [] : [`${column} ${isOnRight ? '<' : '<='} ${to}`],
  ].flat();
  return bounds.length === 0 ? '' : `: ${bounds.join(' and ')}`;
}

/** Undefined for a table without partitions; `unknown` if the server has no such catalog. */
async function readPartitions(
  client: MssqlClient,
  { id: { schema, name } }: CatalogTable,
): Promise<PartitionedTable | undefined | 'unknown'> {
  const ask = async (): Promise<PartitionedTable | undefined> => {
    const rows = await client.query(
      `SELECT ${nameText('f.name')}, ${nameText('c.name')}, CONVERT(int, f.boundary_value_on_right), p.partition_number,
              CONVERT(float, p.rows), CONVERT(nvarchar(200), low.value, 126), CONVERT(nvarchar(200), high.value, 126)
       FROM sys.objects AS o
       JOIN sys.schemas AS s ON s.schema_id = o.schema_id
       JOIN sys.indexes AS i ON i.object_id = o.object_id AND i.index_id IN (0, 1)
       JOIN sys.partition_schemes AS ps ON ps.data_space_id = i.data_space_id
       JOIN sys.partition_functions AS f ON f.function_id = ps.function_id
       JOIN sys.index_columns AS ic
         ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.partition_ordinal = 1
       JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
       JOIN sys.partitions AS p ON p.object_id = i.object_id AND p.index_id = i.index_id
       LEFT JOIN sys.partition_range_values AS low
         ON low.function_id = f.function_id AND low.boundary_id = p.partition_number - 1
       LEFT JOIN sys.partition_range_values AS high
         ON high.function_id = f.function_id AND high.boundary_id = p.partition_number
       WHERE s.name = @schema AND o.name = @table
       ORDER BY p.partition_number`,
      { schema, table: name },
    );
    return partitionedTable(rows);
  };
  return firstAnswer<PartitionedTable | undefined | 'unknown'>([ask, () => Promise.resolve('unknown')]);
}

function partitionedTable(rows: readonly (readonly QueryValue[])[]): PartitionedTable | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const [partitionFunction, column, isOnRight] = first;
  const text = (value: QueryValue | undefined) => (typeof value === 'string' ? value : undefined);
  return {
    partitionFunction: String(partitionFunction),
    column: String(column),
    isOnRight: Number(isOnRight) === 1,
    partitions: rows.map(([, , , number, estimate, from, to]) => ({
      number: Number(number),
      rows: Number(estimate),
      from: text(from),
      to: text(to),
    })),
  };
}
