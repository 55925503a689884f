import { cursorText } from '../../model/cursor.js';
import type { TablePlan } from '../model/plan.js';
import type { TableNote } from '../model/table-notes.js';

/** What users should know about a table's sync. */
export function syncNotes({ sync }: Pick<TablePlan, 'sync'>): TableNote[] {
  if (sync === undefined) return [];
  const { number, cursor, strategy, isFull, increment, compacts, schemaChanges = [] } = sync;
  const { lower, upper, fullBecause, nulls, isIndexed, warning } = increment;
  const after = lower === undefined ? '' : ` after ${lower}`;
  const range = upper === undefined ? 'no row has a value yet' : `rows${after} up to ${upper}`;
  return [
    { code: 'SYNC', text: `sync ${number} by ${cursorText(cursor)}, ${strategy}: ${range}` },
    ...(isFull && number > 1
      ? [{ code: 'SYNC_REPLACES', text: `replaces all earlier syncs: ${fullBecause ?? 'the first sync'}` } as const]
      : []),
    ...(compacts
      ? [{ code: 'SYNC_COMPACTS', text: 'then merges the files, of which each key keeps the last row' } as const]
      : []),
    ...(schemaChanges.length > 0 && !isFull ? [{ code: 'SYNC_COLUMNS', text: schemaChanges.join('; ') } as const] : []),
    ...(nulls > 0
      ? [
          {
            code: 'SYNC',
            text: `${nulls} rows have no value in ${cursor.column ?? ''}: ${isFull ? 'read by this sync only' : 'not read'}`,
          } as const,
        ]
      : []),
    ...(isIndexed === false && cursor.type !== 'xmin'
      ? [
          {
            code: 'SYNC_WITHOUT_INDEX',
            text: `no index begins with ${cursor.column ?? ''}: each sync reads the whole table`,
          } as const,
        ]
      : []),
    ...(warning === undefined ? [] : [{ code: 'SYNC_WARNING', text: warning } as const]),
  ];
}
