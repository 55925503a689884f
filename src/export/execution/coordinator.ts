import { LakeportError } from '../../errors.js';
import type { Slice } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import { RetryPlanner } from './slice-retries.js';
import { lostClaim } from '../../runtime/interruption.js';
import { SNAPSHOT_UNUSABLE } from '../model/snapshot-errors.js';
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
import { needsNoFile } from '../model/table-sync.js';
import { tableKey, tableName } from '../../model/table.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import type { SliceTask } from '../worker/protocol.js';
import type { SliceEnd, SlicePool } from '../worker/slice-pool.js';

export interface CoordinatorOptions {
  /** Largest first. */
  readonly tables: readonly TablePlan[];
  /** What an earlier attempt of the run has staged, by table key. */
  readonly recovered?: ReadonlyMap<string, RecoveredSlices> | undefined;
  readonly readers: number;
  readonly jobs: number;
  readonly errorAction: 'continue' | 'fail';
  readonly pool: SlicePool;
  readonly snapshot: SharedSnapshot;
  readonly retry?: RetryPolicy | undefined;
  readonly discard: (part: StagedPart) => Promise<void>;
  /** Called before a table's first slice is read. */
  readonly onStart?: ((table: TableProgress) => void) | undefined;
  /** Rejects if the rows read from a table must not be published. */
  readonly check?: ((table: TableProgress) => Promise<void>) | undefined;
  /** Publishes a fully staged table; on failure, discards its staged files. */
  readonly publish: (table: TableProgress) => Promise<readonly PublishedFile[]>;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Cancels every table at the start: something that stops the run has already failed. */
  readonly isStopped?: boolean;
}

type Failed = Extract<SliceEnd, { readonly error: LakeportError }>;

/**
 * Assigns slices to readers, with retries, until every table is published, failed or cancelled. Runs in the main
 * thread and touches no rows. Every event ends in `#advance`.
 */
export class ExportCoordinator {
  readonly #options: CoordinatorOptions;
  readonly #retries: RetryPlanner;
  readonly #tables: readonly TableProgress[];
  readonly #scheduler: Scheduler;
  readonly #progress: ProgressReport;
  readonly #finisher: TableFinisher;
  readonly #slots: ReaderSlots;
  readonly #recovery: SnapshotRecovery;
  /** Aborts every back-off once the run stops. */
  readonly #stopWaiting = new AbortController();
  #stop: RunStop | undefined;
  readonly #stopped: Promise<false>;
  #resolveStopped: () => void = () => undefined;
  #finish: () => void = () => undefined;

