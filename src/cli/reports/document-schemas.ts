import { z } from 'zod';

import { DDL_DIALECTS } from '../../export/model/ddl-dialect.js';
import { fileOptionsSchema } from '../../export/model/file-options-schema.js';
import { ADDED_CONTENTS } from '../../columns/column-spec.js';
import { compactionSchema } from '../../export/model/compaction-schema.js';
import { syncSchema } from '../../export/model/sync-schema.js';
import { requestedSchema } from '../../export/model/requested-schema.js';
import { sourceSchema as source } from '../../export/model/source-schema.js';

/**
 * Schemas of the `--json` documents. The program uses only their types; the schemas are published under
 * `docs/schemas/`. Names are in snake_case, times in ISO 8601, durations in seconds, sizes in bytes.
 */

const count = z.number().int().nonnegative();
const consistency = z.enum(['run', 'table', 'none']);
const counts = z.record(z.string(), count);
const table = { schema: z.string(), table: z.string() };

export const error = z.strictObject({
  code: z.string().describe('Stable; docs/errors.md lists them'),
  message: z.string(),
  hint: z.string().optional(),
  context: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});

/** An error from the run log, possibly of another version. */
const loggedError = z.strictObject({
  class: z.string().nullable(),
  code: z.string().nullable(),
  message: z.string(),
  hint: z.string().optional(),
});

export const warning = z.looseObject({ message: z.string() });
const route = z.strictObject({ patterns: z.array(z.string()).readonly(), storage: z.string(), sub_path: z.string() });
const skipped = z.strictObject({ ...table, reason: error });

const ddl = z
  .partialRecord(z.enum(DDL_DIALECTS), z.string())
  .describe('Files with statements that make the table queryable, by dialect');

const metadata = z
  .strictObject({ manifests: z.array(z.string()).readonly(), entity_files: z.array(z.string()).readonly() })
  .describe('Files of the Common Data Model; the topmost manifest comes first');

/** What all documents begin with. */
export function head<Name extends string>(command: Name) {
  return { lakeport: z.string().describe('Version'), command: z.literal(command), exit_code: count };
}

export const exportSchema = z.strictObject({
  ...head('export'),
  run_id: z.string(),
  source,
  target: z.string(),
  routes: z.array(route),
  compat: z.string().optional(),
  run_log: z.string().optional(),
  sync_id: z.string().optional().describe('The stored sync that it is a run of'),
  resume: z.string().optional().describe('The command that finishes the run'),
  started_at: z.string(),
  ended_at: z.string(),
  seconds: z.number(),
  consistency,
  totals: z.strictObject({
    ...{ tables: count, completed: count, failed: count, cancelled: count },
    ...{ rows: count, files: count, bytes: count, rows_per_second: count },
  }),
  tables: z.array(
    z.strictObject({
      ...table,
      state: z.enum(['completed', 'failed', 'cancelled']),
      ...{ rows: count, files: count, bytes: count, seconds: z.number(), rows_per_second: count },
      storage: z.string(),
      path: z.string(),
      manifest: z.string().optional(),
      ddl: ddl.optional(),
      unrepresentable: counts.describe('Values written as NULL, by column'),
      lost_bounds: counts.optional().describe('Arrays that do not begin at 1, by column'),
      consistency: consistency.optional(),
      row_check: z.string().optional(),
      sync: syncSchema.optional().describe('Of a table that is synced incrementally'),
      compaction: compactionSchema.optional().describe('How all its files were then merged; absent if they were not'),
      deleted_keys: count.optional().describe('That the source has no more; absent if not looked for'),
      attempts: count.optional(),
      published_earlier: z.literal(true).optional(),
      error: error.optional(),
    }),
  ),
  skipped: z.array(skipped),
  common_data_model: z
    .union([metadata, z.strictObject({ error })])
    .optional()
    .describe('With --generate-metadata, unless the run was interrupted or has published nothing'),
  warnings: z.array(warning).readonly(),
});

