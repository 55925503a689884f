import { LakeportError } from '../errors.js';
import { SNAPSHOT_UNUSABLE } from '../export/model/snapshot-errors.js';
import type { SliceTask } from '../export/worker/protocol.js';
import type { ReadEnd, SlicePool } from '../export/worker/slice-pool.js';
import type { WorkerSlice } from '../runlog/index.js';
import { retryDelay, waitUnlessAborted } from '../runtime/retry.js';
import { isSameMoment, type Snapshot } from '../sources/source.js';
import type { StagedPart } from '../storage/storage.js';
import type { JobReport, SliceReport } from './messages.js';
import type { Claim, ClaimedJob } from './slice-queue.js';
import { nameOfTasks, tableOf } from './task-names.js';

export interface SliceReaderOptions {
  /**
   * @param onFailed told why it is tried again
   * @throws LakeportError if this worker cannot read the slices, or nothing of the run
   */
  readonly openPool: (onFailed: (error: LakeportError) => void) => Promise<SlicePool>;
  /** Sessions that hold this snapshot, as far as the log knows. */
  readonly sessionsOf: (snapshot: Snapshot) => Promise<readonly Snapshot[]>;
  /** Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
  /** Aborted when the worker is told to end, whatever it still has. */
  readonly stopWaiting: AbortSignal;
  /** Told whenever another slice is being read. */
  readonly onChange: () => void;
}

/**
 * The snapshot is gone, or only the session that the slice names. Its coordinator notices that too: it takes the snapshot
 * over from another session, or takes another one, and the slice from this worker.
 */
export const SNAPSHOT_GONE: ReadonlySet<string> = new Set(['WORKER_AFTER_RESTART', ...SNAPSHOT_UNUSABLE]);
/** How long to wait for that. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 1_000;
/** All connections are taken, those of the server or those of a pooler. */
const CROWDED_OUT: ReadonlySet<string> = new Set(['SOURCE_TOO_MANY_CONNECTIONS', 'SOURCE_NO_ANSWER']);

const NOT_READ: ReadEnd = {
  ok: false,
  error: new LakeportError({ code: 'INTERRUPTED', message: 'The slice was not read' }),
  unconnected: false,
};

/** The slices of a job that this worker has claimed, from the claim to the report: one is read after the other. */
export class SliceReading {
  readonly claim: Claim;
  readonly #tasks: readonly SliceTask[];
  readonly #options: SliceReaderOptions;
  /** Of slices that are read. */
  readonly #staged: StagedPart[] = [];
  #current: SliceTask | undefined;
  #rows = 0;
  #bytes = 0;
  /** Of a session that could be joined where others were gone. */
  #joined: Snapshot | undefined;
  /** Sessions that are gone, by their tokens. */
  readonly #gone = new Set<string | undefined>();
  #isCrowdedOut = false;
  #pool: SlicePool | undefined;
  #ending: 'lost' | 'given-back' | undefined;
  readonly #stopped = new AbortController();

  constructor({ claim, job }: ClaimedJob, options: SliceReaderOptions) {
    this.claim = claim;
    this.#tasks = job.tasks;
    this.#current = job.tasks[0];
    this.#options = options;
  }

  /** Whether the report would not count. */
  get isLost(): boolean {
    return this.#ending === 'lost';
  }

