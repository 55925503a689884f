import { z } from 'zod';

import { compactionSchema, mergeCountsSchema } from '../../export/model/compaction-schema.js';
import { error, head, warning } from './document-schemas.js';

/** The schema of the document of `lakeport compact --json`; see `document-schemas.ts`. */

const count = z.number().int().nonnegative();

export const compactSchema = z.strictObject({
  ...head('compact'),
  run_id: z.string().describe('Of the compaction, as manifests have it'),
  dry_run: z.boolean(),
  seconds: z.number(),
  tables: z.array(
    z.strictObject({
      schema: z.string().optional(),
      table: z.string(),
      path: z.string(),
      state: z
        .enum(['compacted', 'planned', 'unchanged', 'failed'])
        .describe('planned: with --dry-run; unchanged: there was nothing to merge'),
      files_before: count,
      rows_before: count,
      compaction: compactionSchema.optional(),
      planned: mergeCountsSchema.optional(),
      error: error.optional(),
    }),
  ),
  whole_tables: count.describe('Tables there that are exported whole, which are left alone'),
  warnings: z.array(warning).readonly(),
});

export type CompactDocument = z.infer<typeof compactSchema>;
