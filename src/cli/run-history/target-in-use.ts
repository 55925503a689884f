import { LakeportError } from '../../errors.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { LivingRun } from '../../runlog/index.js';
import { tableName } from '../../text/printable.js';
import { placeKey } from './recorded-options.js';

/** This run, for comparison with others. */
export interface OwnRun {
  readonly runId: string;
  readonly startedAt: Date;
  readonly settings: unknown;
  readonly plan: RunPlan;
}

/**
 * Looks for a table of this run that another run writes to the same place. This only gives a better error earlier: the lock
 * in the destination is what keeps runs apart.
 * @throws LakeportError that names the other run
 */
export function refuseTargetInUse(own: OwnRun, living: readonly LivingRun[]): void {
  const tables = new Map(
    own.plan.tables.map(({ id, storageId, displayPath: path }) => [placeKey(own.settings, { storageId, path }), id]),
  );
  for (const other of living) {
    for (const { storageId, path, state } of other.tables) {
      const key = placeKey(other.settings, { storageId, path });
      const id = key === undefined ? undefined : tables.get(key);
      // If both runs have only planned the table, the later one stops.
      if (id === undefined || (state === 'pending' && isLater(other, own))) continue;
      throw targetInUse(other, { table: tableName(id), path: path ?? '' });
    }
  }
}

function isLater(other: LivingRun, own: OwnRun): boolean {
  const difference = other.startedAt.getTime() - own.startedAt.getTime();
  return difference === 0 ? other.runId > own.runId : difference > 0;
}

function targetInUse(
  { runId, holder }: LivingRun,
  { table, path }: { readonly table: string; readonly path: string },
): LakeportError {
  const where = holder === undefined ? '' : ` (${holder})`;
  return new LakeportError({
    code: 'TARGET_IN_USE',
    message: `Run ${runId}${where} is writing ${table} to ${path}`,
    hint: 'Wait until it ends, or export to another directory, for example with --sub-path {run_id}.',
    context: { table, path },
  });
}
