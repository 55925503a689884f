import type { AuthFile } from '../auth/auth-file.js';
import { LakeportError } from '../errors.js';
import { Stopwatch } from '../runtime/stopwatch.js';
import { checkSubPath } from '../storage/path.js';
import type { PreviousAttempt } from './resume/previous-attempt.js';
import { exportTables } from './execution/export-tables.js';
import { interruption, raceAbort, withinGrace } from '../runtime/interruption.js';
import { plannedMetadata } from './cdm/planned-metadata.js';
import { tableFormat } from './formats/formats.js';
import type { FindLoggedSync } from './model/logged-sync.js';
import type { RunObserver } from './model/observer.js';
import { completeOptions, type GivenOptions } from './model/complete-options.js';
import { maskSaltOf } from './model/mask-salt.js';
import type { ExportOptions } from './model/options.js';
import type { RunPlan } from './model/plan.js';
import { planTables } from './planning/planner.js';
import type { PlanningContext, SnapshotKeepers } from './planning/planning-context.js';
import { describeRun } from './execution/describe-run.js';
import { openPool, type PoolInput } from './execution/open-pool.js';
import { PlanningSession, type SourceDatabase } from './planning/planning-session.js';
import type { RunResult } from './model/result.js';
import { Resumption } from './resume/resumption.js';
import type { RetryPolicy } from '../runtime/retry.js';
import type { SlicePool } from './worker/slice-pool.js';
import { OpenStorages } from './publish/open-storages.js';
import type { RecordedOverride } from './model/recorded-override.js';
import { reconcileWithStorage } from './resume/reconcile.js';
import { acquireDestination, releaseDestination, sweepDestination } from './publish/destination.js';

export type { SourceDatabase } from './planning/planning-session.js';

export interface ExportRequest {
  /** What is left out has the default of its flag. */
  readonly options: GivenOptions;
  readonly auth: AuthFile;
  readonly observer?: RunObserver | undefined;
  /** A `LakeportError` as its reason says what kind of interruption it is. */
  readonly signal?: AbortSignal | undefined;
  /** Overrides from `partition_columns`, read once the source is connected. They take precedence over the options. */
  readonly recordedOverrides?: ((source: SourceDatabase) => Promise<readonly RecordedOverride[]>) | undefined;
  /** The run log's copy of where tables were last synced, to notice that files were removed or put back. */
  readonly loggedSync?: FindLoggedSync | undefined;
  /** What earlier attempts of this run have done, for a resume. */
  readonly previous?: PreviousAttempt | undefined;
  /** Called with the plan before anything is written; an error ends the run. */
  readonly beforeWriting?: ((plan: RunPlan) => Promise<void>) | undefined;
  /** Readers of slices that are not threads of this process. */
  readonly openPool?: ((input: PoolInput) => SlicePool) | undefined;
  /** Readers that the plan counts on where the user leaves their number open; by default the processors of this machine. */
  readonly cores?: number | undefined;
  readonly keepers?: SnapshotKeepers | undefined;
  /** Number and timing of retries. */
  readonly retry?: RetryPolicy | undefined;
}

/**
 * Plans an export without writing anything.
 * @throws LakeportError
 */
export async function planExport(request: ExportRequest): Promise<RunPlan> {
  return withPlan(request, ({ plan }) => Promise.resolve(plan));
}

/**
 * Exports the tables selected by the options. Failures of individual tables are part of the result.
 * @throws LakeportError if nothing was started: usage, source or storage unreachable, interrupted while planning
 */
