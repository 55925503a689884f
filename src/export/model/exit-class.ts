import type { ExitClass, LakeportError } from '../../errors.js';
import { isLostClaim } from '../../runtime/interruption.js';
import type { TableResult } from './result.js';

/** The exit class of a finished run; undefined if every table was published. */
export function exitClassOf(
  tables: readonly TableResult[],
  interrupted: LakeportError | undefined,
): ExitClass | undefined {
  // An interruption after all tables were done changed nothing.
  if (interrupted !== undefined && tables.some((table) => table.state === 'cancelled')) return interrupted.exit;
  const failures = tables.flatMap((table) => table.error ?? []);
  if (failures.length === 0) return undefined;
  const all = (exit: ExitClass) => failures.every((failure) => failure.exit === exit);
  const lost = failures.find(isLostClaim);
  if (lost !== undefined) return lost.exit;
  if (all('unrepresentable')) return 'unrepresentable';
  const nothingPublished = tables.every((table) => table.state !== 'completed');
  return nothingPublished && all('unreachable') ? 'unreachable' : 'tables-failed';
}
