import type { RunObserver } from '../model/observer.js';
import type { TableProgress } from './table-progress.js';

/** The observer hears of a table's progress at most so often. */
const INTERVAL_MS = 250;

/** Tells the observer how far tables are, but not each time something moves. */
export class ProgressReport {
  readonly #observer: RunObserver;
  readonly #reportedAt = new WeakMap<TableProgress, number>();

  constructor(observer: RunObserver) {
    this.#observer = observer;
  }

  report(table: TableProgress): void {
    const now = performance.now();
    if (now - (this.#reportedAt.get(table) ?? -Infinity) < INTERVAL_MS) return;
    this.reportNow(table, now);
  }

  /** The last word of a table. */
  reportNow(table: TableProgress, now = performance.now()): void {
    this.#reportedAt.set(table, now);
    this.#observer.tableProgress?.(table.plan.id, table.sums);
  }
}
