import { LakeportError } from '../errors.js';
import { unlessAborted, withinGrace } from './interruption.js';
import type { RunObserver } from './observer.js';
import type { RunPlan } from './plan.js';
import type { RunStorages } from './run-storages.js';
import { checkCollisions } from './table-places.js';

export interface TargetRun {
  readonly runId: string;
  /** The run's sub path. */
  readonly directory: string;
  readonly storages: RunStorages;
  /** Storages that an earlier attempt has written to: its notes are there, even if all its tables are published. */
  readonly before: readonly string[];
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Told when another run has taken over the destination. */
  readonly onLost: (error: LakeportError) => void;
}

/** Storages that tables go to. One of which all tables have failed before is not written to. */
export function usedStorages(plan: RunPlan): string[] {
  return [...new Set(plan.tables.map((table) => table.storageId))];
}

/**
 * Takes the tables' directories for this run, or as much of them as another run does not hold.
 * @throws LakeportError where a storage can't be written to, or another run writes one of the tables
 */
export async function beginTarget(plan: RunPlan, { storages, before, ...run }: TargetRun): Promise<void> {
  for (const id of before) await unlessAborted(run.signal, storages.open(id));
  await storages.begin([...new Set([...usedStorages(plan), ...before])], run);
  // Once more: what the file system makes of names is known for sure only now that the base is there.
  await checkCollisions(
    plan.tables.map((table) => ({ id: table.id, place: table })),
    storages,
  );
  const directories = plan.tables.map(({ storageId, directory }) => ({ storageId, directory }));
  await unlessAborted(run.signal, storages.claim(directories));
}

/** What dead runs of other users have left may not be ours to remove: no reason not to export. */
export async function sweepTarget({ storages, observer, signal }: TargetRun): Promise<void> {
  for (const storage of storages.begun) {
    try {
      const removed = await unlessAborted(signal, storage.sweep());
      if (removed === 0) continue;
      observer.message?.('info', `Removed ${removed} temporary files that runs before this one had left`, { removed });
    } catch (thrown) {
      if (signal.aborted) return;
      const { message } = LakeportError.from(thrown);
      observer.message?.('warning', `Temporary files of runs before this one could not be removed: ${message}`);
    }
  }
}

/** What was published is published: what can't be tidied up now is no failure, and the next run will try again. */
export async function endTarget({
  storages,
  observer,
  signal,
}: Pick<TargetRun, 'storages' | 'observer' | 'signal'>): Promise<void> {
  for (const storage of storages.begun) {
    try {
      await withinGrace(signal, storage.endRun(), 'closing');
    } catch (thrown) {
      const { message } = LakeportError.from(thrown);
      observer.message?.('warning', `Temporary files could not be removed; the next run will: ${message}`);
    }
  }
}
