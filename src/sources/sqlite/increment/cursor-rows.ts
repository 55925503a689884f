import type { IncrementRequest } from '../../increment.js';
import { fromClause, type RowSet } from '../../row-set.js';
import type { CatalogTable } from '../catalog.js';
import type { SqliteConnection } from '../connection.js';
import type { CursorColumn } from './cursor-column.js';

/** The rows among which those of a sync are, and the column that tells them apart. */
export interface CursorRows {
  readonly connection: SqliteConnection;
  readonly table: CatalogTable;
  readonly request: IncrementRequest;
  /** Without the condition of an earlier sync. */
  readonly rows: RowSet;
  readonly column: CursorColumn;
}

export function countWhere({ connection, rows }: CursorRows, condition: string): number {
  const [[counted] = []] = connection.query(`${rows.prefix}SELECT count(*) ${fromClause(rows, condition)}`);
  return Number(counted);
}
