import { setTimeout as sleep } from 'node:timers/promises';

import { type ErrorData, LakeportError } from '../errors.js';
import type { SlicePool } from '../export/worker/slice-pool.js';
import type { ShownState } from '../runlog/index.js';
import { graceLeft } from '../runtime/interruption.js';
import type { ServerInfo, Snapshot } from '../sources/source.js';
import type { StagedPart } from '../storage/storage.js';
import { VERSION } from '../version.js';
import type { Standing } from './announcement.js';
import { type JobReport, type SliceReport, whyGivenBack } from './messages.js';
import { SliceReading, SNAPSHOT_GONE } from './slice-reader.js';
import { type ClaimedJob, LEASE_SECONDS, type SliceQueue } from './slice-queue.js';

/** Three times within the lease: one lost answer costs nothing. */
const RENEW_MS = (LEASE_SECONDS * 1000) / 3;
/** How long to wait before asking for slices again, while there are none. */
const ASK_MS = { least: 20, most: 500 } as const;
const LOOK_AT_RUN_MS = 1_000;
/** With all slots taken, the queue itself says soon enough that a slice is not wanted any more. */
const LOOK_WHILE_BUSY_MS = 5_000;
/** After an error of the queue's database. */
const REPORT_AGAIN_MS = 1_000;

export interface WorkLoopOptions {
  readonly queue: SliceQueue;
  /** How many jobs to read at the same time, and so slices. */
  readonly slots: number;
  /** The readers for slices of this server's snapshot. @throws LakeportError if it is another one than this worker's */
  readonly poolFor: (server: ServerInfo, onFailed: (error: LakeportError) => void) => Promise<SlicePool>;
  /** The run's state; undefined if the log does not have it any more. */
  readonly lookAtRun: () => Promise<ShownState | undefined>;
  /** Whether a living process coordinates the run. */
  readonly isCoordinated: () => Promise<boolean>;
  /** Sessions that hold this snapshot, as far as the log knows. */
  readonly sessionsOf: (snapshot: Snapshot) => Promise<readonly Snapshot[]>;
  /** Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
  /** How long to wait for a run that is not in progress to be continued. */
  readonly waitMs: number;
  /** How long to stay without slices; undefined for as long as the run takes. */
  readonly idleExitMs: number | undefined;
  /** Told whenever what the worker does has changed. */
  readonly onChange: () => void;
  readonly message: (
    level: 'debug' | 'info' | 'warning',
    text: string,
    fields?: Readonly<Record<string, unknown>>,
  ) => void;
  readonly signal: AbortSignal;
}

/** Why a worker ended without an error. */
export type WorkEnd = 'over' | 'idle' | 'signal';

/** Takes slices of one run, reads them and reports, until the run is over or the worker is told to end. */
export class WorkLoop {
  readonly #options: WorkLoopOptions;
  readonly #readings = new Set<SliceReading>();
  readonly #stopWaiting = new AbortController();
  #wake: () => void = () => undefined;
  #error: LakeportError | undefined;
  #state: ShownState | undefined = 'running';
  #lookedAt = -Infinity;
  #slicesRead = 0;
  #rows = 0;
  #idleSince: number | undefined;
  #notRunningSince: number | undefined;
  /** It ended with the coordinator: nothing can be read before there is another one. */
  #isSnapshotGone = false;

  constructor(options: WorkLoopOptions) {
    this.#options = options;
  }

