import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { queryDuckDb, quote } from './parquet-readers/duckdb.js';

/**
 * The column `id` of Parquet files in the order of their rows, by DuckDB. All other values are read too.
 * @param directory for copies of the files
 */
export async function storedIds(files: readonly Buffer[], directory: string): Promise<number[]> {
  if (files.length === 0) return [];
  const copies = files.map(() => path.join(directory, `${randomUUID()}.parquet`));
  await Promise.all(copies.map((copy, index) => writeFile(copy, files[index]!)));
  const rows = await queryDuckDb(
    `SELECT id FROM read_parquet([${copies.map(quote).join(', ')}]) AS part WHERE hash(part) IS DISTINCT FROM 0`,
  );
  return rows.map(({ id }) => Number(id));
}