export const planSchema = z.strictObject({
  ...head('plan'),
  run_id: z.string(),
  source,
  target: z.string(),
  routes: z.array(route),
  compat: z.string().optional(),
  consistency,
  readers: count,
  connections: z.unknown(),
  row_check: z.enum(['count', 'none']),
  reader_memory_bytes: count,
  reader_memory: z.strictObject({
    row_group_bytes: count,
    column_bytes: count,
    batch_bytes: count,
    upload_bytes: count,
  }),
  file_options: fileOptionsSchema,
  tables: z.array(
    z.strictObject({
      ...table,
      kind: z.string(),
      ...requestedSchema.shape,
      consistency: consistency.nullable(),
      sync: syncSchema.optional().describe('Of a table that is synced incrementally'),
      notes: z.array(z.strictObject({ code: z.string(), message: z.string() })).optional(),
      estimated_rows: z.number().nullable(),
      estimated_bytes: z.number().nullable(),
      method: z.string(),
      readers: count,
      files: count,
      storage: z.string(),
      path: z.string(),
      manifest: z.string().optional(),
      ddl: ddl.optional(),
      slices: z.array(
        z.strictObject({
          method: z.string(),
          bounds: z.string(),
          estimated_rows: z.number().nullable(),
          directory: z.string().optional(),
        }),
      ),
      partition_columns: z
        .array(z.strictObject({ name: z.string(), source_type: z.string().nullable() }))
        .optional()
        .describe('Levels of Hive-style directories, with the type of the column that files do not have because of it'),
      columns: z.array(
        z.strictObject({
          name: z.string(),
          source_type: z.string(),
          parquet_type: z.string(),
          nullable: z.boolean(),
          fidelity: z.string(),
          bloom_filter: z.number().optional().describe('Its rate of false positives'),
          mask: z.string().optional().describe('How its values are hidden, as in --mask'),
          text_by_values: z.literal(true).optional().describe('Text only because some values fit no other type'),
          added: z.enum(ADDED_CONTENTS).optional(),
          refused_by: z.array(z.string()).optional(),
        }),
      ),
    }),
  ),
  problems: z.array(z.strictObject({ ...table, storage: z.string(), path: z.string(), error })),
  skipped: z.array(skipped),
  left_out: z.array(z.strictObject({ ...table, kind: z.string(), flags: z.array(z.string()) })),
  common_data_model: metadata.optional().describe('With --generate-metadata'),
  warnings: z.array(warning).readonly(),
});

const nullableCount = count.nullable();
const nullableText = z.string().nullable();

/** A run as lists show it. */
export const runFields = {
  run_id: z.string(),
  state: z.string(),
  attempt: count,
  started_at: z.string(),
  ended_at: nullableText,
  seconds: z.number().nullable(),
  source,
  target: nullableText,
  env_name: nullableText,
  sync_id: nullableText.describe('The stored sync that it is a run of'),
  consistency: nullableText,
  ...{ tables: nullableCount, completed_tables: count, failed_tables: count, rows: count, bytes: count, files: count },
  error: loggedError.optional(),
};

export const runsSchema = z.strictObject({
  ...head('runs'),
  run_log: z.string(),
  runs: z.array(z.strictObject(runFields)),
});

const times = { started_at: nullableText, ended_at: nullableText };

