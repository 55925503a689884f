import type { StoredRun } from './row-types.js';
import { RunState } from './run-state.js';

/** The rows of an earlier run, as the run itself had them: without what the views add. */
export function restoredRows({ run, jobs, partitions, files }: StoredRun): RunState {
  const rows = new RunState(without(run, ['status', 'heartbeat_at']));
  for (const job of jobs) rows.jobs.restore(job.job_id, without(job, ['status']));
  for (const partition of partitions) rows.partitions.restore(partition.partition_id, { ...partition });
  for (const file of files) rows.files.restore(file.file_id, { ...file });
  return rows;
}

function without<Row extends object, Name extends keyof Row>(row: Row, names: readonly Name[]): Omit<Row, Name> {
  const kept = Object.entries(row).filter(([name]) => !names.some((one) => one === name));
  // The fields of the row, less those of the names.
  return Object.fromEntries(kept) as Omit<Row, Name>;
}
