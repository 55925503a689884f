import type { RunObserver } from '../../export/model/observer.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { TableResult } from '../../export/model/result.js';
import type { TableId } from '../../model/table.js';
import { tableName } from '../../text/printable.js';

/** Window of the rate: long enough not to flicker, short enough to show a stall. */
const RATE_WINDOW_MS = 5_000;
/** A table in progress is never shown as done: its estimate may be too low. */
const MOST_SHARE_IN_PROGRESS = 0.99;
/** Before that, an estimate of the time left would jump around. */
const LEAST_SHARE_FOR_ESTIMATE = 0.02;
const LEAST_MS_FOR_ESTIMATE = 2_000;

export interface ShownTable {
  readonly name: string;
  readonly estimatedRows: number | undefined;
  rows: number;
  bytes: number;
  state: 'waiting' | 'running' | 'completed' | 'failed';
  startedAt: number;
}

/** The state of a run, added up from its events. Times are in milliseconds, from `now`. */
export class RunProgress implements RunObserver {
  readonly #tables = new Map<string, ShownTable>();
  readonly #now: () => number;
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];
  #startedAt: number | undefined;
  #rows = 0;
  #bytes = 0;
  #ended = 0;
  #failed = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  planned(plan: RunPlan): void {
    for (const { id, estimatedRows } of plan.tables) this.#table(id, estimatedRows);
    this.#startedAt = this.#now();
    this.#sample();
  }

  tableStarted(id: TableId): void {
    const table = this.#table(id);
    this.#startedAt ??= this.#now();
    table.state = 'running';
    table.startedAt = this.#now();
  }

  tableProgress(id: TableId, progress: { readonly rows: number; readonly bytes: number }): void {
    const table = this.#table(id);
    // The time before the first bytes is a sample of the rate too.
    this.#sample();
    this.#rows += progress.rows - table.rows;
    this.#bytes += progress.bytes - table.bytes;
    table.rows = progress.rows;
    table.bytes = progress.bytes;
  }

  tableEnded(result: TableResult): void {
    const table = this.#table(result.table);
    this.#rows += result.rows - table.rows;
    table.rows = result.rows;
    this.#end(table, result.state === 'completed' ? 'completed' : 'failed');
  }

  tableFailed(id: TableId): void {
    this.#end(this.#table(id), 'failed');
  }

  get tables(): number {
    return this.#tables.size;
  }

  get endedTables(): number {
    return this.#ended;
  }

  get failedTables(): number {
    return this.#failed;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes received over the wire. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Tables in progress, the longest-running first. */
  running(): readonly ShownTable[] {
    return [...this.#tables.values()]
      .filter(({ state }) => state === 'running')
      .sort((a, b) => a.startedAt - b.startedAt);
  }

  /** How much of the run is done, 0 to 1, by estimated rows; undefined while an unfinished table has no estimate. */
  share(): number | undefined {
    let done = 0;
    let all = 0;
    for (const table of this.#tables.values()) {
      if (!isOver(table) && !isEstimated(table)) return undefined;
      // Even an empty table costs something.
      const weight = Math.max(table.estimatedRows ?? table.rows, 1);
      all += weight;
      done += weight * shareOf(table);
    }
    return all === 0 ? 0 : done / all;
  }

  /** Bytes per second over the last seconds. */
  bytesPerSecond(): number {
    this.#sample();
    const [first] = this.#samples;
    const seconds = first === undefined ? 0 : (this.#now() - first.at) / 1000;
    return first === undefined || seconds < 0.2 ? 0 : (this.#bytes - first.bytes) / seconds;
  }

  /** Undefined until there is enough data. */
  secondsLeft(): number | undefined {
    const share = this.share();
    const elapsed = this.#startedAt === undefined ? 0 : this.#now() - this.#startedAt;
    if (share === undefined || share < LEAST_SHARE_FOR_ESTIMATE || elapsed < LEAST_MS_FOR_ESTIMATE) return undefined;
    return (elapsed * (1 - share)) / share / 1000;
  }

  #table(id: TableId, estimatedRows?: number): ShownTable {
    const key = JSON.stringify([id.schema, id.name]);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    const table = { name: tableName(id), estimatedRows, rows: 0, bytes: 0, state: 'waiting' as const, startedAt: 0 };
    this.#tables.set(key, table);
    return table;
  }

  #end(table: ShownTable, state: 'completed' | 'failed'): void {
    if (isOver(table)) return;
    table.state = state;
    this.#ended++;
    if (state === 'failed') this.#failed++;
  }

  #sample(): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last === undefined || at - last.at >= 200) this.#samples.push({ at, bytes: this.#bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) < at - RATE_WINDOW_MS) this.#samples.shift();
  }
}

/** Done share of one table, 0 to 1. */
export function shareOf(table: ShownTable): number {
  if (isOver(table)) return 1;
  const { rows, estimatedRows } = table;
  return estimatedRows === undefined || estimatedRows <= 0 ? 0 : Math.min(rows / estimatedRows, MOST_SHARE_IN_PROGRESS);
}

function isOver({ state }: ShownTable): boolean {
  return state === 'completed' || state === 'failed';
}

/** A table that was estimated as empty, but has rows, has no estimate either. */
function isEstimated({ estimatedRows, rows }: ShownTable): boolean {
  return estimatedRows !== undefined && (estimatedRows > 0 || rows === 0);
}
