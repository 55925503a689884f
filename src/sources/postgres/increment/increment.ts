import type { Increment } from '../../increment.js';
import { columnIncrement } from './column-increment.js';
import { cursorNotPossible } from '../../increment-errors.js';
import type { IncrementContext } from './context.js';
import { xminIncrement } from './xmin-increment.js';

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
