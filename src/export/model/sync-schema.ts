import { z } from 'zod';

import { CURSOR_TYPES } from '../../model/cursor.js';
import { SYNC_STRATEGIES } from './incremental.js';

/** A sync of a table: one shape in the documents of a plan and of an export. */
export const syncSchema = z.strictObject({
  number: z.number().int().positive().describe('Counts all that was ever published of the table there'),
  cursor: z.strictObject({ type: z.enum(CURSOR_TYPES), column: z.string().nullable() }),
  strategy: z.enum(SYNC_STRATEGIES),
  kind: z.enum(['full', 'increment']).describe('Whether it replaces what is there, or is added to it'),
  full_because: z.string().optional().describe('Why all rows are read although there was a watermark'),
  lower: z.string().nullable().describe("Rows after it, in the source's notation; null for all"),
  upper: z.string().nullable().describe('Rows up to it, and it too'),
  nulls: z.number().int().nonnegative().describe('Rows of the source without a value of the cursor'),
  is_indexed: z.boolean().nullable().describe("Whether an index begins with the cursor's column; null if unknown"),
  behind_seconds: z.number().nullable().describe("From the upper bound to the source's clock; null if it is no time"),
  compacts: z.boolean().describe('Whether the files are then merged into one row for each key'),
  schema_changes: z.array(z.string()).readonly().optional(),
});

export type SyncDocument = z.infer<typeof syncSchema>;
