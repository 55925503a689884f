import type { Slice, Snapshot } from '../../sources/source.js';
import { expectedSliceBytes } from '../model/slice-bytes.js';
import { asHeldNow } from './shared-snapshot.js';
import type { TableProgress } from './table-progress.js';
import { needsNoFile } from '../model/table-sync.js';
import type { SliceTask } from '../worker/protocol.js';

/** The task for a worker to read a slice. @param current the run's snapshot, for tables without one of their own */
export function sliceTask(
  { plan }: TableProgress,
  slice: Slice,
  { mode, current }: { readonly mode: SliceTask['mode']; readonly current: Snapshot },
): SliceTask {
  return {
    dataset: plan.dataset,
    columns: plan.columns,
    added: plan.added,
    metadata: plan.metadata,
    slice,
    snapshot: asHeldNow(plan.snapshot ?? current, { current }),
    storageId: plan.storageId,
    expectedBytes: mode === 'schema' ? 0 : expectedSliceBytes(plan, slice),
    directory: plan.directory,
    mode,
    sync: plan.sync?.number,
    mayBeEmpty: needsNoFile(plan),
    isOnlySlice: mode === 'schema' || plan.slices.length === 1,
  };
}
