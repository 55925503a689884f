import { EXIT_CODES, LakeportError } from '../../errors.js';
import type { RunObserver } from '../../export/model/observer.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { RunResult, TableResult } from '../../export/model/result.js';
import type { SliceOutcome } from '../../export/model/slice-outcome.js';
import type { TableId } from '../../model/table.js';
import type { Log } from './event-log.js';
import { tableName } from '../../text/printable.js';
import { byteSize, count, counted, rate, timeSpan } from '../../text/quantities.js';
import { RunProgress } from '../terminal/run-progress.js';

/** How often a long run logs its progress. */
const PROGRESS_EVERY_MS = 30_000;

const LEVELS = { debug: 'DEBUG', info: 'INFO', warning: 'WARNING' } as const;

/** Writes the events of a run to the log. */
export class LogObserver implements RunObserver {
  readonly #log: Log;
  readonly #progress = new RunProgress();
  readonly #timer: NodeJS.Timeout;
  /** Tables whose failure is already in the log. */
  readonly #reported = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
    this.#timer = setInterval(() => this.#signOfLife(), PROGRESS_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  message(level: 'debug' | 'info' | 'warning', text: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#log.write(LEVELS[level], text + pairs(fields), fields);
  }

  planned(plan: RunPlan): void {
    this.#progress.planned(plan);
    const { server, snapshot, tables, readers, problems } = plan;
    this.#log.write(
      'INFO',
      `${counted(tables.length, 'table')} of ${server.database} on ${server.address} (${server.product}), ${counted(readers, 'reader')}, consistency ${snapshot.consistency}`,
      {
        event: 'planned',
        tables: tables.length,
        problems: problems.length,
        readers,
        consistency: snapshot.consistency,
        database: server.database,
        server: server.address,
      },
    );
  }

  replanned({ tables, snapshot }: RunPlan): void {
    this.#log.write('DEBUG', `${counted(tables.length, 'table')} planned again with a new snapshot`, {
      event: 'replanned',
      tables: tables.length,
      consistency: snapshot.consistency,
    });
  }

  tableStarted(table: TableId): void {
    this.#progress.tableStarted(table);
    this.#log.write('DEBUG', `${tableName(table)} started`, { event: 'table_started', table: tableName(table) });
  }

  tableProgress(table: TableId, progress: { readonly rows: number; readonly bytes: number }): void {
    this.#progress.tableProgress(table, progress);
  }

  sliceStarted(table: TableId, slice: number): void {
    const name = tableName(table);
    this.#log.write('DEBUG', `${name}, slice ${slice} started`, { event: 'slice_started', table: name, slice });
  }

  sliceStaged(table: TableId, slice: number, { rows, files }: SliceOutcome): void {
    const name = tableName(table);
    const bytes = files.reduce((sum, { part }) => sum + part.bytes, 0);
    this.#log.write('DEBUG', `${name}, slice ${slice} staged: ${counted(rows, 'row')}, ${byteSize(bytes)}`, {
      event: 'slice_staged',
      table: name,
      slice,
      rows,
      files: files.length,
      bytes,
    });
  }

  sliceFailed(
    table: TableId,
    slice: number,
    { error, final }: { readonly error: LakeportError; readonly final: boolean },
  ) {
    const name = tableName(table);
    this.#log.write('DEBUG', `${name}, slice ${slice} failed: ${error.message}`, {
      event: 'slice_failed',
      table: name,
      slice,
      code: error.code,
      final,
    });
  }

  tableEnded(result: TableResult): void {
    this.#progress.tableEnded(result);
    if (result.error !== undefined) this.tableFailed(result.table, LakeportError.fromData(result.error));
    const { table, state, rows, files, bytes, seconds } = result;
    const name = tableName(table);
    const sums = { rows, files, bytes, duration_ms: milliseconds(seconds) };
    if (state === 'cancelled')
      this.#log.write('DEBUG', `${name} not exported`, { event: 'table_cancelled', table: name, ...sums });
    if (state !== 'completed') return;
    const perSecond = rate(rows, seconds);
    this.#log.write(
      'INFO',
      `${name} completed: ${counted(rows, 'row')}, ${counted(files, 'file')}, ${byteSize(bytes)} in ${timeSpan(seconds)} (${count(perSecond)} rows/s)`,
      { event: 'table_completed', table: name, ...sums },
    );
  }

  tableFailed(table: TableId, error: LakeportError): void {
    this.#progress.tableFailed(table);
    const name = tableName(table);
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    const message = error.message.includes(name) ? error.message : `${name}: ${error.message}`;
    const told = new LakeportError({ ...error.toData(), message, cause: error });
    this.#log.error(told, 'ERROR', { event: 'table_failed', table: name });
  }

  ended(result: RunResult): void {
    const inState = (state: TableResult['state']) => result.tables.filter((table) => table.state === state).length;
    const { tables, rows, files, bytes, seconds, exit, consistency } = result;
    const completed = inState('completed');
    this.#log.write(
      'INFO',
      `${count(completed)} of ${counted(tables.length, 'table')} exported: ${counted(rows, 'row')}, ${counted(files, 'file')}, ${byteSize(bytes)} in ${timeSpan(seconds)}`,
      {
        event: 'ended',
        tables: tables.length,
        completed,
        failed: inState('failed'),
        cancelled: inState('cancelled'),
        rows,
        files,
        bytes,
        duration_ms: milliseconds(seconds),
        consistency,
        exit_code: exit === undefined ? 0 : EXIT_CODES[exit],
      },
    );
  }

  #signOfLife(): void {
    const progress = this.#progress;
    if (progress.tables === 0) return;
    const left = progress.secondsLeft();
    const share = progress.share();
    const bytesPerSecond = progress.bytesPerSecond();
    const parts = [
      `${count(progress.endedTables)} of ${counted(progress.tables, 'table')}`,
      counted(progress.rows, 'row'),
      `${byteSize(bytesPerSecond)}/s`,
      ...(share === undefined ? [] : [`${Math.floor(share * 100)} %`]),
      ...(left === undefined ? [] : [`${timeSpan(left)} left`]),
    ];
    this.#log.write('INFO', parts.join(', '), {
      event: 'progress',
      tables: progress.tables,
      ended: progress.endedTables,
      failed: progress.failedTables,
      rows: progress.rows,
      bytes: progress.bytes,
      bytes_per_second: Math.round(bytesPerSecond),
      ...(share !== undefined && { share: Number(share.toFixed(4)) }),
      ...(left !== undefined && { left_ms: milliseconds(left) }),
    });
  }
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

/** ` name=value` for each field with a plain value. */
function pairs(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([name]) => name !== 'event')
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? JSON.stringify(value) : String(value)}`)
    .join('');
}
