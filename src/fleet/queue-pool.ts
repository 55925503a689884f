import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { LakeportError } from '../errors.js';
import type { RunObserver } from '../export/model/observer.js';
import type { SliceTask } from '../export/worker/protocol.js';
import type { CapacityListener, PoolListener, SliceEnd, SlicePool } from '../export/worker/slice-pool.js';
import type { LoggedWorker, RunLog } from '../runlog/index.js';
import type { ServerInfo } from '../sources/source.js';
import type { StagedPart } from '../storage/storage.js';
import { counted } from '../text/quantities.js';
import { VERSION } from '../version.js';
import { bundleWeight, dealBundles } from './bundles.js';
import { type JobReport, type SliceReport, whyGivenBack } from './messages.js';
import type { SentJob, SliceQueue } from './slice-queue.js';
import { nameOfTasks, tableOf } from './task-names.js';
import { WorkerWatch } from './worker-watch.js';

/** Jobs that are handed out for each one that workers can read at once: while one ends, the next one waits already. */
const AHEAD = 1.3;
/** So much of the past tells how many jobs end before the coordinator looks again. */
const RECENT_MS = 500;
/** Of jobs that take no time. */
const MOST_AHEAD = 256;
/** How often the queue is looked at: at once while jobs end, later and later while none does. */
const LOOK_MS = { least: 25, most: 500 } as const;
/** Slices that are to be read within this time may share a job. */
const DEAL_MS = 10;
const SEND_AGAIN_MS = 2_000;

export interface QueuePoolOptions {
  readonly queue: SliceQueue;
  readonly log: RunLog;
  readonly runId: string;
  /** The server that holds the snapshot at present. */
  readonly server: () => ServerInfo;
  /** The run fails if there is no worker for so long. */
  readonly waitMs: number;
  /** Most jobs at the same time that the source has connections for. */
  readonly limit: number;
  /** Removes what was staged for slices that nobody waits for any more. Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
  readonly observer: RunObserver;
}

/** A slice that somebody waits for. */
interface OpenSlice {
  readonly task: SliceTask;
  readonly listener: PoolListener;
  /** Share of a job. */
  readonly weight: number;
  readonly settle: (end: SliceEnd) => void;
}

interface Job {
  /** Random; of the queue. */
  readonly id: string;
  /** In the order of the reports; some may not be waited for any more. */
  readonly slices: readonly OpenSlice[];
  isSent: boolean;
  losses: number;
  /** Who has said to read it, and which slice at last, to name both when the worker is lost; by how many were before. */
  readonly readers: Map<number, { readonly name: string; readonly task: SliceTask }>;
}

/** Hands slices to workers in other processes, by a queue, and waits for their reports. */
export class QueuePool implements SlicePool {
  readonly #options: QueuePoolOptions;
  readonly #open = new Map<SliceTask, OpenSlice>();
  /** In no job yet. */
  #undealt: OpenSlice[] = [];
  readonly #jobs = new Map<string, Job>();
  #listener: CapacityListener | undefined;
  #watch: WorkerWatch | undefined;
  #capacity = 0;
  #slots = 0;
  #endedAt: number[] = [];
  #lookMs: number = LOOK_MS.least;
  #dealTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: QueuePoolOptions) {
    this.#options = options;
  }

