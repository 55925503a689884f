import type { ExportOptions } from '../../export/model/options.js';

/** An error of a result or of the run log. */
export interface UnfinishedError {
  readonly code?: string | undefined;
}

/**
 * Errors of tables that would fail again in a resume, which keeps the columns that the run started with. Errors that a
 * corrected row, a grant or a released lock fixes are not among them.
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
 * Whether `--resume` can complete more of a run.
 * @param unfinished the error of each table that is not published; undefined for a table that was not reached
 */
export function isWorthResuming(
  unfinished: readonly (UnfinishedError | undefined)[],
  { consistency }: { readonly consistency: ExportOptions['consistency'] | undefined },
): boolean {
  // The snapshot of the published tables is lost, and no other one is allowed.
  if (consistency === 'run' && unfinished.some((error) => error?.code === 'SNAPSHOT_LOST')) return false;
  // The other process finishes it.
  if (unfinished.some((error) => error?.code === 'RUN_TAKEN')) return false;
  // A newer export has replaced it.
  if (unfinished.some((error) => error?.code === 'CLAIM_LOST' || error?.code === 'NEWER_EXPORT')) return false;
  return unfinished.some((error) => error?.code === undefined || !LASTING.has(error.code));
}
