import type { AnnouncedSnapshot, LoggedWorker, RunWorkers } from '../runlog/index.js';
import type { HeldSnapshot } from '../sources/source.js';

/**
 * Which workers hold the run's snapshot besides its coordinator. Each worker decides for itself, by what the log says of
 * all of them: now and then there is one too many for a moment, which harms nothing.
 */

/** The snapshot that a run goes on in, whether the coordinator that has told of it still lives or not. */
export function runSnapshot(workers: readonly LoggedWorker[]): AnnouncedSnapshot | undefined {
  return coordinatorOf(workers)?.snapshot;
}

/**
 * Sessions that hold the snapshot of this moment, as far as the log knows. Keepers first: the coordinator's may be there
 * still when its process or connection is gone, but nobody renews it. Nor does it say much whether a process is heard of:
 * the server knows.
 */
export function sessionsOf(workers: readonly LoggedWorker[], moment: string | undefined): readonly HeldSnapshot[] {
  if (moment === undefined) return [];
  const keepers = workers.flatMap(({ role, snapshot }) => (role === 'worker' && snapshot) || []);
  const all = [...keepers, runSnapshot(workers)].filter((held) => held !== undefined);
  return all.filter(({ snapshot }) => snapshot.moment === moment);
}

/** Living workers that hold this snapshot, in the order in which they came to the run. */
export function keepersOf(workers: readonly LoggedWorker[], moment: string | undefined): readonly LoggedWorker[] {
  return workers.filter(
    ({ role, isLiving, snapshot }) =>
      role === 'worker' && isLiving && moment !== undefined && snapshot?.snapshot.moment === moment,
  );
}

/**
 * How many workers should try before this one to become a keeper; undefined if enough hold the snapshot. Those on other
 * hosts than the coordinator and the keepers come first: one lost machine should not take all of them away.
 */
export function turnOf(workerId: string, workers: readonly LoggedWorker[]): number | undefined {
  const coordinator = coordinatorOf(workers);
  const keepers = keepersOf(workers, coordinator?.snapshot?.snapshot.moment);
  const missing = wantedKeepers(workers) - keepers.length;
  if (missing <= 0) return undefined;
  const keeping = new Set(keepers.map((keeper) => keeper.workerId));
  const candidates = workers.filter((one) => one.role === 'worker' && one.isLiving && !keeping.has(one.workerId));
  const hosts = new Set([coordinator?.host, ...keepers.map(({ host }) => host)]);
  const isElsewhere = candidates.map(({ host }) => {
    const isFirstOfHost = !hosts.has(host);
    hosts.add(host);
    return isFirstOfHost;
  });
  const ranked = [
    ...candidates.filter((_, at) => isElsewhere[at] === true),
    ...candidates.filter((_, at) => isElsewhere[at] !== true),
  ];
  const rank = ranked.findIndex((one) => one.workerId === workerId);
  return rank === -1 ? undefined : Math.max(0, rank - missing + 1);
}

/** Whether enough others hold the snapshot, which came to the run before this worker. */
export function isSurplus(workerId: string, workers: readonly LoggedWorker[]): boolean {
  const keepers = keepersOf(workers, runSnapshot(workers)?.snapshot.moment);
  return keepers.findIndex((one) => one.workerId === workerId) >= wantedKeepers(workers);
}

/** Whether a reader found no free connection. Until its slice is read, there are no keepers: readers come first. */
export function isCrowded(workers: readonly LoggedWorker[]): boolean {
  return workers.some(({ isLiving, slices }) => isLiving && slices.some(({ isCrowdedOut }) => isCrowdedOut === true));
}

function wantedKeepers(workers: readonly LoggedWorker[]): number {
  return isCrowded(workers) ? 0 : (runSnapshot(workers)?.keepers ?? 0);
}

/** Whether a living process coordinates the run. */
export function isCoordinated({ workers }: Pick<RunWorkers, 'workers'>): boolean {
  return workers.some(({ role, isLiving }) => role === 'coordinator' && isLiving);
}

function coordinatorOf(workers: readonly LoggedWorker[]): LoggedWorker | undefined {
  return workers.findLast(({ role, snapshot }) => role === 'coordinator' && snapshot !== undefined);
}
