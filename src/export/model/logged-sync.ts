import type { TableId } from '../../model/table.js';
import type { TableDestination } from './table-destination.js';

/** The last sync of a table as the run log knows it. */
export interface LoggedSync {
  readonly number: number;
  readonly runId: string;
}

/** Looks up the last sync of a table to this place; undefined if the log has none. */
export type FindLoggedSync = (
  table: TableId,
  place: Pick<TableDestination, 'storageId' | 'displayPath'>,
) => Promise<LoggedSync | undefined>;
