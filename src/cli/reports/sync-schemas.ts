import { z } from 'zod';

import { head, runFields } from './document-schemas.js';

/** Schemas of the `--json` documents of stored syncs; see `document-schemas.ts`. */

const count = z.number().int().nonnegative();
const nullableText = z.string().nullable();
const runLog = z.string().describe('Address of the run log');
const warnings = z.array(z.looseObject({ message: z.string() })).readonly();

const sync = {
  sync_id: z.string(),
  env_name: nullableText,
  created_at: z.string(),
  updated_at: z.string(),
  command_line: z.string(),
  flags: z
    .record(z.string(), z.array(z.string()).readonly())
    .describe('By their names; empty for switches. References to variables are not replaced'),
};

const lock = z.strictObject({
  sync_id: z.string(),
  run_id: z.string(),
  host: z.string(),
  process: nullableText.describe('As people read it'),
  locked_at: z.string(),
  heartbeat_at: z.string(),
  living: z.boolean().describe('Whether its process may be alive; the lock of a dead one is taken over'),
});

export const configCreateSchema = z.strictObject({
  ...head('config_create'),
  run_log: runLog,
  replaced: z.boolean().describe('Whether there was a sync of this id'),
  run: z.string().describe('The command that runs it'),
  sync: z.strictObject(sync),
});

export const configListSchema = z.strictObject({
  ...head('config_list'),
  run_log: runLog,
  syncs: z.array(z.strictObject(sync)),
});

export const configShowSchema = z.strictObject({
  ...head('config_show'),
  run_log: runLog,
  sync: z.strictObject(sync),
});

export const configDeleteSchema = z.strictObject({
  ...head('config_delete'),
  run_log: runLog,
  sync_id: z.string(),
});

export const syncPublishSchema = z.strictObject({
  ...head('sync_publish'),
  run_log: runLog,
  sync_id: z.string(),
  last_run: z.strictObject(runFields).nullable(),
});

export const syncStatusSchema = z.strictObject({
  ...head('sync_status'),
  run_log: runLog,
  sync: z.strictObject(sync),
  lock: lock.nullable(),
  tables: z.array(
    z.strictObject({
      ...{ schema: z.string(), table: z.string(), storage: z.string(), path: z.string() },
      cursor: z.strictObject({ type: z.string(), column: nullableText }),
      watermark: nullableText.describe("Where the next sync goes on, in the source's own notation"),
      behind_seconds: z
        .number()
        .nullable()
        .describe("From the last row's time to the source's clock, now; null if the cursor is no time"),
      syncs: z
        .array(
          z.strictObject({
            ...{ number: count, kind: z.enum(['full', 'increment']), run_id: z.string() },
            ...{ lower: nullableText, upper: nullableText, rows: count },
            ...{ snapshot_at: nullableText, recorded_at: z.string() },
          }),
        )
        .describe('Latest first, up to --limit'),
    }),
  ),
  runs: z.array(z.strictObject(runFields)).describe('Latest first, up to --limit'),
});

export const cleanupSchema = z.strictObject({
  ...head('cleanup'),
  run_log: runLog,
  sync_id: z.string(),
  dry_run: z.boolean(),
  runs: z.array(z.strictObject({ run_id: z.string(), state: z.string(), ended_at: nullableText })),
  staged: z.array(z.strictObject({ storage: z.string(), files: count })).describe('Temporary files of these runs'),
  rows: z
    .strictObject({ runs: count, jobs: count, partitions: count, files: count, watermarks: count })
    .describe('Of the run log'),
  warnings,
});

export const lxdbRemovalSchema = z.strictObject({
  ...head('lxdb_drop'),
  command: z.enum(['lxdb_drop', 'lxdb_truncate']),
  run_log: runLog,
  sync_id: nullableText.describe('Whose rows were removed; null for all'),
});

export const lxdbLocksSchema = z.strictObject({
  ...head('lxdb_locks'),
  command: z.enum(['lxdb_locks', 'lxdb_release_locks']),
  run_log: runLog,
  locks: z.array(lock).describe('Those that are held; of release-locks, those that were released'),
});

export type StoredSyncDocument = z.infer<typeof configShowSchema>['sync'];
export type ConfigCreateDocument = z.infer<typeof configCreateSchema>;
export type ConfigListDocument = z.infer<typeof configListSchema>;
export type ConfigShowDocument = z.infer<typeof configShowSchema>;
export type ConfigDeleteDocument = z.infer<typeof configDeleteSchema>;
export type SyncPublishDocument = z.infer<typeof syncPublishSchema>;
export type SyncStatusDocument = z.infer<typeof syncStatusSchema>;
export type CleanupDocument = z.infer<typeof cleanupSchema>;
export type LxdbRemovalDocument = z.infer<typeof lxdbRemovalSchema>;
export type LxdbLocksDocument = z.infer<typeof lxdbLocksSchema>;
export type LockDocument = z.infer<typeof lock>;
