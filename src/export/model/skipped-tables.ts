import type { LakeportError } from '../../errors.js';
import type { TableProblem } from '../../sources/source.js';
import { tableName } from '../../model/table.js';

/** A table that has nothing that could be read: it is told, and is no failure of the run. */
export interface SkippedTable {
  readonly id: TableProblem['id'];
  /** Says why, and what would help. */
  readonly reason: LakeportError;
}

const NOTHING_TO_READ = new Set(['TABLE_WITHOUT_COLUMNS', 'TABLE_NOT_POPULATED']);

/** Tells tables that fail from those that there is nothing to read of. */
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
