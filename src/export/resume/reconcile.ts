import type { Storage } from '../../storage/storage.js';
import { refuseNewerExports } from './newer-exports.js';
import type { RunObserver } from '../model/observer.js';
import type { TableFormat } from '../formats/table-format.js';
import type { ExportOptions } from '../model/options.js';
import type { RunPlan } from '../model/plan.js';
import { findPublished } from './find-published.js';
import type { TableResult } from '../model/result.js';
import type { Resumption } from './resumption.js';
import { type RecoveredTables, recoverStagedFiles } from './recover-staged.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import { type TableId, tableKey, tableName } from '../../model/table.js';

export interface Reconciled extends RecoveredTables {
  /** Tables already published. */
  readonly published: readonly TableResult[];
  /** Whether the rows of these are of the snapshot that the others are read from. */
  readonly isOneMoment: boolean;
  /** Slices that only now are known to count. */
  readonly confirmed: readonly ConfirmedSlice[];
}

interface ConfirmedSlice {
  readonly table: TableId;
  readonly slice: number;
  readonly outcome: SliceOutcome;
}

export interface ReconcileOptions {
  readonly options: Pick<ExportOptions, 'runId' | 'consistency'>;
  /** Undefined if the run is not a resume. */
  readonly resumption?: Resumption | undefined;
  readonly format: TableFormat;
  readonly storageOf: (id: string) => Storage;
  readonly observer: RunObserver;
}

/** Looks up what an earlier attempt of the run has left in the storages, and removes it from the plan. */
export async function reconcileWithStorage(
  plan: RunPlan,
  { options, resumption, format, storageOf, observer }: ReconcileOptions,
): Promise<Reconciled> {
  if (resumption?.wasPlanned !== true) {
    return { plan, recovered: new Map(), published: [], isOneMoment: true, confirmed: [] };
  }
  const { runId } = options;
  await refuseNewerExports(plan, { runId, startedAt: resumption.startedAt, format, storageOf });
  const tables = plan.tables.filter(({ id }) => resumption.wasStarted(id));
  const found = await findPublished(plan, { runId, tables, format, storageOf, observer });
  const wholeTables = options.consistency === 'run';
  const taken = await recoverStagedFiles(found.plan, { resumption, wholeTables, format, storageOf });
  const published = [...resumption.published(), ...found.results];
  const isOneMoment = published.every(({ table }) => resumption.isSameMoment(table));
  const reconciled = { ...taken, published, isOneMoment, confirmed: confirmedSlices(taken, resumption) };
  report(observer, reconciled);
  return reconciled;
}

/** Those that the log does not know of yet. */
function confirmedSlices({ plan, recovered }: RecoveredTables, resumption: Resumption): ConfirmedSlice[] {
  return plan.tables.flatMap(({ id }) => {
    const reported = resumption.reportedSlices(id);
    return [...(recovered.get(tableKey(id))?.outcomes ?? [])].flatMap(([slice, outcome]) =>
      reported.has(slice) ? [{ table: id, slice, outcome }] : [],
    );
  });
}

function report(observer: RunObserver, { plan, recovered, published }: Reconciled): void {
  const staged = [...recovered.values()].reduce((sum, { outcomes }) => sum + outcomes.size, 0);
  const text = `Resuming an earlier run: ${published.length} tables are published, ${plan.tables.length} are left, with ${staged} slices already staged`;
  observer.message?.('info', text, { published: published.length, left: plan.tables.length, staged });
  const mixed = plan.tables.filter(({ consistency }) => consistency === 'none').map(({ id }) => tableName(id));
  if (mixed.length === 0 || plan.snapshot.consistency === 'none') return;
  const names = mixed.join(', ');
  observer.message?.('warning', `These tables will hold rows from two snapshots (consistency none): ${names}`, {
    mixed,
  });
}
