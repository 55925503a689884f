import { tableKey } from '../../model/table.js';
import { WATERMARKS } from '../model/columns.js';
import type { WatermarkRow } from '../model/rows.js';
import type { WatermarkQuery } from './log-store.js';
import type { SchemaContext } from './migrate.js';
import { inPowersOfTwo } from './prepared-inserts.js';

/** The syncs of tables that were published, latest first, at most `limit` of each table in each place. */
export async function watermarks({ db }: SchemaContext, query: WatermarkQuery): Promise<WatermarkRow[]> {
  const { syncId, tables, limit } = query;
  const all = db
    .selectFrom('export_watermarks')
    .selectAll()
    .$if(syncId !== undefined, (some) => some.where('sync_id', '=', syncId ?? ''))
    .orderBy('recorded_at', 'desc')
    .orderBy('sync_number', 'desc');
  const rows: WatermarkRow[] = [];
  if (tables === undefined) rows.push(...(await all.execute()).map((row) => WATERMARKS.restore(row)));
  else {
    const wanted = new Set(tables.map(tableKey));
    for (const names of inPowersOfTwo([...new Set(tables.map(({ name }) => name))])) {
      const found = (await all.where('source_table', 'in', names).execute()).map((row) => WATERMARKS.restore(row));
      rows.push(
        ...found.filter(({ source_schema: schema, source_table: name }) => wanted.has(tableKey({ schema, name }))),
      );
    }
  }
  const counts = new Map<string, number>();
  return rows.filter((row) => {
    const key = `${tableKey({ schema: row.source_schema, name: row.source_table })}\n${row.place}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count <= limit;
  });
}
