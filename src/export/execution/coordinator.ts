import { LakeportError } from '../../errors.js';
import type { Slice } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import { RetryPlanner } from './slice-retries.js';
import { lostClaim } from '../../runtime/interruption.js';
import type { PublishedFile, RunObserver } from '../model/observer.js';
import type { TablePlan } from '../model/plan.js';
import { withinGrace } from '../../runtime/interruption.js';
import { ProgressReport } from './progress-report.js';
import { ReaderSlots } from './reader-slots.js';
import { SnapshotRecovery } from './snapshot-recovery.js';
import type { TableResult } from '../model/result.js';
import { RETRY_POLICY, type RetryPolicy } from '../../runtime/retry.js';
import { type Assignment, Scheduler } from './scheduler.js';
import type { SharedSnapshot } from './shared-snapshot.js';
import { sliceTask } from './slice-task.js';
import { type RunStop, TableFinisher } from './table-completion.js';
import { TableProgress } from './table-progress.js';
import { type RecoveredSlices } from '../model/recovered-slices.js';
import { tableKey } from '../../model/table.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import type { SliceTask } from '../worker/protocol.js';
import type { SliceEnd, SlicePool } from '../worker/worker-pool.js';

export interface CoordinatorOptions {
  /** Largest first. */
  readonly tables: readonly TablePlan[];
  /** What an earlier attempt of the run has staged, by the tables' keys. */
  readonly before?: ReadonlyMap<string, RecoveredSlices> | undefined;
  readonly readers: number;
  readonly jobs: number;
  readonly errorAction: 'continue' | 'fail';
  readonly pool: SlicePool;
  readonly snapshot: SharedSnapshot;
  readonly retry?: RetryPolicy | undefined;
  readonly withdraw: (part: StagedPart) => Promise<void>;
  /** A table's first slice is about to be read. */
  readonly onStart?: ((job: TableProgress) => void) | undefined;
  /** Rejects where what was read of a table must not be published. */
  readonly check?: ((job: TableProgress) => Promise<void>) | undefined;
  /** Makes a table visible whose slices are all staged; withdraws its parts where it fails. */
  readonly publish: (job: TableProgress) => Promise<readonly PublishedFile[]>;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Every table is cancelled at once: something has failed before that the run is to stop for. */
  readonly isStopped?: boolean;
}

type Failed = Extract<SliceEnd, { ok: false }>;

/**
 * Hands slices to readers until every table is published, failed or cancelled, some of them more than once. Runs in the
 * main thread and touches no row. Everything that happens ends in `#advance`.
 */
export class ExportCoordinator {
  readonly #settings: CoordinatorOptions;
  readonly #attempts: RetryPlanner;
  readonly #jobs: readonly TableProgress[];
  readonly #scheduler: Scheduler;
  readonly #progress: ProgressReport;
  readonly #endings: TableFinisher;
  readonly #slots: ReaderSlots;
  readonly #renewed: SnapshotRecovery;
  /** Aborted when nothing is worth waiting for any more. */
  readonly #patience = new AbortController();
  #stop: RunStop | undefined;
  readonly #stopped: Promise<false>;
  #tellStopped: () => void = () => undefined;
  #finish: () => void = () => undefined;

