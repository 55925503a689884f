import type { ExportOptions } from '../../export/model/options.js';

/** An error as a result or the run log has it. */
export interface UnfinishedError {
  readonly code?: string | undefined;
}

/**
 * Errors of tables that a resume meets again, or that it refuses: it keeps to the columns that the run was begun with. What
 * a corrected row, a grant or a free lock mends is none of them.
 */
const LASTING: ReadonlySet<string> = new Set([
  'ROW_COUNT_DIFFERS',
  'TABLE_CHANGED',
  'TABLE_CHANGED_SINCE',
  'TABLE_NOT_FOUND',
  'TABLE_UNLOGGED',
  'TABLE_WITHOUT_COLUMNS',
  'TYPE_NOT_READABLE',
]);

/**
 * Whether `--resume` can bring a run any further.
 * @param unfinished what befell each table that is not published; undefined for one that was only not reached
 */
export function isWorthResuming(
  unfinished: readonly (UnfinishedError | undefined)[],
  { consistency }: { readonly consistency: ExportOptions['consistency'] | undefined },
): boolean {
  // What is published is of a moment that is gone, and no other one is allowed.
  if (consistency === 'run' && unfinished.some((error) => error?.code === 'SNAPSHOT_LOST')) return false;
  // The other process brings it to its end.
  if (unfinished.some((error) => error?.code === 'RUN_TAKEN')) return false;
  // Newer rows are in its place.
  if (unfinished.some((error) => error?.code === 'CLAIM_LOST' || error?.code === 'NEWER_EXPORT')) return false;
  return unfinished.some((error) => error?.code === undefined || !LASTING.has(error.code));
}
