import type { RunObserver } from '../../export/model/observer.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { TableResult } from '../../export/model/result.js';
import type { TableId } from '../../model/table.js';
import type { Output } from './output.js';
import { byteSize, count, roughCount, timeSpan } from '../../text/quantities.js';
import { RunProgress, shareOf, type ShownTable } from './run-progress.js';
import { fit, pad } from '../../text/text-table.js';

const REFRESH_MS = 100;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** For the Linux text console, which has no Braille. */
const PLAIN_SPINNER = ['-', '\\', '|', '/'];
/** Cells of the spinner and the blank after it. */
const SPINNER_WIDTH = 2;
/** Maximum lines for tables in progress; the rest share one line. */
const MOST_TABLES = 8;
const BAR_CELLS = 16;
const WIDEST_NAME = 40;

/** On a narrower terminal a display would be all dots. */
const LEAST_COLUMNS = 20;

/**
 * The display of a run on a terminal: one line for the run, one for each table in progress. It is decoration: if it
 * fails, it stops, and the run is not affected.
 */
export class ProgressDisplay implements RunObserver {
  readonly #output: Output;
  readonly #progress = new RunProgress();
  readonly #spinner: readonly string[];
  #text = 'connecting';
  #isSaying = true;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(output: Output, environment: NodeJS.ProcessEnv) {
    this.#output = output;
    this.#spinner = environment['TERM'] === 'linux' ? PLAIN_SPINNER : SPINNER;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
    this.#timer.unref();
  }

  /** Removes the display from the terminal. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#output.show([]);
  }

  /** Shows a line in place of the tables, e.g. while the run is ending. */
  say(text: string): void {
    this.#text = text;
    this.#isSaying = true;
  }

  planned(plan: RunPlan): void {
    this.#progress.planned(plan);
    this.#isSaying = false;
  }

  tableStarted(table: TableId): void {
    this.#progress.tableStarted(table);
  }

  tableProgress(table: TableId, progress: { readonly rows: number; readonly bytes: number }): void {
    this.#progress.tableProgress(table, progress);
  }

  tableEnded(result: TableResult): void {
    this.#progress.tableEnded(result);
  }

  tableFailed(table: TableId): void {
    this.#progress.tableFailed(table);
  }

  #refresh(): void {
    try {
      this.#output.show(this.#lines());
    } catch {
      clearInterval(this.#timer);
    }
  }

  #lines(): string[] {
    const { columns, rows } = this.#output;
    // The terminal may have been resized.
    if (columns < LEAST_COLUMNS) return [];
    const lines =
      this.#isSaying || this.#progress.tables === 0
        ? [fit(this.#text, widthOf(columns))]
        : progressLines(this.#progress, { columns, rows });
    const frame = this.#spinner[this.#frame++ % this.#spinner.length] ?? '';
    return lines.map((line, at) => (at === 0 ? `${this.#output.paint('cyan', frame)} ${line}` : line));
  }
}

/** What the display shows, in a window of the given size. */
export function progressLines(
  progress: RunProgress,
  window: { readonly columns: number; readonly rows: number },
): string[] {
  const running = progress.running();
  // The last line of the window stays free.
  const room = Math.max(0, Math.min(MOST_TABLES, window.rows - 3));
  const shown = running.slice(0, room);
  const nameWidth = Math.min(WIDEST_NAME, Math.max(...shown.map(({ name }) => name.length), 0));
  const lines = [runLine(progress), ...shown.map((table) => tableLine(table, nameWidth))];
  if (running.length > shown.length) lines.push(`  and ${count(running.length - shown.length)} more in progress`);
  return lines.map((line) => fit(line, widthOf(window.columns)));
}

/** Width of a line beside the spinner; the last column stays free. */
function widthOf(columns: number): number {
  return columns - SPINNER_WIDTH - 1;
}

function runLine(progress: RunProgress): string {
  const left = progress.secondsLeft();
  const failed = progress.failedTables;
  const share = progress.share();
  const bytesPerSecond = progress.bytesPerSecond();
  return [
    `${count(progress.endedTables)} of ${count(progress.tables)} tables`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    `${roughCount(progress.rows)} rows`,
    // Without data, or during a stall, no rate says more than a zero.
    ...(bytesPerSecond > 0 ? [`${byteSize(bytesPerSecond)}/s`] : []),
    ...(share === undefined ? [] : [`${Math.floor(share * 100)} %`]),
    ...(left === undefined ? [] : [`${timeSpan(Math.ceil(left)).replace('.0', '')} left`]),
  ].join(' · ');
}

function tableLine(table: ShownTable, nameWidth: number): string {
  const known = table.estimatedRows !== undefined && table.estimatedRows > 0;
  const share = shareOf(table);
  const cells = Math.round(share * BAR_CELLS);
  const bar = known ? `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)}` : ' '.repeat(BAR_CELLS);
  const percent = known ? `${Math.floor(share * 100)} %` : '';
  const name = pad(fit(table.name, nameWidth), nameWidth, 'left');
  return `  ${name}  ${bar}  ${pad(percent, 4, 'right')}  ${roughCount(table.rows)} rows`;
}
