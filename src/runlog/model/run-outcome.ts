import { EXIT_CODES, type ExitClass } from '../../errors.js';
import type { RunResult } from '../../export/model/result.js';
import type { JobRow, LoggedState, RunRow } from './row-types.js';

/** What a table adds to its run's sums. */
export function shareOf({ state, row_count: rows, byte_count: bytes, file_count: files }: JobRow) {
  return {
    completed: Number(state === 'completed'),
    failed: Number(state === 'failed'),
    rows: rows ?? 0,
    bytes: bytes ?? 0,
    files: files ?? 0,
  };
}

type Share = ReturnType<typeof shareOf>;

/** A run's sums after the share of one of its tables has changed. */
export function sumsAfter(run: RunRow, { from, to }: { readonly from: Share; readonly to: Share }) {
  return {
    completed_tables: run.completed_tables + to.completed - from.completed,
    failed_tables: run.failed_tables + to.failed - from.failed,
    row_count: run.row_count + to.rows - from.rows,
    byte_count: run.byte_count + to.bytes - from.bytes,
    file_count: run.file_count + to.files - from.files,
  };
}

/**
 * Now, and after the start by at least the time that was measured, whatever the wall clock says: it may have been put back.
 * A millisecond at least, as people divide by the difference.
 */
export function laterThan(start: Date | null, seconds = 0): Date {
  return new Date(Math.max(Date.now(), (start?.getTime() ?? 0) + Math.max(1, Math.round(seconds * 1000))));
}

/** A signal has ended the run. */
const CANCELLED: ReadonlySet<ExitClass> = new Set(['hung-up', 'interrupted', 'terminated']);

export function stateOf(exit: ExitClass | undefined): LoggedState {
  if (exit === undefined) return 'completed';
  return CANCELLED.has(exit) ? 'cancelled' : 'failed';
}

/** One sentence for the run, with the first table's error. */
export function failureOf({ tables, exit }: RunResult): string {
  const failed = tables.filter((table) => table.state === 'failed');
  const [first] = failed;
  if (first === undefined) return `Ended with exit code ${exit === undefined ? 0 : EXIT_CODES[exit]}`;
  const { schema, name } = first.table;
  const reason = first.error === undefined ? '' : `: ${first.error.message}`;
  return `${failed.length} of ${tables.length} tables failed, the first being ${schema}.${name}${reason}`;
}