  get standing(): Standing {
    return {
      slots: this.#options.slots,
      slices: [...this.#readings].flatMap(({ standing }) => standing),
      slicesRead: this.#slicesRead,
      rows: this.#rows,
    };
  }

  /** @throws LakeportError why this worker cannot go on, once its slices are given back */
  async run(): Promise<WorkEnd> {
    const { signal } = this.#options;
    const renewing = setInterval(() => void this.#renew(), RENEW_MS);
    const looking = setInterval(() => void this.#lookAtRun(), LOOK_AT_RUN_MS);
    const wake = () => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      const end = await this.#takeSlices();
      await this.#finish(end);
      if (this.#error !== undefined) throw this.#error;
      return end;
    } finally {
      signal.removeEventListener('abort', wake);
      clearInterval(renewing);
      clearInterval(looking);
    }
  }

  async #takeSlices(): Promise<WorkEnd> {
    const { slots, queue, signal } = this.#options;
    let waitMs: number = ASK_MS.least;
    for (;;) {
      if (signal.aborted) return 'signal';
      if (this.#error !== undefined || this.#isOver()) return 'over';
      if (this.#isIdle()) return 'idle';
      const free = slots - this.#readings.size;
      const jobs = free > 0 && this.#mayTake() ? await this.#take(queue, free) : [];
      for (const job of jobs) void this.#handle(job);
      waitMs = jobs.length > 0 ? ASK_MS.least : Math.min(ASK_MS.most, waitMs * 2);
      // With all slots taken, only the end of a slice makes room.
      if (jobs.length < free || this.#readings.size >= slots) await this.#rest(waitMs);
    }
  }

  #mayTake(): boolean {
    return this.#state === 'running' && !this.#isSnapshotGone;
  }

  /** A queue that cannot be reached now is asked again. */
  async #take(queue: SliceQueue, most: number): Promise<readonly ClaimedJob[]> {
    try {
      return await queue.take(most);
    } catch (error) {
      this.#options.message('debug', `The queue cannot be reached: ${LakeportError.from(error).message}`);
      await this.#rest(REPORT_AGAIN_MS);
      return [];
    }
  }

  async #rest(ms: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    await Promise.race([woken, sleep(ms)]);
  }

  async #handle(claimed: ClaimedJob): Promise<void> {
    const { discard, sessionsOf, onChange } = this.#options;
    const { job } = claimed;
    const openPool = async (onFailed: (error: LakeportError) => void) => {
      if (job.version !== VERSION) throw otherVersion(job.version);
      return this.#options.poolFor(job.server, onFailed);
    };
    const reading = new SliceReading(claimed, {
      ...{ openPool, sessionsOf, discard, onChange },
      stopWaiting: this.#stopWaiting.signal,
    });
    this.#readings.add(reading);
    const read = await reading.read();
    // Whoever is told to end breaks off connecting, too: that says nothing of the source.
    const report = this.#options.signal.aborted ? read.map(withoutReason) : read;
    const counts = await this.#report(reading, report);
    this.#readings.delete(reading);
    // From here, nothing more can be read; unless only this job's time was over.
    const why = whyGivenBack(report);
    if (counts && why !== undefined) await this.#refused(why);
    onChange();
    this.#wake();
  }

  /**
   * Tries until the queue has it: what was read is worth waiting for its database.
   * @returns whether the report counts
   */
  async #report(reading: SliceReading, report: JobReport): Promise<boolean> {
    const { queue, message, signal } = this.#options;
    let isUncertain = false;
    while (!reading.isLost && !this.#isOver()) {
      try {
        if (await queue.report(reading.claim, report)) {
          this.#count(report);
          return true;
        }
        break;
      } catch (error) {
        // It may have arrived all the same.
        isUncertain = true;
        message('debug', `The queue cannot be reached: ${LakeportError.from(error).message}`);
        if (signal.aborted && (graceLeft(signal, 'run') ?? 0) === 0) return false;
        await sleep(REPORT_AGAIN_MS);
      }
    }
    message('warning', `${reading.subject} taken from this worker: what it read does not count`, {
      event: 'claim_lost',
      ...reading.standing.map(({ table, slice }) => ({ table, slice }))[0],
    });
    // What may have been accepted must stay; the run itself removes what it does not know.
    if (!isUncertain) await reading.withdraw();
    return false;
  }