  constructor(options: CoordinatorOptions) {
    const { tables, recovered, jobs, observer, snapshot, pool } = options;
    this.#options = options;
    this.#stopped = new Promise((resolve) => (this.#resolveStopped = () => resolve(false)));
    const capacity = pool.watchCapacity?.({
      onCapacity: (slices) => this.#resize(slices),
      onFailed: (error) => this.#stopRun({ failure: error, publishStaged: true }),
    });
    this.#slots = new ReaderSlots(capacity ?? options.readers);
    this.#tables = tables.map((plan) => new TableProgress(plan, recovered?.get(tableKey(plan.id))));
    this.#scheduler = new Scheduler(this.#tables, {
      jobs: Math.max(jobs, capacity ?? 0),
      weightOf: ({ plan }) => this.#weightOf(plan.estimatedBytes),
    });
    this.#progress = new ProgressReport(observer);
    this.#finisher = new TableFinisher({
      ...options,
      stop: () => this.#stop,
      stopped: this.#stopped,
      onFailure: (table, error) => this.#reportFailure(table, error),
      onEnd: () => this.#advance(),
    });
    const discard = (parts: readonly StagedPart[]) => this.#finisher.discard(parts);
    const policy = options.retry ?? RETRY_POLICY;
    this.#retries = new RetryPlanner({ policy, observer, stopWaiting: this.#stopWaiting.signal, discard });
    this.#recovery = new SnapshotRecovery({
      snapshot,
      observer,
      stopReading: (table) => pool.cancel(this.#slots.tasksOf(table)),
      discard,
    });
  }

  /** Runs the export. Results are in the order of the plan. */
  async execute(): Promise<TableResult[]> {
    const { signal, tables, snapshot } = this.#options;
    const interrupt = () => this.#stopRun({ failure: lostClaim(signal), publishStaged: false });
    signal.addEventListener('abort', interrupt, { once: true });
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    if (signal.aborted || this.#options.isStopped === true) interrupt();
    snapshot.onLost?.(() => void this.#snapshotLost());
    this.#advance();
    // Whatever still hangs, such as a store that does not respond, is left to a resume or to the next run.
    await withinGrace(signal, finished, 'tidying').catch(() => this.#finisher.abandon(this.#tables));
    this.#stopWaiting.abort();
    signal.removeEventListener('abort', interrupt);
    return tables.flatMap(({ id }) => this.#finisher.of(id) ?? []);
  }

  #advance(): void {
    for (let table = this.#nextComplete(); table !== undefined; table = this.#nextComplete()) this.#settleIfRead(table);
    while (!this.#slots.isFull) {
      const assignment = this.#next();
      if (assignment === undefined) break;
      void this.#read(assignment, 'rows');
    }
    if (this.#slots.isIdle && this.#finisher.isIdle && this.#scheduler.isEmpty) this.#finish();
  }

  #weightOf(bytes: number | undefined): number {
    return this.#options.pool.weightOf?.(bytes) ?? 1;
  }

  /** Workers that read one slice each also work on as many tables, if these are small. */
  #resize(slices: number): void {
    if (slices === this.#slots.count) return;
    this.#slots.resize(slices);
    this.#scheduler.jobs = Math.max(this.#options.jobs, slices);
    this.#advance();
  }

  #next(): Assignment | undefined {
    if (this.#stop !== undefined || this.#recovery.isRenewing) return undefined;
    const assignment = this.#scheduler.next({ startTables: !this.#finisher.isBacklogged });
    if (assignment !== undefined) this.#startTable(assignment.table);
    return assignment;
  }

  /** The next table whose slices are all staged already. */
  #nextComplete(): TableProgress | undefined {
    if (this.#stop !== undefined || this.#finisher.isBacklogged) return undefined;
    const table = this.#scheduler.nextComplete();
    if (table !== undefined) this.#startTable(table);
    return table;
  }

  #startTable(table: TableProgress): void {
    if (table.startedAt !== undefined) return;
    table.start();
    this.#options.observer.tableStarted?.(table.plan.id);
    this.#options.onStart?.(table);
  }

  /** @param connects failed connection attempts of this reader so far */
  async #read({ table, slice }: Assignment, mode: SliceTask['mode'], connects = 0): Promise<void> {
    const { pool, observer, snapshot } = this.#options;
    const task = sliceTask(table, slice, { mode, current: snapshot.current });
    this.#slots.take(task, { table, weight: this.#weightOf(task.expectedBytes) });
    observer.sliceStarted?.(table.plan.id, slice.index);
    const end = await pool.run(task, {
      onProgress: (sums) => {
        table.progress(slice, sums);
        this.#progress.report(table);
      },
      onStaged: (part) => table.stagedPart(slice, part),
    });
    this.#slots.release(task);
    if (end.ok) await this.#sliceRead(task, table, end.outcome);
    else if (end.givenBack === true) await this.#sliceGivenBack(task, table, end.error);
    else await this.#sliceFailed(task, table, end, connects);
    this.#recovery.readerLeft(table);
    if (table.active > 0 || table.hasWaiting) this.#progress.report(table);
    else this.#progress.reportNow(table);
    this.#settleIfRead(table);
    this.#advance();
  }

  /**
   * A slice counts only if the session that holds the snapshot and the locks still answers a query sent after the read
   * ended. The reader continues in the meantime.
   */
  async #sliceRead(task: SliceTask, table: TableProgress, outcome: SliceOutcome): Promise<void> {
    const { slice, mode, snapshot } = task;
    const { observer } = this.#options;
    if (mode === 'schema') {
      table.finished(slice, outcome);
      observer.sliceStaged?.(table.plan.id, slice.index, outcome);
      return;
    }
    table.readToEnd();
    this.#advance();
    const counts = await Promise.race([this.#recovery.isCurrent(snapshot), this.#stopped]);
    if (this.#isAbandoned(table)) table.rejected(slice);
    else if (counts) {
      table.confirmed(slice, outcome);
      observer.sliceStaged?.(table.plan.id, slice.index, outcome);
    } else {
      await this.#finisher.discard(table.detachStaged(slice));
      table.rejected(slice);
      await this.#renew(table);
    }
  }

  /** Nothing is known to have failed: another worker takes it. */
  async #sliceGivenBack({ slice, mode }: SliceTask, table: TableProgress, error?: LakeportError): Promise<void> {
    if (error !== undefined) {
      const text = `${tableName(table.plan.id)}, slice ${slice.index}: ${error.message}; the slice is read again`;
      this.#options.observer.message?.('warning', text, { code: error.code });
    }
    await this.#finisher.discard(table.detachStaged(slice));
    if (table.failure !== undefined || mode === 'schema') table.released(slice);
    else table.requeue(slice);
  }

  async #sliceFailed(task: SliceTask, table: TableProgress, end: Failed, connects: number): Promise<void> {
    const { error, unconnected } = end;
    const { slice } = task;
    if (this.#isAbandoned(table)) {
      this.#setAside(table, slice, error);
      return;
    }
    // Without the snapshot, nothing can be read again.
    const mayBeLost = error.transient || SNAPSHOT_UNUSABLE.has(error.code);
    if (mayBeLost && !(await this.#recovery.isCurrent(task.snapshot))) {
      this.#options.observer.sliceFailed?.(table.plan.id, slice.index, { error, final: false });
      await this.#finisher.discard(table.detachStaged(slice));
      table.requeue(slice);
      return this.#renew(table);
    }
    // The state may have changed while waiting for the answer.
    if (this.#isAbandoned(table)) this.#setAside(table, slice, error);
    else if (SNAPSHOT_UNUSABLE.has(error.code) && this.#recovery.wasTakenOver(task.snapshot)) {
      this.#options.observer.sliceFailed?.(table.plan.id, slice.index, { error, final: false });
      table.requeue(slice);
    } else if (unconnected) await this.#readerFailed({ table, slice }, error, connects + 1);
    else await this.#retrySlice(task, table, error);
  }

  /** Whether results of the table's readers are no longer needed. */
  #isAbandoned(table: TableProgress): boolean {
    return this.#stop !== undefined || table.failure !== undefined || table.isRestarting;
  }

  #setAside(table: TableProgress, slice: Slice, error: LakeportError): void {
    if (table.failure === undefined) table.requeue(slice);
    else table.failed(slice, error);
  }

  async #retrySlice(task: SliceTask, table: TableProgress, error: LakeportError): Promise<void> {
    const next = await this.#retries.afterSliceFailure(task, table, error);
    if (next === undefined) this.#failTable(table, error, task.slice);
    else
      void next.wait.then(() => {
        this.#settleIfRead(table);
        this.#advance();
      });
  }

  /** Reconnects the reader, possibly for another slice; gives it up when its retries are exhausted. */
  async #readerFailed({ table, slice }: Assignment, error: LakeportError, made: number): Promise<void> {
    const again = this.#retries.afterConnectFailure(table, slice, { error, made });
    if (again === undefined) {
      this.#retireReader(error);
      return;
    }
    await this.#slots.pause(again.wait);
    const next = this.#next();
    if (next !== undefined) void this.#read(next, 'rows', made);
  }

  /** Gives up a reader; giving up the last one stops the run. */
  #retireReader(error: LakeportError): void {
    this.#slots.retire();
    if (this.#slots.count === 0) {
      this.#stopRun({ failure: error, publishStaged: true });
      return;
    }
    const text = `A reader could not connect, continuing with ${this.#slots.count}: ${error.message}`;
    this.#options.observer.message?.('warning', text, { code: error.code });
  }

  /** The connection ended without a slice failing. */
  async #snapshotLost(): Promise<void> {
    if (this.#stop === undefined) await this.#renew();
    this.#advance();
  }

  /** @param table one to restart in any case */
  async #renew(table?: TableProgress): Promise<void> {
    const { all } = this.#scheduler;
    try {
      const failures = await (table === undefined ? this.#recovery.renewLost(all) : this.#recovery.renew(table, all));
      for (const [failed, error] of failures) {
        this.#scheduler.take(failed);
        this.#failTable(failed, error);
        this.#settleIfRead(failed);
      }
    } catch (error) {
      this.#stopRun({ failure: LakeportError.from(error), publishStaged: true });
    }
    // Tables that finished while they were about to restart have not been settled yet.
    if (this.#stop !== undefined) for (const one of this.#scheduler.takeAll()) this.#settleIfRead(one);
  }

  #stopRun(stop: RunStop): void {
    if (this.#stop !== undefined && !this.#stop.publishStaged) return;
    this.#stop = stop;
    this.#resolveStopped();
    this.#stopWaiting.abort();
    this.#options.pool.cancel(this.#slots.tasks);
    for (const table of this.#scheduler.takeAll()) this.#settleIfRead(table);
    this.#advance();
  }

  /** @param slice the slice that caused the failure, if it was being read */
  #failTable(table: TableProgress, error: LakeportError, slice?: Slice): void {
    if (slice === undefined) table.failure ??= error;
    else table.failed(slice, error);
    this.#reportFailure(table, error);
    // The table's other slices are no longer needed.
    this.#options.pool.cancel(this.#slots.tasksOf(table));
  }

  /** Publishes or gives up a table that no reader is working on, unless slices are still pending. */
  #settleIfRead(table: TableProgress): void {
    if (!table.isIdle || table.isRestarting || !this.#scheduler.has(table)) return;
    if (table.isComplete && !table.hasFiles && !needsNoFile(table.plan) && this.#stop === undefined) {
      const first = table.takeFirstAgain();
      if (first !== undefined) void this.#read({ table, slice: first }, 'schema');
      return;
    }
    const isGivenUp = table.failure !== undefined || this.#stop !== undefined;
    if (!table.isComplete && !isGivenUp) return;
    this.#scheduler.release(table);
    if (table.isComplete) this.#finisher.publish(table);
    else this.#finisher.giveUp(table);
  }

  #reportFailure(table: TableProgress, error: LakeportError): void {
    this.#options.observer.tableFailed?.(table.plan.id, error);
    if (this.#options.errorAction === 'fail') this.#stopRun({ failure: undefined, publishStaged: false });
  }
}
