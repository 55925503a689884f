import pLimit from 'p-limit';

import { LakeportError } from '../errors.js';
import type { Slice } from '../sources/source.js';
import type { StagedPart } from '../storage/storage.js';
import type { RunObserver } from './observer.js';
import type { TablePlan } from './plan.js';
import { ProgressReport } from './progress-report.js';
import type { TableResult } from './result.js';
import { Scheduler } from './scheduler.js';
import { expectedSliceBytes } from './slice-bytes.js';
import type { TableJob } from './table-job.js';
import { cancelledResult, completedResult, failedResult } from './table-result.js';
import { tableName } from './table-name.js';
import type { SliceTask } from './worker-messages.js';
import type { SliceEnd, SlicePool } from './worker-pool.js';

/** Tables that are published at the same time: each waits for a handful of answers, one after the other. */
const PUBLISHED_AT_ONCE = 32;
/** No table is started while so many are staged and wait to be published. */
const MOST_UNPUBLISHED = 64;

export interface RunSettings {
  /** Largest first. */
  readonly tables: readonly TablePlan[];
  readonly readers: number;
  readonly jobs: number;
  readonly errorAction: 'continue' | 'fail';
  readonly pool: SlicePool;
  readonly withdraw: (part: StagedPart) => Promise<void>;
  /** Makes a table visible whose slices are all staged; withdraws its parts where it fails. */
  readonly publish: (job: TableJob) => Promise<void>;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Every table is cancelled at once: something has failed before that the run is to stop for. */
  readonly isStopped?: boolean;
}

/** Why no slice is begun any more. */
interface Stop {
  /** What it means for tables that are not read yet; undefined where they are cancelled. */
  readonly failure: LakeportError | undefined;
  /** Whether tables that are staged as a whole are still published. */
  readonly publishStaged: boolean;
}

/**
 * Hands slices to readers until every table is published, failed or cancelled. Runs in the main thread and touches no
 * row. Everything that happens ends in `#advance`.
 */
export class Run {
  readonly #settings: RunSettings;
  readonly #scheduler: Scheduler;
  readonly #progress: ProgressReport;
  readonly #limitPublish = pLimit(PUBLISHED_AT_ONCE);
  readonly #results = new Map<TablePlan, TableResult>();
  readonly #reading = new Map<SliceTask, TableJob>();
  #readers: number;
  /** Tables that are being withdrawn, or published, or wait for it. */
  #settling = 0;
  #stop: Stop | undefined;
  #finish: () => void = () => undefined;

  constructor(settings: RunSettings) {
    this.#settings = settings;
    this.#readers = settings.readers;
    this.#scheduler = new Scheduler(settings.tables, { jobs: settings.jobs });
    this.#progress = new ProgressReport(settings.observer);
  }

