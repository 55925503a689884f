import { DuckDBInstance } from '@duckdb/node-api';
import { readdirSync } from 'node:fs';
import path from 'node:path';

import type { PostgresServer } from '../servers/postgres.js';

/** Enough of a table to tell that no row of it is missing, there twice, or another one. */
export interface TableSums {
  readonly rows: number;
  /** Of the column `i`, as text. */
  readonly sum: string;
  readonly distinct: number;
  /** Of the MD5 of all values of column `t`, in the order of `i`. */
  readonly digest: string;
}

/** What the server holds. The table has columns `i` (bigint, unique) and `t` (text). */
export async function serverSums(server: PostgresServer, table: string, database?: string): Promise<TableSums> {
  const [row] = await server.query(
    `SELECT count(*)::int AS rows, coalesce(sum(i), 0)::text AS sum, count(DISTINCT i)::int AS distinct,
       md5(coalesce(string_agg(t, ',' ORDER BY i), '')) AS digest FROM ${table}`,
    undefined,
    database,
  );
  // Of the query above.
  return row as unknown as TableSums;
}

/** What the files of a table's directory hold, those that a reader would take for data. */
export async function fileSums(directory: string): Promise<TableSums> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  // Temporary files begin with a dot.
  const parts = names.filter((name) => name.endsWith('.parquet') && !path.basename(name).startsWith('.'));
  const files = parts.map((name) => path.join(directory, name));
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  try {
    const list = files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ');
    const reader = await connection.runAndReadAll(
      `SELECT count(*)::INTEGER, coalesce(sum(i), 0)::VARCHAR, count(DISTINCT i)::INTEGER,
         md5(coalesce(string_agg(t, ',' ORDER BY i), '')) FROM read_parquet([${list}])`,
    );
    const [rows, sum, distinct, digest] = reader.getRows()[0] ?? [];
    return { rows: Number(rows), sum: String(sum), distinct: Number(distinct), digest: String(digest) };
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

/** Tables whose files, below a directory of each, hold something else than what the server held. */
export async function differingTables(
  directory: string,
  held: ReadonlyMap<string, TableSums>,
): Promise<readonly string[]> {
  const differing: string[] = [];
  for (const [table, sums] of held) {
    const files = await fileSums(path.join(directory, table)).catch(() => undefined);
    if (JSON.stringify(files) !== JSON.stringify(sums)) differing.push(table);
  }
  return differing;
}
