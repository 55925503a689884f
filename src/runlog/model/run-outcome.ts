import { EXIT_CODES, type ExitClass } from '../../errors.js';
import type { RunResult } from '../../export/model/result.js';

export const LOGGED_STATES = ['pending', 'running', 'completed', 'failed', 'cancelled'] as const;

export type LoggedState = (typeof LOGGED_STATES)[number];

/** What readers of the log see: work in progress in a dead process is `interrupted`. */
export type ShownState = LoggedState | 'interrupted';

/** Exit classes of a run that a signal has ended. */
const CANCELLED: ReadonlySet<ExitClass> = new Set(['hung-up', 'interrupted', 'terminated']);

export function stateOf(exit: ExitClass | undefined): LoggedState {
  if (exit === undefined) return 'completed';
  return CANCELLED.has(exit) ? 'cancelled' : 'failed';
}

/**
 * The current time, but later than the start by at least the time measured, in case the wall clock was set back; at least a
 * millisecond, because users divide by the difference.
 */
export function laterThan(start: Date | null, seconds = 0): Date {
  return new Date(Math.max(Date.now(), (start?.getTime() ?? 0) + Math.max(1, Math.round(seconds * 1000))));
}

/** One sentence for the run, with the first failed table's error. */
export function failureOf({ tables, exit, metadata }: RunResult): string {
  const failed = tables.filter((table) => table.state === 'failed');
  const [first] = failed;
  if (first === undefined && metadata !== undefined && 'error' in metadata) return metadata.error.message;
  if (first === undefined) return `Ended with exit code ${exit === undefined ? 0 : EXIT_CODES[exit]}`;
  const { schema, name } = first.table;
  const reason = first.error === undefined ? '' : `: ${first.error.message}`;
  return `${failed.length} of ${tables.length} tables failed, the first being ${schema}.${name}${reason}`;
}
