import { lostBoundsOf, unrepresentableOf } from '../model/finished-table.js';
import type { LakeportError } from '../../errors.js';
import type { PlannedProblem } from '../model/plan.js';
import type { TableResult } from '../model/result.js';
import type { TableProgress } from './table-progress.js';

export function completedResult(table: TableProgress): TableResult {
  const files = table.outcomes.flatMap(({ outcome }) => outcome.files);
  return {
    ...emptyResult(table),
    state: 'completed',
    rows: table.outcomes.reduce((sum, { outcome }) => sum + outcome.rows, 0),
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.part.bytes, 0),
    manifest: table.plan.manifest,
    ddl: table.plan.ddl,
    ...(table.plan.sync !== undefined && { sync: table.plan.sync }),
    ...table.completion,
    unrepresentable: unrepresentableOf(table),
    lostBounds: lostBoundsOf(table),
    ...(table.plan.consistency !== undefined && { consistency: table.plan.consistency }),
    ...(table.rowCheck !== undefined && { rowCheck: table.rowCheck }),
    ...(table.attempts > 1 && { attempts: table.attempts }),
  };
}

export function failedResult(table: TableProgress, error: LakeportError): TableResult {
  return { ...emptyResult(table), state: 'failed', error: error.toData() };
}

export function cancelledResult(table: TableProgress): TableResult {
  return { ...emptyResult(table), state: 'cancelled' };
}

/** The result of a table that could not be planned. */
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

/** Result of a table with nothing published. */
function emptyResult(table: TableProgress): Omit<TableResult, 'state'> {
  return {
    table: table.plan.id,
    rows: 0,
    files: 0,
    bytes: 0,
    seconds: table.seconds,
    storageId: table.plan.storageId,
    path: table.plan.displayPath,
    unrepresentable: {},
    error: undefined,
  };
}
