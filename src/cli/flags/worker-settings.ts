import { loadQueueLibrary } from '../../fleet/load-queue.js';
import { spelling } from './flag.js';
import { FLAGS } from './flags.js';
import type { ParsedFlags } from './parsed-flags.js';
import { usageError } from './usage-error.js';

/** How a run leaves its slices to workers. */
export interface WorkerSettings {
  readonly localReaders: number;
  /** The run fails without a worker for so long. */
  readonly waitMs: number;
  /** How many workers hold the run's snapshot besides this process. */
  readonly keepers: number;
}

/**
 * Undefined for a run whose slices are read by threads of its own process.
 * @throws LakeportError of class `usage`, also if there can be no workers here
 */
export async function readWorkerSettings(flags: ParsedFlags): Promise<WorkerSettings | undefined> {
  const { workers, workersWaitMs, localReaders, keepers, logDatabaseId } = FLAGS;
  if (flags.get(workers) === undefined) {
    const other = [workersWaitMs, localReaders, keepers].find((flag) => flags.has(flag));
    if (other === undefined) return undefined;
    throw usageError({
      code: 'MISSING_FLAG',
      message: `${spelling(other)} has a meaning only with --workers external`,
      hint: 'Add --workers external, or leave it out.',
      flag: spelling(workers),
    });
  }
  await loadQueueLibrary();
  if (!flags.has(logDatabaseId)) {
    throw usageError({
      code: 'WORKERS_NEED_LOG',
      message: '--workers external needs a run log in PostgreSQL, which is the queue of the slices',
      hint: 'Name an entry of the auth file with --log-db-auth-id.',
      flag: spelling(logDatabaseId),
    });
  }
  return { localReaders: flags.get(localReaders), waitMs: flags.get(workersWaitMs), keepers: flags.get(keepers) };
}

/** The thread of the run log costs a coordinator a third of its start, and takes little from it in a short run. */
const LOG_THREAD_AFTER_MS = 60_000;

/** When the run log gets a thread of its own; undefined for a run that reads itself. */
export function logThreadAfterMs(workers: WorkerSettings | undefined): number | undefined {
  return workers?.localReaders === 0 ? LOG_THREAD_AFTER_MS : undefined;
}
