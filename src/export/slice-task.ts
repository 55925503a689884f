import type { Slice, Snapshot } from '../sources/source.js';
import { expectedSliceBytes } from './slice-bytes.js';
import type { TableJob } from './table-job.js';
import type { SliceTask } from './worker-messages.js';

/** What a worker is told of a slice. @param snapshot the run's, for tables that have none of their own */
export function sliceTask(
  { plan }: TableJob,
  slice: Slice,
  { what, snapshot }: { readonly what: SliceTask['what']; readonly snapshot: Snapshot },
): SliceTask {
  return {
    table: plan.id,
    columns: plan.columns,
    slice,
    snapshot: plan.snapshot ?? snapshot,
    storageId: plan.storageId,
    expectedBytes: expectedSliceBytes(plan, slice),
    directory: plan.directory,
    what,
    sole: what === 'schema' || plan.slices.length === 1,
  };
}
