import { LakeportError } from '../errors.js';
import type { SliceTask } from '../export/worker/protocol.js';
import type { ReadEnd, SlicePool } from '../export/worker/slice-pool.js';
import { datasetId } from '../model/dataset.js';
import { tableName } from '../model/table.js';
import type { WorkerSlice } from '../runlog/index.js';
import { retryDelay, waitUnlessAborted } from '../runtime/retry.js';
import type { StagedPart } from '../storage/storage.js';
import type { SliceReport } from './messages.js';
import type { Claim, ClaimedJob } from './slice-queue.js';

export interface SliceReaderOptions {
  /** @throws LakeportError if this worker cannot read the slice, or nothing of the run */
  readonly openPool: () => Promise<SlicePool>;
  /** Never rejects. */
  readonly discard: (parts: readonly StagedPart[]) => Promise<void>;
  /** Aborted when the worker is told to end, whatever it still has. */
  readonly stopWaiting: AbortSignal;
}

/** The snapshot is gone. Its coordinator notices that too, takes another one, and the slice from this worker. */
const SNAPSHOT_GONE: ReadonlySet<string> = new Set(['WORKER_AFTER_RESTART', 'SNAPSHOT_NOT_FOUND']);
/** How long to wait for that. */
const PATIENCE_MS = 60_000;

const NOT_READ: ReadEnd = {
  ok: false,
  error: new LakeportError({ code: 'INTERRUPTED', message: 'The slice was not read' }),
  unconnected: false,
};

/** One slice that this worker has claimed, from its claim to its report. */
export class SliceReading {
  readonly claim: Claim;
  readonly #task: SliceTask;
  readonly #options: SliceReaderOptions;
  readonly #parts: StagedPart[] = [];
  #rows = 0;
  #bytes = 0;
  #pool: SlicePool | undefined;
  #ending: 'lost' | 'given-back' | undefined;
  readonly #stopped = new AbortController();

  constructor({ claim, job }: ClaimedJob, options: SliceReaderOptions) {
    this.claim = claim;
    this.#task = job.task;
    this.#options = options;
  }

  /** Whether the report would not count. */
  get isLost(): boolean {
    return this.#ending === 'lost';
  }

  get rows(): number {
    return this.#rows;
  }

  get standing(): WorkerSlice {
    const { dataset, slice } = this.#task;
    const table = tableName(datasetId(dataset));
    return { job: this.claim.id, table, slice: slice.index, rows: this.#rows, bytes: this.#bytes };
  }

  /** Stops the read: its slice has gone to another worker, or shall go there. */
  stop(why: 'lost' | 'given-back'): void {
    this.#ending ??= why;
    this.#stopped.abort();
    this.#pool?.cancel([this.#task]);
  }

  /** Reads the slice. @returns what to report; nothing is left staged unless it is `done` */
  async read(): Promise<SliceReport> {
    let pool: SlicePool;
    try {
      pool = this.#pool = await this.#options.openPool();
    } catch (thrown) {
      const error = LakeportError.from(thrown);
      await this.#waitForOtherSnapshot(error);
      return { kind: 'given-back', error: error.toData() };
    }
    const end = await this.#readConnected(pool);
    if (end.ok && this.#ending !== 'lost') {
      this.#rows = end.outcome.rows;
      return { kind: 'done', outcome: end.outcome };
    }
    await this.withdraw();
    if (end.ok || this.#ending !== undefined) return { kind: 'given-back' };
    // The source may well be reached from elsewhere.
    return { kind: end.unconnected ? 'given-back' : 'failed', error: end.error.toData() };
  }

  /** Removes what was staged. Never rejects. */
  async withdraw(): Promise<void> {
    await this.#options.discard(this.#parts.splice(0));
  }

  async #waitForOtherSnapshot({ code }: LakeportError): Promise<void> {
    if (SNAPSHOT_GONE.has(code)) await this.#wait(PATIENCE_MS);
  }

  /** @returns false if the slice is lost or to be given back meanwhile, or the worker told to end */
  #wait(ms: number): Promise<boolean> {
    return waitUnlessAborted(ms, AbortSignal.any([this.#stopped.signal, this.#options.stopWaiting]));
  }

  /** With retries, as long as the source cannot be reached. */
  async #readConnected(pool: SlicePool): Promise<ReadEnd> {
    for (let made = 1; ; made++) {
      const end: ReadEnd = this.#ending === undefined ? await this.#readOnce(pool) : NOT_READ;
      if (end.ok || !end.unconnected || this.#ending !== undefined) return end;
      const delay = retryDelay(end.error, made);
      if (delay === undefined) await this.#waitForOtherSnapshot(end.error);
      if (delay === undefined || !(await this.#wait(delay))) return end;
    }
  }

  async #readOnce(pool: SlicePool): Promise<ReadEnd> {
    const end = await pool.run(this.#task, {
      onProgress: ({ rows, bytes }) => {
        this.#rows = rows;
        this.#bytes = bytes;
      },
      onStaged: (part) => this.#parts.push(part),
    });
    // Threads give nothing back.
    return end.ok || end.givenBack !== true ? end : NOT_READ;
  }
}
