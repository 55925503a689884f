import { EXIT_CODES, type ExitClass } from '../errors.js';
import type { RunResult } from '../export/result.js';
import type { JobRow, LoggedState, RunRow } from './rows.js';

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

/** Now, and at least a millisecond later: people divide by the difference. */
export function laterThan(start: Date | null): Date {
  return new Date(Math.max(Date.now(), (start?.getTime() ?? 0) + 1));
}

export function stateOf(exit: ExitClass | undefined): LoggedState {
  if (exit === undefined) return 'completed';
  return exit === 'interrupted' || exit === 'terminated' ? 'cancelled' : 'failed';
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