  /** How each table ended, in the order of the plan. */
  async execute(): Promise<TableResult[]> {
    const { signal, tables } = this.#settings;
    const interrupt = () => this.#stopRun({ failure: undefined, publishStaged: false });
    signal.addEventListener('abort', interrupt, { once: true });
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    if (signal.aborted || this.#settings.isStopped === true) interrupt();
    this.#advance();
    await finished;
    signal.removeEventListener('abort', interrupt);
    return tables.flatMap((plan) => this.#results.get(plan) ?? []);
  }

  #advance(): void {
    while (this.#stop === undefined && this.#reading.size < this.#readers) {
      const assignment = this.#scheduler.next({ startTables: this.#settling < MOST_UNPUBLISHED });
      if (assignment === undefined) break;
      const { job, slice } = assignment;
      if (job.startedAt === undefined) {
        job.startedAt = new Date();
        this.#settings.observer.tableStarted?.(job.plan.id);
      }
      void this.#read(job, slice, 'rows');
    }
    if (this.#reading.size === 0 && this.#settling === 0 && this.#scheduler.isEmpty) this.#finish();
  }

  async #read(job: TableJob, slice: Slice, what: SliceTask['what']): Promise<void> {
    const { id: table, columns, slices, storageId, directory } = job.plan;
    const sole = what === 'schema' || slices.length === 1;
    const expectedBytes = expectedSliceBytes(job.plan, slice);
    const task: SliceTask = { table, columns, slice, storageId, expectedBytes, directory, what, sole };
    this.#reading.set(task, job);
    const end = await this.#settings.pool.run(task, {
      onProgress: (sums) => {
        job.progress(slice, sums);
        this.#progress.report(job);
      },
      onStaged: (part) => job.stagedPart(slice, part),
    });
    this.#reading.delete(task);
    if (end.ok) job.finished(slice, end.outcome);
    else this.#sliceFailed(job, slice, end);
    if (job.active > 0 || job.hasWaiting) this.#progress.report(job);
    else this.#progress.tell(job);
    this.#settleIfRead(job);
    this.#advance();
  }

  #sliceFailed(job: TableJob, slice: Slice, { error, unconnected }: Extract<SliceEnd, { ok: false }>): void {
    if (this.#stop !== undefined || (unconnected && job.failure === undefined)) {
      job.giveBack(slice);
      if (this.#stop === undefined) this.#retireReader(error);
      return;
    }
    const isFirst = job.failure === undefined;
    job.failed(slice, error);
    if (!isFirst) return;
    this.#tellFailure(job, error);
    // The table's other slices are of no use any more.
    this.#settings.pool.cancel([...this.#reading.keys()].filter((task) => this.#reading.get(task) === job));
  }

  /** One reader fewer; without the last one no further table can be read. */
  #retireReader(error: LakeportError): void {
    this.#readers--;
    if (this.#readers === 0) {
      this.#stopRun({ failure: error, publishStaged: true });
      return;
    }
    const text = `A reader could not connect, going on with ${this.#readers}: ${error.message}`;
    this.#settings.observer.message?.('warning', text, { code: error.code });
  }

  #stopRun(stop: Stop): void {
    if (this.#stop !== undefined && !this.#stop.publishStaged) return;
    this.#stop = stop;
    this.#settings.pool.cancel([...this.#reading.keys()]);
    for (const job of this.#scheduler.takeAll()) this.#settleIfRead(job);
    this.#advance();
  }

  /** Publishes or gives up a table that no reader is on any more, unless some of its slices are still to come. */
  #settleIfRead(job: TableJob): void {
    if (job.active > 0 || !this.#scheduler.has(job)) return;
    if (job.isComplete && !job.hasFiles && this.#stop === undefined) {
      const first = job.retakeFirst();
      if (first !== undefined) void this.#read(job, first, 'schema');
      return;
    }
    const givenUp = job.failure !== undefined || this.#stop !== undefined;
    if (job.isComplete) this.#settle(job, () => this.#limitPublish(() => this.#publish(job)));
    else if (givenUp) this.#settle(job, () => this.#giveUp(job));
  }

  #settle(job: TableJob, operation: () => Promise<TableResult>): void {
    this.#scheduler.release(job);
    this.#settling++;
    void operation().then((result) => {
      this.#settling--;
      this.#results.set(job.plan, result);
      this.#settings.observer.tableEnded?.(result);
      this.#advance();
    });
  }

  async #publish(job: TableJob): Promise<TableResult> {
    if (this.#stop !== undefined && !this.#stop.publishStaged) return this.#giveUp(job);
    try {
      await this.#settings.publish(job);
      return completedResult(job);
    } catch (thrown) {
      const error = LakeportError.from(thrown).within({ table: tableName(job.plan.id) });
      job.failure = error;
      this.#tellFailure(job, error);
      return failedResult(job, error);
    }
  }

  async #giveUp(job: TableJob): Promise<TableResult> {
    const isNews = job.failure === undefined && this.#stop?.failure !== undefined;
    job.failure ??= this.#stop?.failure;
    if (isNews && job.failure !== undefined) this.#tellFailure(job, job.failure);
    const results = await Promise.allSettled(job.staged.map((part) => this.#settings.withdraw(part)));
    const left = results.filter((result) => result.status === 'rejected');
    if (left[0] !== undefined) {
      const text = `${left.length} staged parts could not be removed; the next run to the same place will: ${String(left[0].reason)}`;
      this.#settings.observer.message?.('warning', text);
    }
    return job.failure === undefined ? cancelledResult(job) : failedResult(job, job.failure);
  }

  #tellFailure(job: TableJob, error: LakeportError): void {
    this.#settings.observer.tableFailed?.(job.plan.id, error);
    if (this.#settings.errorAction === 'fail') this.#stopRun({ failure: undefined, publishStaged: false });
  }
}
