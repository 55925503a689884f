import { graceLeft } from '../../runtime/interruption.js';
import type { Source } from '../../sources/source.js';
import { type ExportOptions, fileOptions } from '../model/options.js';
import type { RunPlan } from '../model/plan.js';
import { usedStorages } from '../publish/destination.js';
import type { OpenStorages } from '../publish/open-storages.js';
import { InProcessPool } from '../worker/in-process-pool.js';
import { READERS_GRACE_MS, type SlicePool } from '../worker/slice-pool.js';
import { WorkerPool } from '../worker/worker-pool.js';

/** With less to read than this, a reader is done before a thread has started. */
const QUICK_BYTES = 2 << 20;

/** A single reader has next to nothing to read, as far as is known. */
function isQuick({ readers, tables }: RunPlan): boolean {
  const bytes = tables.reduce((sum, { estimatedBytes = Infinity }) => sum + estimatedBytes, 0);
  return readers === 1 && bytes <= QUICK_BYTES;
}

/** The readers of a plan: threads, or this one if there is little to read. */
export function openPool({
  plan,
  options,
  source,
  storages,
  signal,
}: {
  readonly plan: RunPlan;
  readonly options: ExportOptions;
  readonly source: Source;
  readonly storages: OpenStorages;
  readonly signal: AbortSignal;
}): SlicePool {
  const { runId, compat, onUnrepresentable } = options;
  const Pool = isQuick(plan) ? InProcessPool : WorkerPool;
  return new Pool(
    {
      runId,
      reader: source.readerSettings(),
      targets: storages.targets(usedStorages(plan)),
      files: fileOptions(options),
      compat,
      // With `text`, the columns have been chosen so that nothing is left to replace.
      onUnrepresentable: onUnrepresentable === 'null' ? 'null' : 'error',
    },
    { graceMs: () => graceLeft(signal, 'readers') ?? READERS_GRACE_MS },
  );
}
