import type { Client } from 'pg';

import type { IncrementRequest, Increment } from '../../increment.js';
import type { SourceDataset } from '../../source.js';
import type { ServerFacts } from '../connection/server-facts.js';
import { columnIncrement } from './column-increment.js';
import { cursorNotPossible } from '../../increment-errors.js';
import { xminIncrement } from './xmin-increment.js';

export interface IncrementContext {
  readonly client: Client;
  readonly server: ServerFacts;
  readonly table: SourceDataset;
  readonly request: IncrementRequest;
  /** Of the table; undefined for a query. */
  readonly oid: number | undefined;
  /** Whether all queries of the session see one snapshot, which the readers share. */
  readonly isPinned: boolean;
}

/**
 * The rows of a table that an earlier sync has not read, as the session sees them. The session must have the readers'
 * settings: conditions resolve their names.
 * @throws LakeportError if the cursor does not fit the table, and the driver's errors
 */
export function readIncrement(context: IncrementContext): Promise<Increment> {
  const { cursor } = context.request;
  const { type, column } = cursor;
  if (type === 'xmin') return xminIncrement(context);
  if (type === 'rowversion' || column === undefined) {
    throw cursorNotPossible(context.table.id, cursor, 'PostgreSQL has no such columns; xmin does the same there');
  }
  return columnIncrement({ ...context, column });
}
