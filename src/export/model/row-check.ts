import type { TablePlan } from './plan.js';

/** How rows of tables read in several slices are checked, by the names used on the command line. */
export const ROW_CHECKS = ['count', 'none'] as const;
export type RowCheckMode = (typeof ROW_CHECKS)[number];
/**
 * Result of comparing a table's rows with the source's count. `passed`: the numbers are equal; `not_needed`: a single
 * query read the table; `off`: not requested; `not_possible`: the rows could not be counted, or not at the same time.
 */
export type RowCheckResult = 'passed' | 'not_needed' | 'off' | 'not_possible';
/** The row count taken while planning, if any. */
export function plannedRows({ slices }: TablePlan): number | undefined {
  return slices[0]?.tableRows;
}

/** Whether the run needs a separate query to count the table's rows. */
export function takesCount(plan: TablePlan, mode: RowCheckMode = 'count'): boolean {
  const isRepeatable = plan.isForeign !== true && plan.dataset.sample === undefined;
  return mode === 'count' && plan.slices.length > 1 && isRepeatable && plannedRows(plan) === undefined;
}