  /** For people: `public.a was`, `public.a and 12 other tables were`. */
  get subject(): string {
    if (this.#current === undefined) return 'Nothing was';
    return `${nameOfTasks(this.#current, this.#tasks)} ${this.#tasks.length === 1 ? 'was' : 'were'}`;
  }

  /** The slice that is being read. */
  get standing(): readonly WorkerSlice[] {
    if (this.#current === undefined) return [];
    const { slice } = this.#current;
    return [
      {
        job: this.claim.id,
        losses: this.claim.retryCount,
        table: tableOf(this.#current),
        slice: slice.index,
        rows: this.#rows,
        bytes: this.#bytes,
        ...(this.#isCrowdedOut && { isCrowdedOut: true }),
      },
    ];
  }

  /** Stops the read: the slices that are not read have gone to another worker, or shall go there. */
  stop(why: 'lost' | 'given-back'): void {
    this.#ending ??= why;
    this.#stopped.abort();
    if (this.#current !== undefined) this.#pool?.cancel([this.#current]);
  }

  /** Reads the slices. @returns what to report; nothing is left staged of slices that are not `done` */
  async read(): Promise<JobReport> {
    const reports: SliceReport[] = [];
    for (const task of this.#tasks) {
      // Who gives one back cannot read the others either.
      const goesOn = this.#ending === undefined && reports.at(-1)?.kind !== 'given-back';
      reports.push(goesOn ? await this.#readSlice(task) : { kind: 'given-back' });
    }
    return reports;
  }

  /** Removes what was staged. Never rejects. */
  async withdraw(): Promise<void> {
    await this.#options.discard(this.#staged.splice(0));
  }

  async #readSlice(task: SliceTask): Promise<SliceReport> {
    this.#current = task;
    [this.#rows, this.#bytes, this.#isCrowdedOut] = [0, 0, false];
    this.#options.onChange();
    try {
      this.#pool ??= await this.#options.openPool((error) => this.#noteWhy(error));
    } catch (thrown) {
      const error = LakeportError.from(thrown);
      await this.#waitForOtherSnapshot(error);
      return { kind: 'given-back', error: error.toData() };
    }
    const parts: StagedPart[] = [];
    const end = await this.#readConnected(task, { pool: this.#pool, parts });
    if (end.ok) {
      this.#staged.push(...parts);
      return { kind: 'done', outcome: end.outcome };
    }
    await this.#options.discard(parts);
    if (this.#ending !== undefined) return { kind: 'given-back' };
    // The source may well be reached from elsewhere.
    return { kind: end.unconnected ? 'given-back' : 'failed', error: end.error.toData() };
  }

  /** Keepers of the snapshot make room for a reader that has no connection. */
  #noteWhy({ code }: LakeportError): void {
    if (this.#isCrowdedOut || !CROWDED_OUT.has(code)) return;
    this.#isCrowdedOut = true;
    this.#options.onChange();
  }

  async #waitForOtherSnapshot({ code }: LakeportError): Promise<void> {
    if (SNAPSHOT_GONE.has(code)) await this.#wait(PATIENCE_MS);
  }

  /** @returns false if the slices are lost or to be given back meanwhile, or the worker told to end */
  #wait(ms: number): Promise<boolean> {
    return waitUnlessAborted(ms, AbortSignal.any([this.#stopped.signal, this.#options.stopWaiting]));
  }

  /** With retries, as long as the source cannot be reached, or a session that holds the snapshot. */
  async #readConnected(task: SliceTask, { pool, parts }: OpenSliceRead): Promise<ReadEnd> {
    let snapshot =
      this.#joined !== undefined && isSameMoment(task.snapshot, this.#joined) ? this.#joined : task.snapshot;
    for (let made = 1; ; made++) {
      this.#current = { ...task, snapshot };
      const end: ReadEnd = this.#ending === undefined ? await this.#readOnce(this.#current, { pool, parts }) : NOT_READ;
      if (end.ok || !end.unconnected || this.#ending !== undefined) return end;
      this.#noteWhy(end.error);
      if (end.error.code === 'SNAPSHOT_NOT_FOUND') {
        const other = await this.#otherSession(snapshot);
        if (other === undefined) return end;
        snapshot = this.#joined = other;
      } else {
        const delay = retryDelay(end.error, made);
        if (delay === undefined) await this.#waitForOtherSnapshot(end.error);
        if (delay === undefined || !(await this.#wait(delay))) return end;
      }
    }
  }

  /** A session that holds the same snapshot and is not known to be gone; undefined if none turns up in time. */
  async #otherSession(snapshot: Snapshot): Promise<Snapshot | undefined> {
    this.#gone.add(snapshot.token);
    const until = performance.now() + PATIENCE_MS;
    do {
      // A log that cannot be reached now is asked again.
      const sessions = await this.#options.sessionsOf(snapshot).catch(() => []);
      const other = sessions.find(({ token }) => !this.#gone.has(token));
      if (other !== undefined) return other;
    } while ((await this.#wait(LOOK_MS)) && performance.now() < until);
    return undefined;
  }

  async #readOnce(task: SliceTask, { pool, parts }: OpenSliceRead): Promise<ReadEnd> {
    for (;;) {
      const end = await pool.run(task, {
        onProgress: ({ rows, bytes }) => {
          this.#rows = rows;
          this.#bytes = bytes;
        },
        onStaged: (part) => parts.push(part),
      });
      if (end.ok || end.givenBack !== true) return end;
      // Its thread has died while it also read another slice: from now on, each has a thread of its own.
      if (this.#ending !== undefined) return NOT_READ;
      await this.#options.discard(parts.splice(0));
    }
  }
}

interface OpenSliceRead {
  readonly pool: SlicePool;
  /** Takes what is staged. */
  readonly parts: StagedPart[];
}
