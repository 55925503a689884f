import type { IncrementRequest } from '../../increment.js';
import { fromClause, type RowSet } from '../../row-set.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient } from '../connection/client.js';

/** The rows among which those of a sync are, and the column that tells them apart. */
export interface CursorRows {
  readonly client: MssqlClient;
  readonly table: CatalogTable;
  readonly request: IncrementRequest;
  /** Without the condition of an earlier sync. */
  readonly rows: RowSet;
  /** Name of the column, as the user wrote it. */
  readonly column: string;
}

export async function countWhere({ client, rows }: CursorRows, condition: string): Promise<number> {
  const [row] = await client.query(
    `${rows.prefix}SELECT CONVERT(float, COUNT_BIG(*)) ${fromClause(rows, `(${condition})`)}`,
  );
  return Number(row?.[0] ?? 0);
}

/** The condition of rows without a value besides those in the range. */
export function withNulls(
  range: string,
  { quoted, isWanted }: { readonly quoted: string; readonly isWanted: boolean },
): string {
  return isWanted ? `${range} OR ${quoted} IS NULL` : range;
}
