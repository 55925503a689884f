import type { Slice } from '../../sources/source.js';
import type { TableProgress } from './table-progress.js';

export interface Assignment {
  readonly table: TableProgress;
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
    this.#waiting = tables.filter((table) => !table.isComplete);
    this.#complete = tables.filter((table) => table.isComplete);
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
    const table = this.#leastBusy();
    const mayStart = options.startTables && this.#beingRead() < this.#jobs;
    if (table === undefined || (table.active > 0 && mayStart)) {
      const fresh = mayStart ? this.#waiting.shift() : undefined;
      if (fresh !== undefined) {
        this.#inProgress.add(fresh);
        return assign(fresh);
      }
    }
    return table && assign(table);
  }

  /** Starts a table of which nothing is left to read, if there is one. */
  nextComplete(): TableProgress | undefined {
    const table = this.#complete.shift();
    if (table !== undefined) this.#inProgress.add(table);
    return table;
  }

  /** The table is read, or given up: it makes room for another one. */
  release(table: TableProgress): void {
    this.#inProgress.delete(table);
  }

  /** True for a table that is in progress. */
  has(table: TableProgress): boolean {
    return this.#inProgress.has(table);
  }

  /** Takes a table that was not started into those in progress, for it to be given up. */
  take(table: TableProgress): void {
    const index = this.#waiting.indexOf(table);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#inProgress.add(table);
  }

  /** Starts no more tables, but gives out all that there are. From here on they are all in progress. */
  takeAll(): TableProgress[] {
    for (const table of [...this.#complete.splice(0), ...this.#waiting.splice(0)]) this.#inProgress.add(table);
    return [...this.#inProgress];
  }

  /** Tables that only wait for an answer keep no other one from being begun. */
  #beingRead(): number {
    let count = 0;
    for (const table of this.#inProgress) if (!table.awaitsConfirmation) count++;
    return count;
  }

  #leastBusy(): TableProgress | undefined {
    let best: TableProgress | undefined;
    for (const table of this.#inProgress) {
      if (!table.hasWaiting || table.active >= table.plan.degree) continue;
      if (best === undefined || table.active < best.active) best = table;
    }
    return best;
  }
}

function assign(table: TableProgress): Assignment | undefined {
  const slice = table.takeSlice();
  return slice && { table, slice };
}
