import type { Cursor } from '../../model/cursor.js';
import type { Increment } from '../../sources/increment.js';
import type { SyncStrategy } from './incremental.js';

/** One sync of a table that is synced incrementally: which of its rows are read. Plain data, kept in the run's record. */
export interface TableSync {
  /** Counts from 1 over all that was ever published of the table there: syncs and compactions. */
  readonly number: number;
  readonly cursor: Cursor;
  readonly strategy: SyncStrategy;
  /** Whether it replaces everything that is there: the first, and those that read all rows anew. */
  readonly isFull: boolean;
  readonly increment: Increment;
  /** How the table's columns differ from those of the sync before; absent if they do not. */
  readonly schemaChanges?: readonly string[] | undefined;
  /** Whether the files of all syncs are merged into one row for each key when this one is published. */
  readonly compacts: boolean;
  /** Names of the columns that identify a row, in order; undefined if none is known. */
  readonly key?: readonly string[] | undefined;
}

/** Whether nothing is missing if no file is written, since files of earlier syncs are there. */
export function needsNoFile({ sync }: { readonly sync?: TableSync | undefined }): boolean {
  return sync !== undefined && !sync.isFull;
}