  constructor(settings: CoordinatorOptions) {
    const { tables, before, jobs, observer, snapshot, pool } = settings;
    this.#settings = settings;
    this.#stopped = new Promise((resolve) => (this.#tellStopped = () => resolve(false)));
    this.#slots = new ReaderSlots(settings.readers);
    this.#jobs = tables.map((plan) => new TableProgress(plan, before?.get(tableKey(plan.id))));
    this.#scheduler = new Scheduler(this.#jobs, { jobs });
    this.#progress = new ProgressReport(observer);
    this.#endings = new TableFinisher({
      ...settings,
      stop: () => this.#stop,
      stopped: this.#stopped,
      onFailure: (job, error) => this.#tellFailure(job, error),
      onEnd: () => this.#advance(),
    });
    const withdraw = (parts: readonly StagedPart[]) => this.#endings.withdraw(parts);
    const policy = settings.retry ?? RETRY_POLICY;
    this.#attempts = new RetryPlanner({ policy, observer, patience: this.#patience.signal, withdraw });
    this.#renewed = new SnapshotRecovery({
      snapshot,
      observer,
      stopReading: (job) => pool.cancel(this.#slots.tasksOf(job)),
      withdraw,
    });
  }

  /** How each table ended, in the order of the plan. */
  async execute(): Promise<TableResult[]> {
    const { signal, tables, snapshot } = this.#settings;
    const interrupt = () => this.#stopRun({ failure: lostClaim(signal), publishStaged: false });
    signal.addEventListener('abort', interrupt, { once: true });
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    if (signal.aborted || this.#settings.isStopped === true) interrupt();
    snapshot.onLost?.(() => void this.#snapshotLost());
    this.#advance();
    // What still hangs then - a store that does not answer - is left to a resume, or to the next run to the same place.
    await withinGrace(signal, finished, 'tidying').catch(() => this.#endings.abandon(this.#jobs));
    this.#patience.abort();
    signal.removeEventListener('abort', interrupt);
    return tables.flatMap(({ id }) => this.#endings.of(id) ?? []);
  }

  #advance(): void {
    for (let job = this.#nextComplete(); job !== undefined; job = this.#nextComplete()) this.#settleIfRead(job);
    while (!this.#slots.areFull) {
      const assignment = this.#next();
      if (assignment === undefined) break;
      void this.#read(assignment, 'rows');
    }
    if (this.#slots.areIdle && this.#endings.isIdle && this.#scheduler.isEmpty) this.#finish();
  }

  #next(): Assignment | undefined {
    if (this.#stop !== undefined || this.#renewed.isRenewing) return undefined;
    const assignment = this.#scheduler.next({ startTables: !this.#endings.isBacklogged });
    if (assignment !== undefined) this.#started(assignment.job);
    return assignment;
  }

  /** A table of which everything is staged already. */
  #nextComplete(): TableProgress | undefined {
    if (this.#stop !== undefined || this.#endings.isBacklogged) return undefined;
    const job = this.#scheduler.nextComplete();
    if (job !== undefined) this.#started(job);
    return job;
  }

  #started(job: TableProgress): void {
    if (job.startedAt !== undefined) return;
    job.start();
    this.#settings.observer.tableStarted?.(job.plan.id);
    this.#settings.onStart?.(job);
  }

  /** @param connects how often the reader has failed to connect before */
  async #read({ job, slice }: Assignment, mode: SliceTask['mode'], connects = 0): Promise<void> {
    const { pool, observer, snapshot } = this.#settings;
    const task = sliceTask(job, slice, { mode, snapshot: snapshot.current });
    const { table } = task;
    this.#slots.take(task, job);
    observer.sliceStarted?.(table, slice.index);
    const end = await pool.run(task, {
      onProgress: (sums) => {
        job.progress(slice, sums);
        this.#progress.report(job);
      },
      onStaged: (part) => job.stagedPart(slice, part),
    });
    this.#slots.leave(task);
    if (end.ok) await this.#sliceRead(task, job, end.outcome);
    else await this.#sliceFailed(task, job, end, connects);
    this.#renewed.isIdle(job);
    if (job.active > 0 || job.hasWaiting) this.#progress.report(job);
    else this.#progress.tell(job);
    this.#settleIfRead(job);
    this.#advance();
  }

  /**
   * What was read counts only if the session that holds the snapshot and the locks answers a question that was put after
   * the end of the read. Its reader goes on meanwhile.
   */
  async #sliceRead(task: SliceTask, job: TableProgress, outcome: SliceOutcome): Promise<void> {
    const { table, slice, mode, snapshot } = task;
    const { observer } = this.#settings;
    if (mode === 'schema') {
      job.finished(slice, outcome);
      observer.sliceStaged?.(table, slice.index, outcome);
      return;
    }
    job.readToEnd();
    this.#advance();
    const counts = await Promise.race([this.#renewed.isCurrent(snapshot), this.#stopped]);
    if (this.#isOutOfUse(job)) job.disproven(slice);
    else if (counts) {
      job.proven(slice, outcome);
      observer.sliceStaged?.(table, slice.index, outcome);
    } else {
      await this.#endings.withdraw(job.detachStaged(slice));
      job.disproven(slice);
      await this.#renew(job);
    }
  }

  async #sliceFailed(task: SliceTask, job: TableProgress, end: Failed, connects: number): Promise<void> {
    const { error, unconnected } = end;
    const { slice } = task;
    if (this.#isOutOfUse(job)) {
      this.#leave(job, slice, error);
      return;
    }
    // Without the snapshot nothing can be read a second time.
    const mayBeLost = error.transient || error.code === 'SNAPSHOT_NOT_FOUND';
    if (mayBeLost && !(await this.#renewed.isCurrent(task.snapshot))) {
      this.#settings.observer.sliceFailed?.(task.table, slice.index, { error, final: false });
      await this.#endings.withdraw(job.detachStaged(slice));
      job.requeue(slice);
      return this.#renew(job);
    }
    // The answer took its time.
    if (this.#isOutOfUse(job)) this.#leave(job, slice, error);
    else if (unconnected) await this.#readerFailed({ job, slice }, error, connects + 1);
    else await this.#trySliceAgain(task, job, error);
  }

  /** Nothing more is wanted of the table's readers. */
  #isOutOfUse(job: TableProgress): boolean {
    return this.#stop !== undefined || job.failure !== undefined || job.isRestarting;
  }

  #leave(job: TableProgress, slice: Slice, error: LakeportError): void {
    if (job.failure === undefined) job.requeue(slice);
    else job.failed(slice, error);
  }

  async #trySliceAgain(task: SliceTask, job: TableProgress, error: LakeportError): Promise<void> {
    const next = await this.#attempts.afterSliceFailure(task, job, error);
    if (next === undefined) this.#failTable(job, error, task.slice);
    else
      void next.wait.then(() => {
        this.#settleIfRead(job);
        this.#advance();
      });
  }

  /** The same reader tries again, maybe with another slice; without hope there is one reader fewer. */
  async #readerFailed({ job, slice }: Assignment, error: LakeportError, made: number): Promise<void> {
    const again = this.#attempts.afterConnectFailure(job, slice, { error, made });
    if (again === undefined) {
      this.#retireReader(error);
      return;
    }
    await this.#slots.pause(again.wait);
    const next = this.#next();
    if (next !== undefined) void this.#read(next, 'rows', made);
  }

  /** One reader fewer; without the last one no further table can be read. */
  #retireReader(error: LakeportError): void {
    this.#slots.retire();
    if (this.#slots.count === 0) {
      this.#stopRun({ failure: error, publishStaged: true });
      return;
    }
    const text = `A reader could not connect, going on with ${this.#slots.count}: ${error.message}`;
    this.#settings.observer.message?.('warning', text, { code: error.code });
  }

  /** Without a slice that tells of it: the connection has ended. */
  async #snapshotLost(): Promise<void> {
    if (this.#stop === undefined) await this.#renew();
    this.#advance();
  }

  /** @param job one that is to begin anew in any case */
  async #renew(job?: TableProgress): Promise<void> {
    const { all } = this.#scheduler;
    try {
      const failures = await (job === undefined ? this.#renewed.renewLost(all) : this.#renewed.renew(job, all));
      for (const [failed, error] of failures) {
        this.#scheduler.take(failed);
        this.#failTable(failed, error);
        this.#settleIfRead(failed);
      }
    } catch (error) {
      this.#stopRun({ failure: LakeportError.from(error), publishStaged: true });
    }
    // What has come to an end in the meantime was not settled, as it was to begin anew.
    if (this.#stop !== undefined) for (const one of this.#scheduler.takeAll()) this.#settleIfRead(one);
  }

  #stopRun(stop: RunStop): void {
    if (this.#stop !== undefined && !this.#stop.publishStaged) return;
    this.#stop = stop;
    this.#tellStopped();
    this.#patience.abort();
    this.#settings.pool.cancel(this.#slots.tasks);
    for (const job of this.#scheduler.takeAll()) this.#settleIfRead(job);
    this.#advance();
  }

  /** @param slice the one that is to blame, which was being read */
  #failTable(job: TableProgress, error: LakeportError, slice?: Slice): void {
    if (slice === undefined) job.failure ??= error;
    else job.failed(slice, error);
    this.#tellFailure(job, error);
    // The table's other slices are of no use any more.
    this.#settings.pool.cancel(this.#slots.tasksOf(job));
  }

  /** Publishes or gives up a table that no reader is on any more, unless some of its slices are still to come. */
  #settleIfRead(job: TableProgress): void {
    if (!job.isIdle || job.isRestarting || !this.#scheduler.has(job)) return;
    if (job.isComplete && !job.hasFiles && this.#stop === undefined) {
      const first = job.retakeFirst();
      if (first !== undefined) void this.#read({ job, slice: first }, 'schema');
      return;
    }
    const isGivenUp = job.failure !== undefined || this.#stop !== undefined;
    if (!job.isComplete && !isGivenUp) return;
    this.#scheduler.release(job);
    if (job.isComplete) this.#endings.publish(job);
    else this.#endings.giveUp(job);
  }

  #tellFailure(job: TableProgress, error: LakeportError): void {
    this.#settings.observer.tableFailed?.(job.plan.id, error);
    if (this.#settings.errorAction === 'fail') this.#stopRun({ failure: undefined, publishStaged: false });
  }
}
