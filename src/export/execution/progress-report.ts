import type { RunObserver } from '../model/observer.js';
import type { TableProgress } from './table-progress.js';

/** Minimum interval between two progress reports of a table. */
const INTERVAL_MS = 250;

/** Reports the progress of tables to the observer, rate-limited. */
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

  /** Reports regardless of the rate limit. */
  reportNow(table: TableProgress, now = performance.now()): void {
    this.#reportedAt.set(table, now);
    this.#observer.tableProgress?.(table.plan.id, table.sums);
  }
}
