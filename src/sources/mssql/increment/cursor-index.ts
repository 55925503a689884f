import { readIndexKeys } from '../partitioning/indexes.js';
import type { CursorRows } from './cursor-rows.js';

/** Whether an index of all rows begins with the column; undefined for a view or a query. */
export async function isIndexed({ client, table, column }: CursorRows): Promise<boolean | undefined> {
  if (table.kind !== 'table' && table.kind !== 'partitioned table') return undefined;
  const folded = column.toLowerCase();
  return (await readIndexKeys(client, table.id)).some((key) => key.column.toLowerCase() === folded);
}
