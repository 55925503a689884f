import type { MssqlClient, QueryValue } from '../connection/client.js';
import { firstAnswer } from '../connection/server.js';

/** Size of a table according to the server's partition statistics. */
export interface TableEstimate {
  readonly rows: number;
  /** Of the heap or clustered index, with off-row data. Undefined if the server does not report pages. */
  readonly bytes: number | undefined;
  readonly partitions: number;
}

const PAGE_BYTES = 8192;

/** By object id, without tables that have no statistics; empty if the server shows none. */
export async function readEstimates(client: MssqlClient): Promise<ReadonlyMap<number, TableEstimate>> {
  const rows = await firstAnswer([
    // Requires VIEW DATABASE STATE.
    () =>
      client.query(`
        SELECT object_id, SUM(CONVERT(float, row_count)),
               SUM(CONVERT(float, in_row_data_page_count + lob_used_page_count + row_overflow_used_page_count)), COUNT(*)
        FROM sys.dm_db_partition_stats WHERE index_id IN (0, 1) GROUP BY object_id`),
    () => readPartitions(client),
    () => Promise.resolve([]),
  ]);
  return new Map(
    rows.map(([id, count, pages, partitions]) => [
      Number(id),
      {
        rows: Number(count),
        bytes: pages === null || pages === undefined ? undefined : Number(pages) * PAGE_BYTES,
        partitions: Number(partitions),
      },
    ]),
  );
}

/** Rows and pages in separate queries: some servers have `sys.partitions` but no `sys.allocation_units`. */
async function readPartitions(client: MssqlClient): Promise<QueryValue[][]> {
  const rows = await client.query(`
    SELECT object_id, SUM(CONVERT(float, rows)), COUNT(*)
    FROM sys.partitions WHERE index_id IN (0, 1) GROUP BY object_id`);
  const pages = await firstAnswer([
    () =>
      client.query(`
        SELECT p.object_id, SUM(CONVERT(float, a.used_pages))
        FROM sys.partitions AS p
        JOIN sys.allocation_units AS a ON a.container_id = p.partition_id
        WHERE p.index_id IN (0, 1) GROUP BY p.object_id`),
    () => Promise.resolve([]),
  ]);
  const pagesOf = new Map(pages.map(([id, count]) => [id, count]));
  return rows.map(([id = null, count = null, partitions = null]) => [id, count, pagesOf.get(id) ?? null, partitions]);
}
