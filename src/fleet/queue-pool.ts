import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { LakeportError } from '../errors.js';
import type { RunObserver } from '../export/model/observer.js';
import type { SliceTask } from '../export/worker/protocol.js';
import type { CapacityListener, PoolListener, SliceEnd, SlicePool } from '../export/worker/slice-pool.js';
import { datasetId } from '../model/dataset.js';
import { tableName } from '../model/table.js';
import type { LoggedWorker, RunLog } from '../runlog/index.js';
import type { ServerInfo } from '../sources/source.js';
import { counted } from '../text/quantities.js';
import { VERSION } from '../version.js';
import type { SentSlice, SliceQueue } from './slice-queue.js';

/** Slices that are handed out for each one that workers can read at once: while one ends, the next one waits already. */
const AHEAD = 1.3;
/** So much of the past tells how many slices end before the coordinator looks again. */
const RECENT_MS = 500;
/** Of slices that take no time. */
const MOST_AHEAD = 256;
/** How often the queue is looked at: at once while slices end, later and later while none does. */
const LOOK_MS = { least: 25, most: 500 } as const;
const LOOK_AT_WORKERS_MS = 1_000;
const SEND_AGAIN_MS = 2_000;
const WARN_MS = 60_000;

export interface QueuePoolOptions {
  readonly queue: SliceQueue;
  readonly log: RunLog;
  readonly runId: string;
  /** The server that holds the snapshot at present. */
  readonly server: () => ServerInfo;
  /** The run fails if there is no worker for so long. */
  readonly waitMs: number;
  /** Most slices at the same time that the source has connections for. */
  readonly limit: number;
  readonly observer: RunObserver;
}

interface Sent {
  readonly task: SliceTask;
  readonly listener: PoolListener;
  readonly settle: (end: SliceEnd) => void;
  /** Random; of the queue. */
  readonly id: string;
  isSent: boolean;
  losses: number;
}

/** Hands slices to workers in other processes, by a queue, and waits for their reports. */
export class QueuePool implements SlicePool {
  readonly #options: QueuePoolOptions;
  readonly #open = new Set<Sent>();
  readonly #unsent: Sent[] = [];
  /** Who has reported to read which slice, to name the one that is lost. */
  readonly #readers = new Map<string, string>();
  #listener: CapacityListener | undefined;
  #capacity = 0;
  #slots = 0;
  #endedAt: number[] = [];
  #lookMs: number = LOOK_MS.least;
  #lookTimer: NodeJS.Timeout | undefined;
  #workersTimer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #looking: Promise<void> = Promise.resolve();
  #seenAt = performance.now();
  #warnedAt = performance.now();
  #hadWorkers = false;
  #isClosed = false;

  constructor(options: QueuePoolOptions) {
    this.#options = options;
  }

  watchCapacity(listener: CapacityListener): number {
    this.#listener = listener;
    this.#seenAt = performance.now();
    this.#warnedAt = this.#seenAt;
    this.#lookAtWorkersSoon(0);
    return this.#capacity;
  }

