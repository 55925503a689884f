import { LakeportError } from '../errors.js';
import type { RunObserver } from '../export/observer.js';
import type { RunPlan } from '../export/plan.js';
import type { RunResult, TableResult } from '../export/result.js';
import type { TableId } from '../sources/source.js';
import type { Log } from './log.js';
import { tableName } from './printable.js';
import { byteSize, count, counted, rate, timeSpan } from './quantities.js';
import { RunProgress } from './run-progress.js';

/** A long run gives a sign of life this often. */
const PROGRESS_EVERY_MS = 30_000;

const LEVELS = { debug: 'DEBUG', info: 'INFO', warning: 'WARNING' } as const;

/** Writes what happens in a run into the log. */
export class LogObserver implements RunObserver {
  readonly #log: Log;
  readonly #progress = new RunProgress();
  readonly #timer: NodeJS.Timeout;
  /** Tables whose failure is in the log already. */
  readonly #reported = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
    this.#timer = setInterval(() => this.#signOfLife(), PROGRESS_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  message(level: 'debug' | 'info' | 'warning', text: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#log.write(LEVELS[level], text + pairs(fields ?? {}), fields);
  }

  planned(plan: RunPlan): void {
    this.#progress.planned(plan);
    const { server, snapshot, tables, readers } = plan;
    this.#log.write(
      'INFO',
      `${counted(tables.length, 'table')} of ${server.database} on ${server.address} (${server.product}), ${counted(readers, 'reader')}, consistency ${snapshot.consistency}`,
      { event: 'planned' },
    );
  }

  tableStarted(table: TableId): void {
    this.#progress.tableStarted(table);
    this.#log.write('DEBUG', `${tableName(table)} started`, { event: 'table_started', table: tableName(table) });
  }

  tableProgress(table: TableId, progress: { readonly rows: number; readonly bytes: number }): void {
    this.#progress.tableProgress(table, progress);
  }

  tableEnded(result: TableResult): void {
    this.#progress.tableEnded(result);
    if (result.error !== undefined) this.tableFailed(result.table, LakeportError.fromData(result.error));
    if (result.state !== 'completed') return;
    const { table, rows, files, bytes, seconds } = result;
    const perSecond = rate(rows, seconds);
    this.#log.write(
      'INFO',
      `${tableName(table)} completed: ${counted(rows, 'row')}, ${counted(files, 'file')}, ${byteSize(bytes)} in ${timeSpan(seconds)} (${count(perSecond)} rows/s)`,
      { event: 'table_completed' },
    );
  }

  tableFailed(table: TableId, error: LakeportError): void {
    this.#progress.tableFailed(table);
    const name = tableName(table);
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    const message = error.message.includes(name) ? error.message : `${name}: ${error.message}`;
    this.#log.error(new LakeportError({ ...error.toData(), message, cause: error }));
  }

  ended(result: RunResult): void {
    const completed = result.tables.filter(({ state }) => state === 'completed').length;
    this.#log.write(
      'INFO',
      `${count(completed)} of ${counted(result.tables.length, 'table')} exported: ${counted(result.rows, 'row')}, ${counted(result.files, 'file')}, ${byteSize(result.bytes)} in ${timeSpan(result.seconds)}`,
      { event: 'ended', run_id: result.runId },
    );
  }

  #signOfLife(): void {
    const progress = this.#progress;
    if (progress.tables === 0) return;
    const left = progress.secondsLeft();
    this.#log.write(
      'INFO',
      `${count(progress.endedTables)} of ${counted(progress.tables, 'table')}, ${counted(progress.rows, 'row')}, ${byteSize(progress.bytesPerSecond())}/s, ${Math.floor(progress.share() * 100)} %${left === undefined ? '' : `, ${timeSpan(left)} left`}`,
      { event: 'progress' },
    );
  }
}

/** ` name=value` for each field with a plain value. */
function pairs(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`)
    .join('');
}
