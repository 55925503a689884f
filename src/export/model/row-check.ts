import type { TablePlan } from './plan.js';

/** How rows of tables that are read in several slices are checked, by the names that users type. */
export const ROW_CHECKS = ['count', 'none'] as const;
export type RowCheckMode = (typeof ROW_CHECKS)[number];
/**
 * What became of the comparison of a table's rows with a count of the source's. `passed`: the slices' rows are as many;
 * `not_needed`: one query read the table; `off`: nobody wanted it; `not_possible`: rows could not be counted, or not as of
 * one moment.
 */
export type RowCheckResult = 'passed' | 'not_needed' | 'off' | 'not_possible';
/** What the plan's own question counted. */
export function plannedRows({ slices }: TablePlan): number | undefined {
  return slices[0]?.tableRows;
}

/** Whether the run asks the source to count the table's rows, besides reading them. */
export function takesCount(plan: TablePlan, mode: RowCheckMode = 'count'): boolean {
  return mode === 'count' && plan.slices.length > 1 && plan.isForeign !== true && plannedRows(plan) === undefined;
}
