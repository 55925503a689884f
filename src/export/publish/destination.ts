import { LakeportError } from '../../errors.js';
import { raceAbort, withinGrace } from '../../runtime/interruption.js';
import type { RunObserver } from '../model/observer.js';
import type { RunPlan } from '../model/plan.js';
import type { OpenStorages } from './open-storages.js';
import { checkCollisions } from './collisions.js';

export interface DestinationRun {
  readonly runId: string;
  /** The run's sub path. */
  readonly directory: string;
  readonly storages: OpenStorages;
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
export async function acquireDestination(plan: RunPlan, { storages, before, ...run }: DestinationRun): Promise<void> {
  for (const id of before) await raceAbort(run.signal, storages.open(id));
  await storages.begin([...new Set([...usedStorages(plan), ...before])], run);
  // Once more: what the file system makes of names is known for sure only now that the base is there.
  await checkCollisions(
    plan.tables.map((table) => ({ id: table.id, place: table })),
    storages,
  );
  const directories = plan.tables.map(({ storageId, directory }) => ({ storageId, directory }));
  await raceAbort(run.signal, storages.claim(directories));
}

/** What dead runs of other users have left may not be ours to remove: no reason not to export. */
export async function sweepDestination({ storages, observer, signal }: DestinationRun): Promise<void> {
  for (const storage of storages.begun) {
    try {
      const removed = await raceAbort(signal, storage.sweep());
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
      observer.message?.('warning', `Temporary files could not be removed; the next run will: ${message}`);
    }
  }
}
