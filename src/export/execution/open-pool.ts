import { readersPerThread } from '../../engines.js';
import { graceLeft } from '../../runtime/interruption.js';
import type { Source } from '../../sources/source.js';
import { type ExportOptions, fileOptions } from '../model/options.js';
import type { RunObserver } from '../model/observer.js';
import type { RunPlan } from '../model/plan.js';
import { usedStorages } from '../publish/destination.js';
import type { OpenStorages } from '../publish/open-storages.js';
import { InProcessPool } from '../worker/in-process-pool.js';
import { READERS_GRACE_MS, type SlicePool } from '../worker/slice-pool.js';
import type { WorkerSetup } from '../worker/protocol.js';
import { WorkerPool } from '../worker/worker-pool.js';

/** With less to read than this, a reader is done before a thread has started. */
const QUICK_BYTES = 2 << 20;

/** A single reader has next to nothing to read, as far as is known. */
function isQuick({ readers, tables }: RunPlan): boolean {
  const bytes = tables.reduce((sum, { estimatedBytes = Infinity }) => sum + estimatedBytes, 0);
  return readers === 1 && bytes <= QUICK_BYTES;
}

export interface PoolInput {
  readonly plan: RunPlan;
  readonly options: ExportOptions;
  readonly source: Source;
  readonly storages: OpenStorages;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/** The readers of a plan: threads, or this one if there is little to read. */
export function openPool({ plan, options, source, storages, signal }: PoolInput): SlicePool {
  const reader = source.readerSettings();
  const setup = workerSetup({ options, reader, targets: storages.targets(usedStorages(plan)) });
  const graceMs = () => graceLeft(signal, 'readers') ?? READERS_GRACE_MS;
  return isQuick(plan)
    ? new InProcessPool(setup, { graceMs })
    : new WorkerPool(setup, { graceMs, workersPerThread: readersPerThread(reader) });
}

/** What a worker needs besides its slices. @param input.targets the storages of the run */
export function workerSetup({
  options,
  reader,
  targets,
}: Pick<WorkerSetup, 'reader' | 'targets'> & { readonly options: ExportOptions }): WorkerSetup {
  const { runId, compat, onUnrepresentable } = options;
  return {
    ...{ runId, reader, targets, compat },
    files: fileOptions(options),
    // With `text`, the columns have been chosen so that nothing is left to replace.
    onUnrepresentable: onUnrepresentable === 'null' ? 'null' : 'error',
  };
}
