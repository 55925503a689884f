import type { Slice } from '../../sources/source.js';
import type { TableProgress } from './table-progress.js';

export interface Assignment {
  readonly table: TableProgress;
  readonly slice: Slice;
}

/**
 * Decides what a free reader does next. Tables start in the order of the plan, largest first, with at most `jobs` in
 * progress. A reader joins the table with the fewest readers, so tables advance together and the largest, started
 * first, gets all readers in the end.
 */
export class Scheduler {
  #jobs: number;
  readonly #waiting: TableProgress[];
  /** Tables fully read by an earlier attempt, not started yet. */
  readonly #complete: TableProgress[];
  readonly #inProgress = new Set<TableProgress>();
  readonly #weightOf: (table: TableProgress) => number;

  /** @param options.weightOf what a table in progress counts for, at most and by default 1 */
  constructor(
    tables: readonly TableProgress[],
    options: { readonly jobs: number; readonly weightOf?: (table: TableProgress) => number },
  ) {
    this.#jobs = options.jobs;
    this.#weightOf = options.weightOf ?? (() => 1);
    this.#waiting = tables.filter((table) => !table.isComplete);
    this.#complete = tables.filter((table) => table.isComplete);
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#complete.length === 0 && this.#inProgress.size === 0;
  }

  /** All tables not yet released. */
  get all(): readonly TableProgress[] {
    return [...this.#inProgress, ...this.#complete, ...this.#waiting];
  }

  /** With `startTables: false`, only slices of tables in progress. */
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

  /** Starts a table that has nothing left to read, if there is one. */
  nextComplete(): TableProgress | undefined {
    const table = this.#complete.shift();
    if (table !== undefined) this.#inProgress.add(table);
    return table;
  }

  /** Changes how many tables may be in progress. */
  set jobs(jobs: number) {
    this.#jobs = jobs;
  }

  /** Makes room for another table once this one is read or given up. */
  release(table: TableProgress): void {
    this.#inProgress.delete(table);
  }

  /** Whether the table is in progress. */
  has(table: TableProgress): boolean {
    return this.#inProgress.has(table);
  }

  /** Marks a waiting table as in progress, so it can be given up. */
  take(table: TableProgress): void {
    const index = this.#waiting.indexOf(table);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#inProgress.add(table);
  }

  /** Marks all tables as in progress and returns them; no more tables start. */
  takeAll(): TableProgress[] {
    for (const table of [...this.#complete.splice(0), ...this.#waiting.splice(0)]) this.#inProgress.add(table);
    return [...this.#inProgress];
  }

  /** Tables that only await confirmation do not keep others from starting. */
  #beingRead(): number {
    let weight = 0;
    for (const table of this.#inProgress) if (!table.awaitsConfirmation) weight += this.#weightOf(table);
    return weight;
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