  watchCapacity(listener: CapacityListener): number {
    const { log, runId, waitMs, observer } = this.#options;
    this.#listener = listener;
    this.#watch = new WorkerWatch({
      ...{ log, runId, waitMs, observer },
      onSeen: (workers) => this.#seeWorkers(workers),
      onNone: (error) => listener.onFailed(error),
    });
    return this.#capacity;
  }

  weightOf(bytes: number | undefined): number {
    return bundleWeight(bytes);
  }

  run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    return new Promise((resolve) => {
      const settle = (end: SliceEnd) => {
        if (this.#open.delete(task)) resolve(end);
      };
      const slice = { task, listener, weight: this.weightOf(task.expectedBytes), settle };
      this.#open.set(task, slice);
      this.#undealt.push(slice);
      this.#dealSoon();
    });
  }

  cancel(tasks: readonly SliceTask[]): void {
    const end: SliceEnd = { ok: false, error: sliceCancelled(), unconnected: false };
    for (const task of tasks) this.#open.get(task)?.settle(end);
    this.#undealt = this.#undealt.filter((slice) => this.#isOpen(slice));
    this.#dropUnwanted();
  }

  /** Gives back what no worker has reported, for others to read it. */
  recall(): void {
    const undealt = this.#undealt.splice(0);
    for (const slice of undealt) slice.settle({ ok: false, givenBack: true });
    // The rest when the queue confirms it: until then, a worker may still report it.
    const ids = [...this.#jobs.keys()];
    if (ids.length > 0) void this.#options.queue.cancel(ids).catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.close();
    clearTimeout(this.#dealTimer);
    clearTimeout(this.#lookTimer);
    this.cancel([...this.#open.keys()]);
    await this.#looking;
    await this.#options.queue.remove().catch(() => undefined);
  }

  #isOpen({ task }: OpenSlice): boolean {
    return this.#open.has(task);
  }

  /** Jobs of which nobody waits for anything. */
  #dropUnwanted(): void {
    const unwanted = [...this.#jobs.values()].filter(({ slices }) => !slices.some((slice) => this.#isOpen(slice)));
    for (const { id } of unwanted) this.#jobs.delete(id);
    const ids = unwanted.flatMap(({ id, isSent }) => (isSent ? [id] : []));
    // A worker learns of it when it renews its claim, and its report is refused before that: nobody waits for it.
    if (ids.length > 0) void this.#options.queue.cancel(ids).catch(() => undefined);
    this.#dealSoon();
  }

  #dealSoon(): void {
    if (this.#isClosed || this.#undealt.length === 0) return;
    this.#dealTimer ??= setTimeout(() => {
      this.#dealTimer = undefined;
      this.#deal();
    }, DEAL_MS);
  }

  #deal(): void {
    const slots = this.#usableSlots;
    const { bundles, left } = dealBundles(this.#undealt, {
      idle: Math.max(0, slots - this.#jobs.size),
      isShort: slots === 0 || this.#jobs.size < Math.ceil(slots * AHEAD),
    });
    this.#undealt = [...left];
    for (const slices of bundles) this.#addJob(slices);
  }

  #addJob(slices: readonly OpenSlice[]): void {
    const id = randomUUID();
    this.#jobs.set(id, { id, slices, isSent: false, losses: 0, readers: new Map() });
    this.#sending ??= Promise.resolve().then(() => this.#send());
  }

  /** Never rejects: what cannot be sent now is sent later. */
  async #send(): Promise<void> {
    while (!this.#isClosed) {
      const jobs = [...this.#jobs.values()].filter(({ isSent }) => !isSent);
      if (jobs.length === 0) break;
      try {
        await this.#sendNow(jobs);
      } catch (error) {
        const text = `The queue cannot be reached: ${LakeportError.from(error).message}`;
        this.#options.observer.message?.('warning', text, { event: 'queue_unreachable' });
        await sleep(SEND_AGAIN_MS, undefined, { ref: false });
      }
    }
    this.#sending = undefined;
    this.#lookSoon(this.#lookMs);
  }

  async #sendNow(jobs: readonly Job[]): Promise<void> {
    const { queue, server } = this.#options;
    const info = server();
    const tasks = ({ slices }: Job) => slices.map(({ task }) => task);
    await queue.send(jobs.map((job) => ({ id: job.id, job: { version: VERSION, server: info, tasks: tasks(job) } })));
    for (const job of jobs) job.isSent = true;
    // What was cancelled while it was sent.
    const late = jobs.filter(({ id }) => !this.#jobs.has(id)).map(({ id }) => id);
    if (late.length > 0) await queue.cancel(late).catch(() => undefined);
  }

  #lookSoon(ms: number): void {
    if (this.#isClosed || this.#lookTimer !== undefined) return;
    this.#lookTimer = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        this.#lookTimer = undefined;
        if (this.#jobs.size > 0) this.#lookSoon(this.#lookMs);
      });
    }, ms);
  }

  /** Never rejects: a queue that cannot be reached now is asked again. */
  async #look(): Promise<void> {
    const ids = [...this.#jobs.values()].flatMap(({ id, isSent }) => (isSent ? [id] : []));
    let ended = 0;
    try {
      const found = ids.length === 0 ? [] : await this.#options.queue.look(ids);
      for (const sent of found) {
        const job = this.#jobs.get(sent.id);
        if (job !== undefined && this.#hasEnded(job, sent)) ended++;
      }
    } catch {
      ended = 0;
    }
    this.#lookMs = ended > 0 ? LOOK_MS.least : Math.min(LOOK_MS.most, this.#lookMs * 2);
    if (ended === 0) return;
    const now = performance.now();
    for (let one = 0; one < ended; one++) this.#endedAt.push(now);
    this.#resize();
    this.#dealSoon();
  }

  #hasEnded(job: Job, { state, losses, report }: SentJob): boolean {
    // With its last worker, the one slice of a job fails: its table says so.
    if (losses > job.losses && (state !== 'failed' || job.slices.length > 1)) this.#reportLoss(job, losses);
    if (state === 'open' || (state === 'completed' && report === undefined)) return false;
    this.#jobs.delete(job.id);
    const open = job.slices.filter((slice) => this.#isOpen(slice));
    if (report !== undefined) this.#settleReported(job, report);
    else if (state === 'cancelled') for (const slice of open) slice.settle({ ok: false, givenBack: true });
    // One of them may have killed the worker, and shall not take the others with it again.
    else if (job.slices.length > 1) for (const slice of open) this.#addJob([slice]);
    else for (const slice of open) slice.settle({ ok: false, error: workersDied(losses), unconnected: false });
    return true;
  }

  #settleReported(job: Job, report: JobReport): void {
    this.#reportGivenBack(job, report);
    const unwanted: StagedPart[] = [];
    for (const [index, slice] of job.slices.entries()) {
      const end = report[index];
      if (end === undefined) continue;
      if (this.#isOpen(slice)) settleAs(end, slice);
      else if (end.kind === 'done') unwanted.push(...end.outcome.files.map(({ part }) => part));
    }
    if (unwanted.length > 0) void this.#options.discard(unwanted);
  }

  #reportLoss(job: Job, losses: number): void {
    job.losses = losses;
    // The next one may be reading by now.
    const { name = 'A worker', task: last } = job.readers.get(losses - 1) ?? {};
    const tasks = job.slices.filter((slice) => this.#isOpen(slice)).map(({ task }) => task);
    const first = tasks.find((task) => task === last) ?? tasks[0];
    if (first === undefined) return;
    const text = `${name} was lost while it read ${nameOfTasks(first, tasks)}: ${tasks.length === 1 ? 'it is' : 'they are'} read again`;
    this.#options.observer.message?.('warning', text, {
      event: 'worker_lost',
      table: tableOf(first),
      slice: first.slice.index,
      ...(tasks.length > 1 && { slices: tasks.length }),
    });
  }

  #reportGivenBack({ slices, readers, losses }: Job, report: JobReport): void {
    const given = slices.filter((slice, index) => report[index]?.kind === 'given-back' && this.#isOpen(slice));
    const tasks = given.map(({ task }) => task);
    const [first] = tasks;
    if (first === undefined) return;
    const reason = whyGivenBack(report)?.message;
    const why = reason === undefined ? '' : `: ${reason}`;
    const text = `${readers.get(losses)?.name ?? 'A worker'} has given back ${nameOfTasks(first, tasks)}${why}`;
    this.#options.observer.message?.('warning', text, {
      event: 'slice_given_back',
      table: tableOf(first),
      slice: first.slice.index,
      ...(tasks.length > 1 && { slices: tasks.length }),
    });
  }

  #seeWorkers(workers: readonly LoggedWorker[]): void {
    this.#slots = workers.reduce((sum, { slots }) => sum + slots, 0);
    for (const { name, host, slices } of workers) {
      for (const { job: id, table, slice: index, losses, rows, bytes } of slices) {
        const job = this.#jobs.get(id);
        const slice = job?.slices.find(({ task }) => task.slice.index === index && tableOf(task) === table);
        if (job === undefined || slice === undefined) continue;
        const shown = name.startsWith(host) ? `Worker ${name}` : `Worker ${name} on ${host}`;
        job.readers.set(losses, { name: shown, task: slice.task });
        if (this.#isOpen(slice)) slice.listener.onProgress({ rows, bytes });
      }
    }
    this.#resize();
    this.#dealSoon();
  }

  get #usableSlots(): number {
    return Math.min(this.#slots, this.#options.limit);
  }

  /** Of jobs that end faster than the coordinator looks, more are handed out: as many as end in the meantime. */
  #resize(): void {
    const since = performance.now() - RECENT_MS;
    this.#endedAt = this.#endedAt.filter((at) => at >= since);
    const slots = this.#usableSlots;
    const ahead = slots === 0 ? 0 : Math.min(MOST_AHEAD, this.#endedAt.length);
    const capacity = Math.ceil(slots * AHEAD) + ahead;
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#listener?.onCapacity(capacity);
  }
}

function settleAs(report: SliceReport, { listener, settle }: OpenSlice): void {
  switch (report.kind) {
    case 'done':
      for (const { part } of report.outcome.files) listener.onStaged(part);
      settle({ ok: true, outcome: report.outcome });
      break;
    case 'failed':
      settle({ ok: false, error: LakeportError.fromData(report.error), unconnected: false });
      break;
    case 'given-back':
      settle({ ok: false, givenBack: true });
      break;
  }
}

function sliceCancelled(): LakeportError {
  return new LakeportError({ code: 'INTERRUPTED', message: 'The slice was cancelled' });
}

function workersDied(losses: number): LakeportError {
  return new LakeportError({
    code: 'READER_DIED',
    message: `The slice was read ${counted(losses, 'time')}, and each time its worker was lost`,
    hint: 'Workers may lack memory: lower -p of lakeport work, or --row-group-rows of the run; the launcher knows why they ended.',
  });
}
