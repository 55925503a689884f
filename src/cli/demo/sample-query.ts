import path from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { count } from '../../text/quantities.js';
import { tableLines } from '../../text/text-table.js';
import { partFiles } from './written-files.js';

const TABLES = ['customers', 'products', 'orders', 'order_items', 'events'];

const QUERY = `SELECT country, count(DISTINCT o.id) AS orders,
       sum(quantity * unit_price * (1 - discount))::DECIMAL(18,2) AS revenue
FROM 'shop/customers/*.parquet' c
JOIN 'shop/orders/*.parquet' o ON o.customer_id = c.id
JOIN 'shop/order_items/*.parquet' i ON i.order_id = o.id
WHERE o.status <> 'returned'
GROUP BY country ORDER BY revenue DESC LIMIT 5`;

/** A DuckDB query over the written files, with its answer; the files' row counts if DuckDB is not installed. */
export async function queryLines(directory: string): Promise<string[]> {
  const duckdb = await import('@duckdb/node-api').catch(() => undefined);
  if (duckdb === undefined) return rowCountLines(directory);
  const instance = await duckdb.DuckDBInstance.create(':memory:', { file_search_path: directory });
  try {
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(QUERY);
    const rows = reader.getRows().map((row) => row.map(String));
    const [country, ...numbers] = reader.columnNames();
    const columns = [{ title: country ?? '' }, ...numbers.map((title) => ({ title, align: 'right' as const }))];
    const table = tableLines({ columns, rows });
    return ['DuckDB, over the files:', '', ...QUERY.split('\n'), '', table.title, ...table.rows];
  } finally {
    instance.closeSync();
  }
}

async function rowCountLines(directory: string): Promise<string[]> {
  const rows: string[][] = [];
  for (const table of TABLES) {
    let sum = 0;
    for (const file of await partFiles(path.join(directory, 'shop', table))) {
      const { num_rows: inFile } = await parquetMetadataAsync(await asyncBufferFromFile(file));
      sum += Number(inFile);
    }
    rows.push([table, count(sum)]);
  }
  const table = tableLines({ columns: [{ title: 'table' }, { title: 'rows', align: 'right' }], rows });
  return ["Rows by the files' own footers:", '', table.title, ...table.rows];
}
