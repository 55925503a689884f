import type { RunObserver } from '../model/observer.js';
import type { TableProgress } from './table-progress.js';

/** The observer hears of a table's progress at most so often. */
const INTERVAL_MS = 250;

/** Tells the observer how far tables are, but not each time something moves. */
export class ProgressReport {
  readonly #observer: RunObserver;
  readonly #toldAt = new WeakMap<TableProgress, number>();

  constructor(observer: RunObserver) {
    this.#observer = observer;
  }

  report(job: TableProgress): void {
    const now = performance.now();
    if (now - (this.#toldAt.get(job) ?? -Infinity) < INTERVAL_MS) return;
    this.tell(job, now);
  }

  /** The last word of a table. */
  tell(job: TableProgress, now = performance.now()): void {
    this.#toldAt.set(job, now);
    this.#observer.tableProgress?.(job.plan.id, job.sums);
  }
}
