import type { SyncDocument } from './sync-schema.js';
import type { TableSync } from './table-sync.js';

/** A sync, as every JSON document has it. */
export function syncDocument(sync: TableSync): SyncDocument {
  const { number, cursor, strategy, isFull, increment, compacts, schemaChanges } = sync;
  const { type, column = null } = cursor;
  const { lower = null, upper = null, nulls, isIndexed = null, behindSeconds = null, fullBecause } = increment;
  return {
    number,
    cursor: { type, column },
    strategy,
    kind: isFull ? 'full' : 'increment',
    ...(fullBecause !== undefined && { full_because: fullBecause }),
    ...{ lower, upper, nulls, is_indexed: isIndexed, behind_seconds: behindSeconds, compacts },
    ...(schemaChanges !== undefined && { schema_changes: schemaChanges }),
  };
}
