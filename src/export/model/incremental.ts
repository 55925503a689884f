import type { Cursor } from '../../model/cursor.js';
import type { TableSetting } from './table-setting.js';

export const SYNC_STRATEGIES = ['append', 'upsert'] as const;

/** `append`: each sync adds files. `upsert`: of rows with one key, the lake keeps the last. */
export type SyncStrategy = (typeof SYNC_STRATEGIES)[number];

export const NULL_CURSORS = ['fail', 'include'] as const;

export const SCHEMA_CHANGES = ['fail', 'evolve', 'full'] as const;

/** How a table is synced incrementally. */
export interface IncrementalTable {
  readonly cursor: Cursor;
  /** Whether rows with the cursor's value of the watermark are read again. */
  readonly isInclusive: boolean;
  /** Where the first sync begins, in the source's notation; undefined for the first row. */
  readonly start?: string | undefined;
  /** Default: that of the run. */
  readonly strategy?: SyncStrategy | undefined;
}

/** The options of incremental syncs. */
export interface IncrementalOptions {
  /** Tables that are synced, the others being exported whole; the last that matches a table applies. */
  readonly incremental?: readonly TableSetting<IncrementalTable>[] | undefined;
  /** How far before the watermark rows are read again, for cursors that are times. */
  readonly safetyLagMs?: number | undefined;
  /** What happens to rows without a value of the cursor: the table fails, or its first sync takes them. */
  readonly nullCursors?: (typeof NULL_CURSORS)[number] | undefined;
  /** Forgets where earlier syncs ended: all rows are read again, and replace what is there. */
  readonly resetWatermarks?: boolean | undefined;
  readonly strategy?: SyncStrategy | undefined;
  /** Syncs after which a table is compacted; undefined for never, with `upsert` for each. */
  readonly compactEvery?: number | undefined;
  /** Compares the keys in the source with those in the lake. */
  readonly detectDeletes?: boolean | undefined;
  readonly onSchemaChange?: (typeof SCHEMA_CHANGES)[number] | undefined;
}
