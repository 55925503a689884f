import type { RunRecord } from '../../runlog/index.js';
import type { EndedState } from '../flags/sync-flags.js';
import { canBeRestored } from '../run-history/recorded-options.js';

/** Which runs of a sync a cleanup removes. */
export interface OldRuns {
  /** Those that ended before. */
  readonly before: Date;
  /** Only those in these states; undefined for all but those that can still be resumed. */
  readonly states: readonly EndedState[] | undefined;
}

/**
 * The runs to remove: never the last completed one, from which the lake has its files, nor one that is in progress.
 * @param runs all of a sync, latest first
 */
export function oldRuns(runs: readonly RunRecord[], { before, states }: OldRuns): RunRecord[] {
  const lastCompleted = runs.findIndex(({ state }) => state === 'completed');
  return runs.filter((run, at) => {
    if (run.state === 'running' || run.state === 'pending' || at === lastCompleted) return false;
    if ((run.endedAt ?? run.heartbeatAt) > before) return false;
    // A later run that was completed has replaced what it would have published.
    const isReplaced = lastCompleted !== -1 && at > lastCompleted;
    const isResumable = !isReplaced && run.tables !== undefined && canBeRestored(run.settings);
    return states === undefined ? !isResumable : states.some((state) => state === run.state);
  });
}
