import { LakeportError } from '../../errors.js';
import { raceAbort, withinGrace } from '../../runtime/interruption.js';
import type { RunObserver } from '../model/observer.js';
import type { RunPlan } from '../model/plan.js';
import type { TableFormat } from '../formats/table-format.js';
import type { OpenStorages } from './open-storages.js';
import { checkCollisions } from './collisions.js';

export interface DestinationRun {
  readonly runId: string;
  /** The run's sub path. */
  readonly directory: string;
  readonly storages: OpenStorages;
  readonly format: TableFormat;
  /** Storages an earlier attempt has written to: its lock is there, even if all its tables are published. */
  readonly before: readonly string[];
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Called when another run has taken over the destination. */
  readonly onLost: (error: LakeportError) => void;
}

/** Storages with planned tables. A storage whose tables all failed while planning is not written to. */
export function usedStorages(plan: RunPlan): string[] {
  return [...new Set(plan.tables.map((table) => table.storageId))];
}

/**
 * Locks the tables' directories for this run.
 * @throws LakeportError if a storage is not writable, or another run holds one of the directories
 */
export async function acquireDestination(plan: RunPlan, { storages, before, ...run }: DestinationRun): Promise<void> {
  for (const id of before) await raceAbort(run.signal, storages.open(id));
  await storages.begin([...new Set([...usedStorages(plan), ...before])], run);
  // Again, because the file system's treatment of names is known only once the base directory exists.
  await checkCollisions(
    plan.tables.map((table) => ({ id: table.id, place: table, slices: table.slices })),
    storages,
  );
  const directories = plan.tables.map(({ storageId, directory }) => ({ storageId, directory }));
  await raceAbort(run.signal, storages.claim(directories));
}

/** Removes files of dead runs. Failing to do so, as for another user's files, does not stop the export. */
export async function sweepDestination({ storages, observer, signal }: DestinationRun): Promise<void> {
  for (const storage of storages.begun) {
    try {
      const removed = await raceAbort(signal, storage.sweep());
      if (removed === 0) continue;
      observer.message?.('info', `Removed ${removed} temporary files left by previous runs`, { removed });
    } catch (thrown) {
      if (signal.aborted) return;
      const { message } = LakeportError.from(thrown);
      observer.message?.('warning', `Temporary files of previous runs could not be removed: ${message}`);
    }
  }
}

/** Releases the locks. A failed cleanup does not fail the run: the tables are published, and the next run cleans up. */
export async function releaseDestination({
  storages,
  observer,
  signal,
}: Pick<DestinationRun, 'storages' | 'observer' | 'signal'>): Promise<void> {
  for (const storage of storages.begun) {
    try {
      await withinGrace(signal, storage.endRun(), 'closing');
    } catch (thrown) {
      const { message } = LakeportError.from(thrown);
      observer.message?.('warning', `Temporary files could not be removed; the next run will remove them: ${message}`);
    }
  }
}
