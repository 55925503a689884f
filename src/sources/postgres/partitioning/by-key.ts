import type pg from 'pg';
import { byKey } from '../../partitioning/by-key.js';
import { findColumn } from '../../partitioning/key.js';
import { isKeyMethod } from '../../partitioning/methods.js';
import type { Share } from '../../partitioning/predicate.js';
import { sliceCount, type TableSize } from '../../partitioning/slice-size.js';
import type { ReadColumn, TableOverride } from '../../source.js';
import { keyedTable, type KeyedTableOptions, POSTGRES_SQL } from './dialect.js';

/** Whether the configuration asks for a method that needs a key. */
export function isByKey({ method, key }: TableOverride): boolean {
  return method === undefined ? key !== undefined : isKeyMethod(method);
}

/** Splits the rows by the configured key. @throws LakeportError if it does not suit the method */
export async function shareByKey(
  client: pg.Client,
  table: KeyedTableOptions,
  { method, key, degree, size }: TableOverride & { readonly degree: number; readonly size: TableSize },
): Promise<Share[]> {
  const column = key === undefined ? undefined : findColumn(POSTGRES_SQL, table.columns, key);
  const isCheap = table.oid !== undefined && column !== undefined && (await isInOrder(client, table.oid, column));
  return byKey(keyedTable(client, table), {
    method: method !== undefined && isKeyMethod(method) ? method : undefined,
    key,
    degree,
    // Without such an index, each slice is a scan of the whole table.
    count: isCheap ? sliceCount(size, degree) : Math.max(degree, sliceCount(size, 1)),
    estimatedRows: size.estimatedRows,
  });
}

/** How close the order of the rows on disk is to that of the key for an index to be worth it. */
const LEAST_CORRELATION = 0.8;

/** Whether an index finds the rows of a range of the column next to each other. */
async function isInOrder(client: pg.Client, oid: number, { spec }: ReadColumn): Promise<boolean> {
  const { rows } = await client.query<{ isInOrder: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_catalog.pg_index AS i
       WHERE i.indrelid OPERATOR(pg_catalog.=) $1 AND i.indkey[0] OPERATOR(pg_catalog.=) $2
         AND i.indisvalid AND i.indpred IS NULL
     ) AND EXISTS (
       SELECT FROM pg_catalog.pg_stats AS s
       JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) s.schemaname
       JOIN pg_catalog.pg_class AS c
         ON c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) s.tablename
       JOIN pg_catalog.pg_attribute AS a
         ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) s.attname
       WHERE c.oid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.=) $2
         AND pg_catalog.abs(s.correlation) OPERATOR(pg_catalog.>=) ${LEAST_CORRELATION}
     ) AS "isInOrder"`,
    [oid, spec.fieldId],
  );
  return rows[0]?.isInOrder ?? false;
}
