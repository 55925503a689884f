import type { Slice } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import type { TablePlan } from './plan.js';
import type { RowCheckResult } from './row-check.js';
import type { SliceOutcome } from './slice-outcome.js';

/** A table whose slices are all staged. */
export interface FinishedTable {
  readonly plan: TablePlan;
  /** In the order of the slices. */
  readonly outcomes: readonly { readonly slice: Slice; readonly outcome: SliceOutcome }[];
  /** Files published by an earlier attempt of the run. */
  readonly published: ReadonlySet<StagedPart>;
  readonly startedAt: Date | undefined;
  readonly rowCheck: RowCheckResult | undefined;
}

/** Values written as NULL, by column, over all slices. */
export function unrepresentableOf({ outcomes }: Pick<FinishedTable, 'outcomes'>): Record<string, number> {
  return summed(outcomes.map(({ outcome }) => outcome.unrepresentable));
}

/** Arrays that lost their bounds, by column, over all slices. */
export function lostBoundsOf({ outcomes }: Pick<FinishedTable, 'outcomes'>): Record<string, number> {
  return summed(outcomes.map(({ outcome }) => outcome.lostBounds ?? {}));
}

function summed(slices: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const slice of slices) {
    for (const [column, count] of Object.entries(slice)) counts.set(column, (counts.get(column) ?? 0) + count);
  }
  return Object.fromEntries(counts);
}
