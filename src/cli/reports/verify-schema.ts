import { z } from 'zod';

import { head } from './document-schemas.js';

/** The schema of the document of `lakeport verify --json`; see `document-schemas.ts`. */

const count = z.number().int().nonnegative();

export const verifySchema = z.strictObject({
  ...head('verify'),
  run_id: z.string().optional(),
  path: z.string().optional(),
  deep: z.boolean().describe('Whether every page was decoded'),
  against_source: z.boolean().describe('Whether values were compared with the database'),
  sources: z
    .array(z.strictObject({ product: z.string(), address: z.string(), database: z.string() }))
    .optional()
    .describe('Databases that tables were compared with; absent without --against-source'),
  seconds: z.number(),
  totals: z.strictObject({ tables: count, files: count, rows: count, bytes: count, differences: count }),
  unpublished_tables: count.describe('Of the run, which are not verified'),
  tables: z.array(
    z.strictObject({
      schema: z.string().optional(),
      table: z.string(),
      path: z.string(),
      ...{ files: count, rows: count, bytes: count },
      differences: count,
      source: z
        .strictObject({
          compared: z.boolean(),
          reason: z.string().optional().describe('Why the table was not compared'),
          compared_columns: count.describe('Columns whose values were compared'),
          counts_only: z
            .array(z.strictObject({ column: z.string(), reason: z.string() }))
            .describe('Columns of which only NULLs were compared'),
          notes: z.array(z.string()),
          change: z
            .strictObject({ kind: z.enum(['changed', 'unchanged', 'unknown']), text: z.string() })
            .optional()
            .describe('Whether the source was written to since the export; absent if nothing differs'),
        })
        .optional()
        .describe('Absent without --against-source'),
    }),
  ),
  differences: z.array(
    z.strictObject({
      schema: z.string().optional().describe('Absent for a query, and for a file of no table'),
      table: z.string().optional(),
      path: z.string(),
      check: z.enum([
        'manifest',
        'run',
        'complete',
        'exists',
        'bytes',
        'sha256',
        'footer',
        'rows',
        'row_groups',
        'columns',
        'values',
        'nulls',
        'min',
        'max',
        'pages',
        'page_index',
        'bloom_filter',
        'unknown_file',
        'source',
        'source_rows',
        'source_nulls',
        'source_min',
        'source_max',
        'source_sum',
        'source_hash',
      ]),
      expected: z.union([z.string(), z.number()]),
      found: z.union([z.string(), z.number()]),
    }),
  ),
});

export type VerifyDocument = z.infer<typeof verifySchema>;
