import type { Slice } from '../../sources/source.js';
import type { TableProgress } from './table-progress.js';

export interface Assignment {
  readonly job: TableProgress;
  readonly slice: Slice;
}

/**
 * Decides what a free reader does next. Tables are started in the order of the plan, the largest first, and `jobs` of
 * them at most are in progress. A reader goes where the fewest readers are, so that tables advance side by side and the
 * largest, started first, has all of them at the end.
 */
export class Scheduler {
  readonly #jobs: number;
  readonly #waiting: TableProgress[];
  /** Tables of which an earlier attempt has read all, not started yet. */
  readonly #complete: TableProgress[];
  readonly #inProgress = new Set<TableProgress>();

  constructor(tables: readonly TableProgress[], options: { readonly jobs: number }) {
    this.#jobs = options.jobs;
    this.#waiting = tables.filter((job) => !job.isComplete);
    this.#complete = tables.filter((job) => job.isComplete);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#complete.length === 0 && this.#inProgress.size === 0;
  }

  /** All that are not released yet. */
  get all(): readonly TableProgress[] {
    return [...this.#inProgress, ...this.#complete, ...this.#waiting];
  }

  /** `startTables: false` keeps to the tables in progress. */
  next(options: { readonly startTables: boolean }): Assignment | undefined {
    const job = this.#leastBusy();
    const mayStart = options.startTables && this.#beingRead() < this.#jobs;
    if (job === undefined || (job.active > 0 && mayStart)) {
      const fresh = mayStart ? this.#waiting.shift() : undefined;
      if (fresh !== undefined) {
        this.#inProgress.add(fresh);
        return assign(fresh);
      }
    }
    return job && assign(job);
  }

  /** Starts a table of which nothing is left to read, if there is one. */
  nextComplete(): TableProgress | undefined {
    const job = this.#complete.shift();
    if (job !== undefined) this.#inProgress.add(job);
    return job;
  }

  /** The table is read, or given up: it makes room for another one. */
  release(job: TableProgress): void {
    this.#inProgress.delete(job);
  }

  /** True for a table that is in progress. */
  has(job: TableProgress): boolean {
    return this.#inProgress.has(job);
  }

  /** Takes a table that was not started into those in progress, for it to be given up. */
  take(job: TableProgress): void {
    const index = this.#waiting.indexOf(job);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#inProgress.add(job);
  }

  /** Starts no more tables, but gives out all that there are. From here on they are all in progress. */
  takeAll(): TableProgress[] {
    for (const job of [...this.#complete.splice(0), ...this.#waiting.splice(0)]) this.#inProgress.add(job);
    return [...this.#inProgress];
  }

  /** Tables that only wait for an answer keep no other one from being begun. */
  #beingRead(): number {
    let count = 0;
    for (const job of this.#inProgress) if (!job.awaitsProof) count++;
    return count;
  }

  #leastBusy(): TableProgress | undefined {
    let best: TableProgress | undefined;
    for (const job of this.#inProgress) {
      if (!job.hasWaiting || job.active >= job.plan.degree) continue;
      if (best === undefined || job.active < best.active) best = job;
    }
    return best;
  }
}

function assign(job: TableProgress): Assignment | undefined {
  const slice = job.takeSlice();
  return slice && { job, slice };
}
