import { z } from 'zod';

import { fileOptionsSchema } from '../../model/file-options-schema.js';
import { ADDED_CONTENTS } from '../../../columns/column-spec.js';
import { CURSOR_TYPES } from '../../../model/cursor.js';
import { SYNC_STRATEGIES } from '../../model/incremental.js';
import { DDL_DIALECTS } from '../../model/ddl-dialect.js';
import { columnMetadataSchema, metadataSchema } from '../../model/metadata-schema.js';
import { requestedSchema } from '../../model/requested-schema.js';
import { sourceSchema } from '../../model/source-schema.js';

/**
 * The schema of a manifest. The program uses only its type; the schema is published under `docs/schemas/`.
 * Names are in snake_case, times in ISO 8601, sizes in bytes.
 */

const count = z.number().int().nonnegative();

const file = z.strictObject({
  name: z.string().describe("Relative to the table's directory"),
  rows: count,
  bytes: count,
  sha256: z.string().describe('Lower-case hex'),
  sync: count.optional().describe('Number of the sync that wrote it; absent in tables that are exported whole'),
  slice: z.strictObject({ index: count, method: z.string(), bounds: z.string() }),
  partition: z
    .record(z.string(), z.string().nullable())
    .optional()
    .describe('What the names of its directories say, by level; null for NULL. Absent without such directories'),
  row_groups: z.array(z.strictObject({ rows: count, bytes: count })).readonly(),
});

const column = z.strictObject({
  name: z.string(),
  source_type: z.string(),
  parquet_type: z.string(),
  nullable: z.boolean(),
  ...columnMetadataSchema.shape,
  fidelity: z.enum(['exact', 'text', 'lossy']),
  mask: z.string().optional().describe('How its values are hidden, as in --mask; absent if they are not'),
  text_by_values: z
    .literal(true)
    .optional()
    .describe('Text only because some of its values fit no other type (--on-unrepresentable text)'),
  added: z
    .enum(ADDED_CONTENTS)
    .optional()
    .describe('What lakeport added the column for; absent for columns of the source'),
  unrepresentable: count.describe('Values written as NULL because the Parquet type cannot hold them'),
  lost_bounds: count
    .optional()
    .describe('Arrays whose lower bound is not 1, which the file cannot represent; absent if there are none'),
  added_in: count.optional().describe('The sync since which files have the column; absent if all do'),
  dropped_in: count.optional().describe('The sync since which files lack the column'),
  bloom_filter: z
    .number()
    .optional()
    .describe('The rate of false positives of its Bloom filters; absent if it has none'),
  compressed_bytes: count.optional().describe('In all files, as their footers say'),
  uncompressed_bytes: count.optional().describe('In all files, as their footers say'),
  null_count: count.optional().describe('In all files, as their footers say; of an array, elements count too'),
});

const sync = z.strictObject({
  number: count,
  kind: z.enum(['full', 'increment', 'compaction']),
  run_id: z.string(),
  lower: z.string().nullable().describe("Rows above it, in the source's notation; null for no bound"),
  upper: z.string().nullable().describe('Rows up to it, and it too'),
  nulls: count.describe('Rows of the source without a value of the cursor'),
  row_count: count.describe('That it wrote'),
  snapshot: z.strictObject({ id: z.string().nullable(), taken_at: z.string() }),
  consistency: z.enum(['run', 'table', 'none']),
  started_at: z.string(),
  ended_at: z.string(),
  full_because: z.string().optional().describe('Why it read all rows although there was a watermark'),
  schema_changes: z.array(z.string()).readonly().optional().describe('How its columns differ from those before'),
});

const incremental = z.strictObject({
  cursor: z.strictObject({ type: z.enum(CURSOR_TYPES), column: z.string().nullable() }),
  strategy: z.enum(SYNC_STRATEGIES),
  key: z.array(z.string()).readonly().optional().describe('Columns that identify a row'),
  watermark: z.string().nullable().describe("Where the next sync goes on, in lakeport's own notation"),
  path: z
    .string()
    .optional()
    .describe("Of the table's directory, relative to the storage's base, where the locks of writers are"),
  last_number: count.describe('Of everything ever published of the table here'),
  syncs: z.array(sync).readonly().describe('Those whose files are there, and the latest, in their order'),
});

export const manifestSchema = z.strictObject({
  /** Incremented with every incompatible change; added fields are compatible. */
  format_version: z.literal(2),
  tool: z.strictObject({ name: z.literal('lakeport'), version: z.string() }),
  run_id: z.string(),
  engine: z.string().describe('Of the database, as ds_type names it'),
  source: sourceSchema,
  schema: z.string().optional().describe('Absent for a query'),
  table: z.string().describe('The name of the table, or that which the query was given'),
  kind: z.string().describe('Of the table'),
  ...metadataSchema.shape,
  ...requestedSchema.shape,
  consistency: z.enum(['run', 'table', 'none']),
  snapshot: z.strictObject({ id: z.string().nullable(), taken_at: z.string() }),
  storage: z.strictObject({ kind: z.string(), atomic_publish: z.boolean(), resumable_stage: z.boolean() }),
  started_at: z.string(),
  ended_at: z.string(),
  row_count: count,
  row_check: z.string(),
  compat: z.string().nullable().describe('The reader whose types were used; null for none'),
  file_options: fileOptionsSchema.optional().describe('How the files were written; absent in older manifests'),
  directory: z
    .string()
    .describe("The table's directory, relative to the manifest: `.`, or its name if the manifest is beside it"),
  ddl: z
    .array(
      z.strictObject({
        dialect: z.enum(DDL_DIALECTS),
        file: z.string().describe('With the statements, relative to the manifest'),
      }),
    )
    .readonly()
    .optional()
    .describe('Absent without --generate-ddl'),
  incremental: incremental.optional().describe('Absent for a table that is exported whole'),
  files: z.array(file).readonly(),
  deleted: z
    .array(
      z.strictObject({
        name: z.string().describe("Relative to the table's directory"),
        sync: count,
        rows: count,
        bytes: count,
        sha256: z.string().describe('Lower-case hex'),
      }),
    )
    .readonly()
    .optional()
    .describe('Files with the keys of rows that the source has no more'),
  columns: z.array(column).readonly(),
  partition_columns: z
    .array(
      z.strictObject({
        name: z.string(),
        source_type: z.string().nullable().describe('Of the column that the files do not have because of it'),
        parquet_type: z.string().optional().describe('Of that column, if it were in the files'),
        ...columnMetadataSchema.shape,
      }),
    )
    .readonly()
    .optional()
    .describe('Levels of the Hive-style directories; absent without any'),
});

/** Describes the contents of a table's directory and their origin. */
export type Manifest = z.infer<typeof manifestSchema>;