export const statusSchema = z.strictObject({
  ...head('status'),
  run_id: z.string(),
  run_log: z.string(),
  run: z.strictObject({
    ...runFields,
    tool_version: z.string(),
    command_line: z.string(),
    settings: z.unknown(),
    snapshot_id: nullableText,
    snapshot_at: nullableText,
    heartbeat_at: nullableText,
  }),
  tables: z.array(
    z.strictObject({
      ...table,
      kind: nullableText,
      state: z.string(),
      attempts: count,
      method: nullableText,
      readers: nullableCount,
      slices: count,
      ...{ estimated_rows: nullableCount, estimated_bytes: nullableCount },
      ...{ rows: nullableCount, bytes: nullableCount, files: nullableCount },
      ...{ storage: nullableText, path: nullableText, manifest: nullableText, consistency: nullableText },
      unrepresentable: z.unknown(),
      ...times,
      seconds: z.number().nullable(),
      error: loggedError.optional(),
    }),
  ),
  slices: z
    .array(
      z.strictObject({
        ...{ schema: z.string().optional(), table: z.string().optional() },
        ...{ slice: count, method: z.string(), bounds: z.string(), state: z.string(), attempts: count },
        ...{ rows: nullableCount, bytes: nullableCount, ...times },
        error: loggedError.optional(),
      }),
    )
    .describe('Of tables that are not done'),
  workers: z
    .strictObject({
      waiting_slices: count.describe('That nobody reads yet'),
      active_slices: count.describe('That workers read now'),
      processes: z.array(
        z.strictObject({
          role: z.enum(['coordinator', 'worker']),
          ...{ name: z.string(), host: z.string(), process_id: count },
          state: z.enum(['working', 'left', 'lost']),
          ...{ slots: count, slices_read: count, rows: count },
          ...{ joined_at: z.string(), heartbeat_at: z.string(), left_at: nullableText },
          slices: z.array(z.strictObject({ table: z.string(), slice: count, rows: count, bytes: count })),
        }),
      ),
    })
    .optional()
    .describe('Of a run whose slices are read by workers in other processes'),
  files: z.array(
    z.strictObject({
      ...{ schema: z.string().optional(), table: z.string().optional() },
      ...{ slice: count, storage: z.string(), path: z.string(), rows: count, bytes: count },
      ...{ sha256: z.string(), row_groups: count, published_at: z.string() },
    }),
  ),
});

export const checkSchema = z.strictObject({
  ...head('check'),
  entries: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.string(),
      address: z.string(),
      result: z.enum(['ok', 'failed', 'not available yet']),
      milliseconds: count,
      product: z.string().optional(),
      error: error.optional(),
    }),
  ),
});

export const initDbSchema = z.strictObject({
  ...head('init_db'),
  run_log: z.string().describe('Address of the run log'),
  schema: z.enum(['created', 'migrated', 'current']).describe('What has happened to the schema of the run log'),
  emptied: z.boolean(),
});

export const metadataSchema = z.strictObject({
  ...head('generate_metadata'),
  run_id: z.string(),
  tables: count.describe('That the manifests list'),
  common_data_model: metadata,
  warnings: z.array(warning).readonly(),
});

export const workSchema = z.strictObject({
  ...head('work'),
  run_id: z.string(),
  worker: z.string().describe('Its name'),
  ended: z
    .enum(['run_over', 'idle', 'signal'])
    .describe('The run is over, however it ended; --idle-exit; or a signal, after which slices were given back'),
  slices: count.describe('That this worker has read'),
  rows: count,
  seconds: z.number(),
  warnings: z.array(warning).readonly(),
});

/** The document of any command that failed without a result. */
export const failureSchema = z.strictObject({
  lakeport: z.string(),
  command: z.string(),
  run_id: z.string().optional(),
  exit_code: count,
  error,
});

export type ExportDocument = z.infer<typeof exportSchema>;
export type PlanDocument = z.infer<typeof planSchema>;
export type RunsDocument = z.infer<typeof runsSchema>;
export type StatusDocument = z.infer<typeof statusSchema>;
export type CheckDocument = z.infer<typeof checkSchema>;
export type InitDbDocument = z.infer<typeof initDbSchema>;
export type GeneratedMetadataDocument = z.infer<typeof metadataSchema>;
export type WorkDocument = z.infer<typeof workSchema>;
export type FailureDocument = z.infer<typeof failureSchema>;
