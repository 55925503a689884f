import type { LakeportError } from '../../errors.js';
import type { TableProblem } from '../../sources/source.js';
import { tableName } from '../../model/table.js';

/** A table with nothing to read: reported, but not a failure of the run. */
export interface SkippedTable {
  readonly id: TableProblem['id'];
  /** Why, with a hint. */
  readonly reason: LakeportError;
}

const NOTHING_TO_READ = new Set(['TABLE_WITHOUT_COLUMNS', 'TABLE_NOT_POPULATED']);

/** Separates tables that fail from tables with nothing to read. */
export function splitSkipped(problems: readonly TableProblem[]): {
  readonly problems: readonly TableProblem[];
  readonly skipped: readonly SkippedTable[];
} {
  const isSkipped = ({ error }: TableProblem) => NOTHING_TO_READ.has(error.code);
  return {
    problems: problems.filter((problem) => !isSkipped(problem)),
    skipped: problems.filter(isSkipped).map(({ id, error }) => ({ id, reason: error })),
  };
}

export function skippedText({ id, reason }: SkippedTable): string {
  const hint = reason.hint === undefined ? '' : ` (${reason.hint})`;
  return `${tableName(id)} is skipped: ${reason.message}${hint}`;
}