  run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    return new Promise((resolve) => {
      const sent: Sent = {
        task,
        listener,
        id: randomUUID(),
        isSent: false,
        losses: 0,
        settle: (end) => this.#settle(sent, end, resolve),
      };
      this.#open.add(sent);
      this.#unsent.push(sent);
      // Those of one moment go together.
      this.#sending ??= Promise.resolve().then(() => this.#send());
    });
  }

  cancel(tasks: readonly SliceTask[]): void {
    const cancelled = [...this.#open].filter(({ task }) => tasks.includes(task));
    const ids = cancelled.flatMap(({ id, isSent }) => (isSent ? [id] : []));
    // A worker learns of it when it renews its claim, and its report is refused before that: nobody waits for it.
    if (ids.length > 0) void this.#options.queue.cancel(ids).catch(() => undefined);
    for (const one of cancelled) one.settle({ ok: false, error: sliceCancelled(), unconnected: false });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#lookTimer);
    clearTimeout(this.#workersTimer);
    this.cancel([...this.#open].map(({ task }) => task));
    await this.#looking;
    await this.#options.queue.remove().catch(() => undefined);
  }

  #settle(sent: Sent, end: SliceEnd, resolve: (end: SliceEnd) => void): void {
    if (!this.#open.delete(sent)) return;
    this.#readers.delete(sent.id);
    resolve(end);
  }

  /** Never rejects: what cannot be sent now is sent later. */
  async #send(): Promise<void> {
    for (let waitMs = 0; this.#unsent.length > 0 && !this.#isClosed;) {
      if (waitMs > 0) await sleep(waitMs, undefined, { ref: false });
      const batch = this.#unsent.splice(0).filter((one) => this.#open.has(one));
      try {
        await this.#sendNow(batch);
        waitMs = 0;
      } catch (error) {
        this.#unsent.unshift(...batch);
        waitMs = SEND_AGAIN_MS;
        const text = `The queue cannot be reached: ${LakeportError.from(error).message}`;
        this.#options.observer.message?.('warning', text, { event: 'queue_unreachable' });
      }
    }
    this.#sending = undefined;
    this.#lookSoon(this.#lookMs);
  }

  async #sendNow(batch: readonly Sent[]): Promise<void> {
    if (batch.length === 0) return;
    const { queue, server } = this.#options;
    const info = server();
    await queue.send(batch.map(({ id, task }) => ({ id, job: { version: VERSION, server: info, task } })));
    for (const one of batch) one.isSent = true;
    // What was cancelled while it was sent.
    const late = batch.filter((one) => !this.#open.has(one)).map(({ id }) => id);
    if (late.length > 0) await queue.cancel(late).catch(() => undefined);
  }

  #lookSoon(ms: number): void {
    if (this.#isClosed || this.#lookTimer !== undefined) return;
    this.#lookTimer = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        this.#lookTimer = undefined;
        if (this.#open.size > 0) this.#lookSoon(this.#lookMs);
      });
    }, ms);
  }

  /** Never rejects: a queue that cannot be reached now is asked again. */
  async #look(): Promise<void> {
    const byId = new Map([...this.#open].flatMap((one) => (one.isSent ? [[one.id, one] as const] : [])));
    let ended = 0;
    try {
      const found = byId.size === 0 ? [] : await this.#options.queue.look([...byId.keys()]);
      for (const slice of found) {
        const sent = byId.get(slice.id);
        if (sent !== undefined && this.#hasEnded(sent, slice)) ended++;
      }
    } catch {
      ended = 0;
    }
    this.#lookMs = ended > 0 ? LOOK_MS.least : Math.min(LOOK_MS.most, this.#lookMs * 2);
    if (ended === 0) return;
    const now = performance.now();
    for (let one = 0; one < ended; one++) this.#endedAt.push(now);
    this.#resize();
  }

  #hasEnded(sent: Sent, { state, losses, report }: SentSlice): boolean {
    if (losses > sent.losses) this.#reportLoss(sent, losses);
    if (state === 'failed') {
      sent.settle({ ok: false, error: workersDied(losses), unconnected: false });
      return true;
    }
    if (report === undefined) return false;
    switch (report.kind) {
      case 'done':
        for (const { part } of report.outcome.files) sent.listener.onStaged(part);
        sent.settle({ ok: true, outcome: report.outcome });
        break;
      case 'failed':
        sent.settle({ ok: false, error: LakeportError.fromData(report.error), unconnected: false });
        break;
      case 'given-back':
        this.#reportGivenBack(sent, report.error?.message);
        sent.settle({ ok: false, givenBack: true });
        break;
    }
    return true;
  }

  #reportLoss(sent: Sent, losses: number): void {
    sent.losses = losses;
    const who = this.#readers.get(sent.id) ?? 'A worker';
    this.#options.observer.message?.(
      'warning',
      `${who} was lost while it read ${nameOf(sent.task)}: it is read again`,
      {
        event: 'worker_lost',
        table: tableName(datasetId(sent.task.dataset)),
        slice: sent.task.slice.index,
      },
    );
  }

  #reportGivenBack({ id, task }: Sent, reason: string | undefined): void {
    const who = this.#readers.get(id) ?? 'A worker';
    const why = reason === undefined ? '' : `: ${reason}`;
    this.#options.observer.message?.('warning', `${who} has given back ${nameOf(task)}${why}`, {
      event: 'slice_given_back',
      table: tableName(datasetId(task.dataset)),
      slice: task.slice.index,
    });
  }

  #lookAtWorkersSoon(ms: number): void {
    if (this.#isClosed) return;
    this.#workersTimer = setTimeout(() => {
      void this.#lookAtWorkers().finally(() => this.#lookAtWorkersSoon(LOOK_AT_WORKERS_MS));
    }, ms);
  }

  /** Never rejects: a log that cannot be reached now is asked again. */
  async #lookAtWorkers(): Promise<void> {
    const { log, runId } = this.#options;
    let workers: readonly LoggedWorker[];
    try {
      workers = (await log.workersOf(runId)).workers.filter(({ role, isLiving }) => role === 'worker' && isLiving);
    } catch {
      return;
    }
    this.#slots = workers.reduce((sum, { slots }) => sum + slots, 0);
    this.#showProgress(workers);
    this.#resize();
    const now = performance.now();
    if (workers.length > 0) {
      this.#seenAt = now;
      this.#hadWorkers = true;
    } else this.#warnOfNone(now);
  }

  #showProgress(workers: readonly LoggedWorker[]): void {
    const byId = new Map([...this.#open].map((one) => [one.id, one]));
    for (const { name, host, slices } of workers) {
      for (const { job, rows, bytes } of slices) {
        const sent = byId.get(job);
        if (sent === undefined) continue;
        this.#readers.set(job, name.startsWith(host) ? `Worker ${name}` : `Worker ${name} on ${host}`);
        sent.listener.onProgress({ rows, bytes });
      }
    }
  }

  #warnOfNone(now: number): void {
    const { waitMs, observer } = this.#options;
    const goneMs = now - this.#seenAt;
    if (goneMs >= waitMs) {
      this.#fail(noWorkers(waitMs, this.#hadWorkers));
      return;
    }
    if (now - this.#warnedAt < WARN_MS) return;
    this.#warnedAt = now;
    const left = counted(Math.round((waitMs - goneMs) / 1000), 'second');
    observer.message?.('warning', `No worker reads for this run; it ends in ${left} if none comes`, {
      event: 'no_workers',
    });
  }

  #fail(thrown: unknown): void {
    this.#listener?.onFailed(LakeportError.from(thrown));
  }

  /** Of slices that end faster than the coordinator looks, more are handed out: as many as end in the meantime. */
  #resize(): void {
    const since = performance.now() - RECENT_MS;
    this.#endedAt = this.#endedAt.filter((at) => at >= since);
    const slots = Math.min(this.#slots, this.#options.limit);
    const ahead = slots === 0 ? 0 : Math.min(MOST_AHEAD, this.#endedAt.length);
    const capacity = Math.ceil(slots * AHEAD) + ahead;
    if (capacity === this.#capacity) return;
    this.#capacity = capacity;
    this.#listener?.onCapacity(capacity);
  }
}

function nameOf({ dataset, slice, isOnlySlice }: SliceTask): string {
  const name = tableName(datasetId(dataset));
  return isOnlySlice ? name : `${name}, slice ${slice.index}`;
}

function sliceCancelled(): LakeportError {
  return new LakeportError({ code: 'INTERRUPTED', message: 'The slice was cancelled' });
}

function workersDied(losses: number): LakeportError {
  return new LakeportError({
    code: 'READER_DIED',
    message: `${counted(losses, 'worker')} were lost while they read the slice`,
    hint: 'They may lack memory: lower -p of lakeport work, or --row-group-rows of the run; the launcher knows why they ended.',
  });
}

function noWorkers(waitMs: number, hadWorkers: boolean): LakeportError {
  const within = counted(Math.round(waitMs / 1000), 'second');
  return new LakeportError({
    code: 'NO_WORKERS',
    message: hadWorkers
      ? `All workers are gone, and none has come for ${within}`
      : `No worker has come within ${within}`,
    hint: 'Start `lakeport work --run-id ...` with the same run log, or let this process read too with --local-readers.',
    context: { detail: '--workers-wait' },
  });
}
