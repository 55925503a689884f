import { lostBoundsOf, unrepresentableOf } from '../model/finished-table.js';
import type { LakeportError } from '../../errors.js';
import type { PlannedProblem } from '../model/plan.js';
import type { TableResult } from '../model/result.js';
import type { TableProgress } from './table-progress.js';

export function completedResult(job: TableProgress): TableResult {
  const files = job.outcomes.flatMap(({ outcome }) => outcome.files);
  return {
    ...nothing(job),
    state: 'completed',
    rows: job.outcomes.reduce((sum, { outcome }) => sum + outcome.rows, 0),
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.part.bytes, 0),
    manifest: job.plan.manifest?.displayPath,
    unrepresentable: unrepresentableOf(job),
    lostBounds: lostBoundsOf(job),
    ...(job.plan.consistency !== undefined && { consistency: job.plan.consistency }),
    ...(job.rowCheck !== undefined && { rowCheck: job.rowCheck }),
    ...(job.attempts > 1 && { attempts: job.attempts }),
  };
}

export function failedResult(job: TableProgress, error: LakeportError): TableResult {
  return { ...nothing(job), state: 'failed', error: error.toData() };
}

export function cancelledResult(job: TableProgress): TableResult {
  return { ...nothing(job), state: 'cancelled' };
}

/** A table that could not even be planned. */
export function problemResult({ id, error, storageId, displayPath }: PlannedProblem): TableResult {
  return {
    table: id,
    state: 'failed',
    rows: 0,
    files: 0,
    bytes: 0,
    seconds: 0,
    storageId,
    path: displayPath,
    unrepresentable: {},
    error: error.toData(),
  };
}

/** Nothing of the table was published. */
function nothing(job: TableProgress): Omit<TableResult, 'state'> {
  return {
    table: job.plan.id,
    rows: 0,
    files: 0,
    bytes: 0,
    seconds: job.seconds,
    storageId: job.plan.storageId,
    path: job.plan.displayPath,
    unrepresentable: {},
    error: undefined,
  };
}
