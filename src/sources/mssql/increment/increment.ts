import type { Increment, IncrementRequest } from '../../increment.js';
import { cursorNotPossible } from '../../increment-errors.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient } from '../connection/client.js';
import { mssqlRows } from '../partitioning/dialect.js';
import { checkConditions, readQueryAttributes, refuseRows } from '../rows/requested-rows.js';
import { columnIncrement } from './column-increment.js';
import { rowversionIncrement } from './rowversion-increment.js';

/**
 * The rows of a table that an earlier sync has not read. The bounds are fixed before any reader's query begins: rows above
 * them come with the next sync.
 * @throws LakeportError if the cursor does not fit the table, and the driver's errors
 */
export async function readIncrement(
  client: MssqlClient,
  table: CatalogTable,
  request: IncrementRequest,
): Promise<Increment> {
  const { cursor } = request;
  const { column } = cursor;
  if (cursor.type === 'xmin' || column === undefined) {
    throw cursorNotPossible(
      table.id,
      cursor,
      'SQL Server has no xmin; a column of type rowversion does the same there',
    );
  }
  const dataset = { ...table.dataset, increment: undefined };
  // Nothing has looked at the user's SQL yet, and several statements need nothing between them here.
  if (dataset.kind === 'query') await readQueryAttributes(client, dataset);
  refuseRows(table);
  await checkConditions(client, { ...table, dataset });
  const context = { client, table: { ...table, dataset }, request, rows: mssqlRows(dataset), column };
  return cursor.type === 'rowversion' ? rowversionIncrement(context) : columnIncrement(context);
}