export async function runExport(request: ExportRequest): Promise<RunResult> {
  const stopwatch = new Stopwatch();
  const lost = new AbortController();
  const signals = request.signal === undefined ? [lost.signal] : [request.signal, lost.signal];
  return withPlan(
    { ...request, signal: AbortSignal.any(signals), withMetadata: true },
    async ({ context, plan, storages }) => {
      const { options, observer, signal } = context;
      const before = context.resumption?.storageIds ?? [];
      // Once another run has taken over the destination, this one has nothing left to do.
      const onLost = (error: LakeportError) => lost.abort(error);
      const format = tableFormat(options);
      const target = {
        runId: options.runId,
        directory: options.subPath,
        storages,
        format,
        before,
        observer,
        signal,
        onLost,
      };
      const pool = (request.openPool ?? openPool)({ ...context, plan, storages });
      // While the destination is claimed. A resumed run may turn out to need fewer readers.
      const isStopped = options.errorAction === 'fail' && plan.problems.length > 0;
      if (context.resumption === undefined && !isStopped) pool.connect?.(plan.readers, plan.snapshot);
      try {
        await raceAbort(signal, Promise.resolve(request.beforeWriting?.(plan)));
        try {
          await acquireDestination(plan, target);
          const taking = reconcileWithStorage(plan, { ...context, format, storageOf: (id) => storages.get(id) });
          const taken = await withinGrace(signal, taking, 'readers');
          observer.planned?.(taken.plan);
          for (const { table, slice, outcome } of taken.confirmed) observer.sliceStaged?.(table, slice, outcome);
          await sweepDestination(target);
          const exported = await exportTables({
            ...context,
            ...taken,
            pool,
            storages,
            format,
            stopwatch,
            retry: request.retry,
            replan: (tables) => planTables({ ...context, resumption: undefined }, tables),
          });
          const result = await describeRun(exported, { options, storages, format, observer, signal });
          observer.ended?.(result);
          return result;
        } finally {
          await releaseDestination(target);
        }
      } finally {
        await pool.close();
      }
    },
  );
}

interface PreparedRun {
  readonly context: PlanningContext;
  readonly plan: RunPlan;
  readonly storages: OpenStorages;
}

/** Opens source and storages, plans, and closes them after `use`, which may need the source's snapshot. */
async function withPlan<T>(
  request: ExportRequest & Pick<PlanningContext, 'withMetadata'>,
  use: (prepared: PreparedRun) => Promise<T>,
): Promise<T> {
  const { auth, observer = {}, signal = new AbortController().signal } = request;
  const options = completeOptions(request.options);
  const { recordedOverrides, loggedSync, cores, keepers, retry, withMetadata = false } = request;
  checkSubPath(options.subPath);
  for (const route of options.routes) checkSubPath(route.subPath, '--route');
  const entry = auth.database(options.sourceId);
  const maskSalt = maskSaltOf(options, auth);
  const storages = OpenStorages.of(options, auth);
  const resumption = request.previous && new Resumption(request.previous);
  const planning = new PlanningSession({
    options,
    entry,
    maskSalt,
    storages,
    resumption,
    recordedOverrides,
    loggedSync,
    cores,
    keepers,
    retry,
    withMetadata,
    observer,
    signal,
  });
  // Ends anything the source is waiting for, such as a lock.
  const giveUp = () => void planning.close();
  try {
    // Without routes, report a faulty storage entry before querying the database.
    if (options.routes.length === 0) await raceAbort(signal, storages.open(storages.defaultId));
    signal.throwIfAborted();
    signal.addEventListener('abort', giveUp, { once: true });
    const planned = await withinGrace(signal, planning.run(), 'readers');
    signal.throwIfAborted();
    signal.removeEventListener('abort', giveUp);
    return await use({ ...planned, plan: withMetadataFiles(planned.plan, options, storages), storages });
  } catch (error) {
    throw signal.aborted ? interruption(signal) : ofRun(error);
  } finally {
    signal.removeEventListener('abort', giveUp);
    const closing = Promise.all([planning.close(), storages.close()]);
    await withinGrace(signal, closing, 'closing').catch(() => undefined);
  }
}

function withMetadataFiles(plan: RunPlan, options: ExportOptions, storages: OpenStorages): RunPlan {
  const { generateMetadata = false, includeEntityFiles = false } = options;
  if (!generateMetadata) return plan;
  const storageOf = (id: string) => storages.get(id);
  return { ...plan, metadata: plannedMetadata(plan.tables, { includeEntityFiles, storageOf }) };
}

/** A problem of the whole run, such as a full disk or a quota, is not a failure of single tables. */
function ofRun(thrown: unknown): LakeportError {
  const error = LakeportError.from(thrown);
  if (error.exit !== 'tables-failed' && error.exit !== 'unrepresentable') return error;
  const told = new LakeportError({ ...error.toData(), exit: 'unreachable', cause: error.cause });
  if (error.stack !== undefined) told.stack = error.stack;
  return told;
}
