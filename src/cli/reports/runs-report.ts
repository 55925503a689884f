import type { RunsDocument } from './document-schemas.js';
import type { LoggedError, RunSummary, ShownState } from '../../runlog/index.js';
import { VERSION } from '../../version.js';
import { secondsBetween, shownTime } from '../../text/times.js';
import type { Output, Paint } from '../terminal/output.js';
import { printable } from '../../text/printable.js';
import { byteSize, count, timeSpan } from '../../text/quantities.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';

/** Characters of an id that usually tell runs apart. */
const SHORT_ID = 8;

const COLUMNS: readonly TextColumn[] = [
  { title: 'RUN' },
  { title: 'STATE' },
  { title: 'STARTED (UTC)' },
  { title: 'TOOK', align: 'right' },
  { title: 'TABLES', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'ROWS', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'SOURCE' },
  { title: 'TARGET' },
  { title: 'ENV' },
];

const ENV = COLUMNS.length - 1;

export const STATE_PAINTS: Readonly<Partial<Record<ShownState, Paint>>> = {
  completed: 'green',
  failed: 'red',
  interrupted: 'yellow',
  cancelled: 'yellow',
};

/** The list of runs, human-readable. */
export function runsText(
  runs: readonly RunSummary[],
  options: { readonly output: Output; readonly address: string; readonly limit: number },
): string {
  const { output, address, limit } = options;
  if (runs.length === 0) return `The run log ${printable(address)} has no runs yet.\n`;
  const columns = runs.some(({ envName }) => envName !== undefined) ? COLUMNS : COLUMNS.slice(0, ENV);
  const width = shortLength(runs);
  const table = tableLines({ columns, rows: runs.map((run) => runRow(run, width)) });
  const painted = table.rows.map((line, at) => {
    const paint = STATE_PAINTS[runs[at]?.state ?? 'running'];
    return paint === undefined || paint === 'green' ? line : output.paint(paint, line);
  });
  const lines = [output.paint('dim', table.title), ...painted];
  if (runs.length === limit)
    lines.push('', `${limit === 1 ? 'The latest run' : `The latest ${count(limit)} runs`}; --limit shows more.`);
  return `${lines.join('\n')}\n`;
}

/** The number of characters that makes every listed id unique. */
function shortLength(runs: readonly RunSummary[]): number {
  const isUnique = (length: number) => new Set(runs.map(({ runId }) => runId.slice(0, length))).size === runs.length;
  let length = SHORT_ID;
  while (length < 36 && !isUnique(length)) length++;
  return length;
}

function runRow(run: RunSummary, idLength: number): string[] {
  const seconds = secondsBetween(run.startedAt, run.endedAt);
  const source = run.sourceDatabase ?? run.sourceType ?? '';
  return [
    run.runId.slice(0, idLength),
    run.state,
    shownTime(run.startedAt),
    seconds === undefined ? '' : timeSpan(seconds),
    run.tables === undefined ? '' : `${count(run.completedTables)}/${count(run.tables)}`,
    run.failedTables === 0 ? '' : count(run.failedTables),
    count(run.rows),
    byteSize(run.bytes),
    printable(source),
    printable(run.target),
    printable(run.envName ?? ''),
  ];
}

/** The document of `runs --json`. */
export function runsDocument(runs: readonly RunSummary[], address: string, exitCode = 0): RunsDocument {
  return {
    lakeport: VERSION,
    command: 'runs',
    exit_code: exitCode,
    run_log: address,
    runs: runs.map(runSummaryDocument),
  };
}

/** Unknown values are `null`. Times are in ISO 8601, sizes in bytes. */
export function runSummaryDocument(run: RunSummary): RunsDocument['runs'][number] {
  return {
    run_id: run.runId,
    state: run.state,
    attempt: run.attempt,
    started_at: run.startedAt.toISOString(),
    ended_at: run.endedAt?.toISOString() ?? null,
    seconds: secondsBetween(run.startedAt, run.endedAt) ?? null,
    source: {
      entry: null,
      product: run.sourceType ?? null,
      address: run.sourceServer ?? null,
      database: run.sourceDatabase ?? null,
    },
    target: run.target,
    env_name: run.envName ?? null,
    sync_id: run.syncId ?? null,
    consistency: run.consistency ?? null,
    tables: run.tables ?? null,
    completed_tables: run.completedTables,
    failed_tables: run.failedTables,
    rows: run.rows,
    bytes: run.bytes,
    files: run.files,
    ...loggedErrorDocument(run.error),
  };
}

/** The `error`, if there is one. */
export function loggedErrorDocument(error: LoggedError | undefined): Pick<RunsDocument['runs'][number], 'error'> {
  if (error === undefined) return {};
  const { class: exitClass, code, message, hint } = error;
  return { error: { class: exitClass ?? null, code: code ?? null, message, ...(hint === undefined ? {} : { hint }) } };
}