  #count(report: JobReport): void {
    for (const end of report) {
      if (end.kind !== 'done') continue;
      this.#slicesRead++;
      this.#rows += end.outcome.rows;
    }
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    const held = [...this.#readings];
    if (held.length === 0) return;
    try {
      const kept = await this.#options.queue.renew(held.map(({ claim }) => claim));
      for (const reading of held) if (!kept.has(reading.claim.id) && this.#readings.has(reading)) reading.stop('lost');
    } catch (error) {
      this.#options.message('debug', `The queue cannot be reached: ${LakeportError.from(error).message}`);
    }
    this.#options.onChange();
  }

  async #lookAtRun(): Promise<void> {
    const isBusy = this.#readings.size >= this.#options.slots;
    if (isBusy && performance.now() - this.#lookedAt < LOOK_WHILE_BUSY_MS) return;
    this.#lookedAt = performance.now();
    try {
      const state = await this.#options.lookAtRun();
      this.#state = state;
      if (this.#isSnapshotGone) this.#isSnapshotGone = !(await this.#options.isCoordinated());
      if (state === 'running') this.#notRunningSince = undefined;
      else this.#notRunningSince ??= performance.now();
      await this.#lookWhetherIdle();
    } catch (error) {
      this.#options.message('debug', `The run log cannot be reached: ${LakeportError.from(error).message}`);
    }
    if (this.#isOver() || this.#isIdle()) this.#wake();
  }

  async #lookWhetherIdle(): Promise<void> {
    const { idleExitMs, queue } = this.#options;
    if (idleExitMs === undefined) return;
    const { waiting, active } = await queue.counts();
    // Slices of others may come back.
    if (waiting + active + this.#readings.size > 0) this.#idleSince = undefined;
    else this.#idleSince ??= performance.now();
  }

  async #refused(why: ErrorData): Promise<void> {
    const isCoordinated = !SNAPSHOT_GONE.has(why.code) || (await this.#options.isCoordinated().catch(() => true));
    if (isCoordinated) this.#fail(lastError(why));
    else this.#isSnapshotGone = true;
  }

  #isIdle(): boolean {
    const { idleExitMs = Infinity } = this.#options;
    return this.#idleSince !== undefined && performance.now() - this.#idleSince >= idleExitMs;
  }

  /** However the run ended; or nobody has continued it in time. */
  #isOver(): boolean {
    if (this.#state === 'running') return false;
    if (this.#state !== 'interrupted') return true;
    const since = this.#notRunningSince ?? performance.now();
    if (performance.now() - since < this.#options.waitMs) return false;
    this.#fail(notContinued());
    return true;
  }

  #fail(error: LakeportError): void {
    this.#error ??= error;
    this.#wake();
  }

  /** Lets slices end if there is time for it, and gives back the others. */
  async #finish(end: WorkEnd): Promise<void> {
    const { signal, message } = this.#options;
    // If the run is over, nobody waits for them.
    const isVoid = end === 'over' && this.#error === undefined;
    if (end === 'signal' && this.#readings.size > 0) {
      const left = graceLeft(signal, 'closing') ?? 0;
      message('info', `Ending: slices that are not read within ${(left / 1000).toFixed(0)} s are given back`);
      await this.#emptied(left);
    }
    this.#stopWaiting.abort();
    if (end !== 'signal' && !isVoid && this.#readings.size > 0) await this.#emptied(graceOfOthersMs(this.#error));
    for (const reading of this.#readings) reading.stop(isVoid ? 'lost' : 'given-back');
    await this.#emptied(signal.aborted ? (graceLeft(signal, 'run') ?? 0) : GIVE_BACK_MS);
  }

  async #emptied(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    while (this.#readings.size > 0 && performance.now() < until)
      await this.#rest(Math.min(100, until - performance.now()));
  }
}

function withoutReason(report: SliceReport): SliceReport {
  return report.kind === 'given-back' ? { kind: 'given-back' } : report;
}

/** The worker cannot reach what the run needs, unless its user has made a mistake. */
function lastError(error: ErrorData): LakeportError {
  return LakeportError.fromData(error.exit === 'usage' ? error : { ...error, exit: 'unreachable' });
}

/** How long slices may take that are given back. */
const GIVE_BACK_MS = 15_000;
/** A worker that cannot reach the source any more may still have connections that work. */
const OTHERS_MS = 60_000;

/** Slices that were read from the wrong place must not go on. */
function graceOfOthersMs(error: LakeportError | undefined): number {
  return error?.exit === 'usage' ? 0 : OTHERS_MS;
}

export function otherVersion(version: string): LakeportError {
  return new LakeportError({
    code: 'WORKER_OTHER_VERSION',
    message: `The run is of lakeport ${version}, and this worker of ${VERSION}`,
    hint: 'Use the same version for a run and its workers.',
  });
}

function notContinued(): LakeportError {
  return new LakeportError({
    code: 'WORKER_WITHOUT_RUN',
    message: 'The process that coordinates the run is gone, and none has continued it in time',
    hint: 'Start it again with --resume, or with the same --run-id and --resume-if-exists.',
    context: { detail: '--wait' },
  });
}
