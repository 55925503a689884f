import { manifestBytes, tableManifest } from '../metadata/manifest.js';
import type { Storage } from '../storage/storage.js';
import type { RunPlan } from './plan.js';
import type { StagedTable } from './publisher.js';
import type { TableJob } from './table-job.js';
import { unrepresentableOf } from './table-result.js';

/** What the publisher needs of a table that is staged as a whole: its parts in order, and what to say of them. */
export function stagedTable(
  job: TableJob,
  run: { readonly runId: string; readonly engine: string; readonly plan: RunPlan; readonly storage: Storage },
): StagedTable {
  const { runId, engine, plan, storage } = run;
  const parts = job.outcomes.flatMap(({ slice, outcome }) => outcome.files.map((file) => ({ slice, file })));
  return {
    storage,
    directory: job.plan.directory,
    parts: parts.map(({ slice, file }) => ({ staged: file.part, directory: slice.directory ?? '' })),
    manifest: (names) =>
      manifestBytes(
        tableManifest({
          runId,
          engine,
          server: plan.server,
          table: job.plan.id,
          tableKind: job.plan.kind,
          snapshot: { ...plan.snapshot, consistency: job.plan.consistency ?? plan.snapshot.consistency },
          storage,
          startedAt: job.startedAt ?? new Date(),
          endedAt: new Date(),
          files: parts.map(({ slice, file }, index) => ({
            name: names[index] ?? '',
            rows: file.rows,
            bytes: file.part.bytes,
            sha256: file.part.sha256,
            partition: { index: slice.index, method: slice.method, bounds: slice.bounds },
            row_groups: file.rowGroups.map(({ rows, bytes }) => ({ rows, bytes })),
          })),
          columns: job.plan.columns.map((column) => column.spec),
          unrepresentable: unrepresentableOf(job),
        }),
      ),
  };
}
