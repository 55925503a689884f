import type { TableId } from '../../model/table.js';
import type { SnapshotKeepers } from '../planning/planning-context.js';
import { isSameMoment, type Source } from '../../sources/source.js';
import type { Stopwatch } from '../../runtime/stopwatch.js';
import { perTableAtBest, leastConsistency } from '../model/consistency.js';
import { exitClassOf } from '../model/exit-class.js';
import { interruption } from '../../runtime/interruption.js';
import { publishTable } from '../publish/publish-table.js';
import { publishSynced } from './publish-synced.js';
import type { RunObserver } from '../model/observer.js';
import { type ExportOptions, fileOptions } from '../model/options.js';
import type { TableFormat } from '../formats/table-format.js';
import type { RunPlan, TablePlan } from '../model/plan.js';
import type { RunResult, TableResult } from '../model/result.js';
import type { RetryPolicy } from '../../runtime/retry.js';
import { ExportCoordinator } from './coordinator.js';
import { RowCheck } from './row-check.js';
import { RunSnapshot } from './run-snapshot.js';
import { asHeldNow } from './shared-snapshot.js';
import type { OpenStorages } from '../publish/open-storages.js';
import type { RecoveredSlices } from '../model/recovered-slices.js';
import { problemResult } from './table-result.js';
import type { SlicePool } from '../worker/slice-pool.js';

export interface TablesToExport {
  readonly options: ExportOptions;
  readonly plan: RunPlan;
  /** What an earlier attempt of the run has staged, by table key. */
  readonly recovered: ReadonlyMap<string, RecoveredSlices>;
  /** Tables published by an earlier attempt of the run. */
  readonly published: readonly TableResult[];
  /** Whether the rows of these are of the plan's snapshot. */
  readonly isOneMoment: boolean;
  readonly source: Source;
  /** Closed at the end. */
  readonly pool: SlicePool;
  readonly storages: OpenStorages;
  readonly format: TableFormat;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  readonly stopwatch: Stopwatch;
  readonly retry?: RetryPolicy | undefined;
  /** Who else holds the run's snapshot. */
  readonly keepers?: SnapshotKeepers | undefined;
  /** Pins and plans these tables again. */
  readonly replan: (tables: readonly TableId[]) => Promise<RunPlan>;
}

/** Exports the tables of a plan. Failures of individual tables are part of the result. */
export async function exportTables(input: TablesToExport): Promise<RunResult> {
  const { options, plan, recovered, source, pool, observer, signal, storages, format, retry, keepers, replan } = input;
  const { runId, sourceId, compat } = options;
  const { jobs, errorAction, consistency, rowCheck: rowCheckMode = 'count' } = options;
  const files = fileOptions(options);
  const problems = plan.problems.map(problemResult);
  for (const { id, error } of plan.problems) observer.tableFailed?.(id, error);
  for (const result of problems) observer.tableEnded?.(result);

  const { snapshot: first } = plan;
  const snapshot = new RunSnapshot({ source, first, consistency, plan: replan, keepers, retry, observer, signal });
  const snapshotOf = ({ snapshot: own }: TablePlan) => asHeldNow(own ?? first, snapshot);
  const isHeldFor = async ({ snapshot: own }: TablePlan) =>
    (await snapshot.isHeld()) && isSameMoment(own ?? first, snapshot.current);
  const rowCheck = new RowCheck({
    mode: rowCheckMode,
    count: (table) => source.countRows(table.plan.dataset, { snapshot: snapshotOf(table.plan), signal }),
    isHeld: (table) => isHeldFor(table.plan),
    observer,
    signal,
  });
  const run = new ExportCoordinator({
    tables: plan.tables,
    recovered,
    readers: plan.readers,
    jobs,
    errorAction,
    pool,
    snapshot,
    retry,
    discard: (part) => storages.get(part.storageId).discard(part),
    onStart: (table) => rowCheck.begin(table),
    check: async (table) => {
      table.rowCheck = await rowCheck.check(table);
    },
    publish: async (table) => {
      const storage = storages.get(table.plan.storageId);
      const { engine } = source;
      const context = { runId, sourceId, engine, compat, files, plan, snapshot: first, format, storage };
      if (table.plan.sync === undefined) return publishTable(table, context);
      // Its keys are read only now: a lost snapshot is taken over before, if it can be.
      if (table.plan.keys !== undefined) await snapshot.isHeld();
      return publishSynced(table, context, {
        ...{ runId, storage, format, observer, signal, reader: source.readerSettings() },
        ...{ plan: table.plan, snapshot: snapshotOf(table.plan) },
        isSnapshotHeld: () => isHeldFor(table.plan),
        target: storages.target(table.plan.storageId),
      });
    },
    observer,
    signal,
    isStopped: errorAction === 'fail' && problems.length > 0,
  });
  let results: TableResult[];
  try {
    results = await run.execute();
  } finally {
    await pool.close();
  }
  const tables = [...input.published, ...results, ...problems];
  const isOneMoment = !snapshot.wasRenewed && input.isOneMoment;
  return runResult(tables, { ...input, isOneMoment });
}

function runResult(
  tables: readonly TableResult[],
  { options, plan, signal, stopwatch, isOneMoment }: TablesToExport,
): RunResult {
  const { runId, startedAt } = options;
  const endedAt = new Date();
  const sum = (count: (table: TableResult) => number) => tables.reduce((total, table) => total + count(table), 0);
  const { consistency } = plan.snapshot;
  const most = isOneMoment ? consistency : perTableAtBest(consistency);
  return {
    runId,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    seconds: stopwatch.seconds,
    consistency: leastConsistency(
      most,
      tables.map((table) => table.consistency),
    ),
    tables,
    skipped: plan.skipped,
    rows: sum((table) => table.rows),
    files: sum((table) => table.files),
    bytes: sum((table) => table.bytes),
    exit: exitClassOf(tables, signal.aborted ? interruption(signal) : undefined),
  };
}
