import type { LoggedWorker, PartitionRecord, RunHistory, RunRecord, TableRecord } from '../../runlog/index.js';
import { secondsBetween, shownTime } from '../../text/times.js';
import type { Output } from '../terminal/output.js';
import { printable, printableLines, tableName } from '../../text/printable.js';
import { byteSize, count, counted, timeSpan } from '../../text/quantities.js';
import { STATE_PAINTS } from './runs-report.js';
import { workersLines } from './status-workers.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';

/** Up to this number, all tables are listed; beyond it, the unpublished and the largest ones. */
const MOST_LISTED = 60;
const LARGEST_LISTED = 20;

/** Maximum tables whose partitions are listed. */
const MOST_WITH_PARTITIONS = 10;

const TABLE_COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'STATE' },
  { title: 'METHOD' },
  { title: 'ROWS', align: 'right' },
  { title: 'FILES', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'TOOK', align: 'right' },
  { title: 'ATTEMPTS', align: 'right' },
];

const PARTITION_COLUMNS: readonly TextColumn[] = [
  { title: 'PARTITION', align: 'right' },
  { title: 'STATE' },
  { title: 'ROWS', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'ATTEMPTS', align: 'right' },
  { title: 'BOUNDS' },
];

/** What the log has on one run, human-readable. */
export function statusText(
  history: RunHistory,
  options: {
    readonly output: Output;
    /** The command that finishes the run, if it is unfinished. */
    readonly resume: string | undefined;
    readonly now: Date;
    /** Processes that read its slices. */
    readonly workers?: readonly LoggedWorker[] | undefined;
  },
): string {
  const { output, resume, now, workers = [] } = options;
  const { run, tables } = history;
  const lines = [
    ...factLines(run, { output, now }),
    ...workersLines({ history, workers }, output),
    ...tablesLines(tables, output),
  ];
  lines.push(...partitionsLines(history, output), ...errorLines(tables, output));
  if (resume !== undefined) lines.push('', `To finish it:  ${output.paint('bold', resume)}`);
  return `${lines.join('\n')}\n`;
}

function factLines(run: RunRecord, { output, now }: { readonly output: Output; readonly now: Date }): string[] {
  const seconds = secondsBetween(run.startedAt, run.endedAt ?? (run.state === 'running' ? now : undefined));
  const took = seconds === undefined ? '' : `, ${run.endedAt === undefined ? 'for' : 'took'} ${timeSpan(seconds)}`;
  const attempts = run.attempt === 1 ? '' : `, attempt ${run.attempt}`;
  const paint = STATE_PAINTS[run.state];
  const state = `${run.state}${attempts}`;
  const last = run.state === 'interrupted' ? `, last heard of ${shownTime(run.heartbeatAt)} UTC` : '';
  const database =
    run.sourceDatabase === undefined ? '' : `${printable(run.sourceDatabase)} on ${run.sourceServer ?? '?'}`;
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ['Run', run.runId],
    ['State', (paint === undefined ? state : output.paint(paint, state)) + last],
    ['Started', `${shownTime(run.startedAt)} UTC${took}`],
    ['Source', database === '' ? run.sourceType : `${database} (${run.sourceType ?? '?'})`],
    ['Target', printable(run.target)],
    ['Environment', run.envName === undefined ? undefined : printable(run.envName)],
    ['Sync', run.syncId],
    ['Consistency', consistencyOf(run)],
    ['Tables', tableCounts(run)],
    ['Published', `${counted(run.rows, 'row')}, ${counted(run.files, 'file')}, ${byteSize(run.bytes)}`],
    ['Command', printable(run.commandLine)],
    ['Version', run.toolVersion],
    ['Error', run.error === undefined ? undefined : output.paint('red', printableLines(run.error.message))],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(13)}${value}`]));
}

function consistencyOf({ consistency, snapshotId, snapshotAt }: RunRecord): string | undefined {
  if (consistency === undefined) return undefined;
  if (consistency !== 'run' || snapshotAt === undefined) return consistency;
  return `run: one snapshot${snapshotId === undefined ? '' : ` (${snapshotId})`} of ${shownTime(snapshotAt)} UTC`;
}

function tableCounts({ tables, completedTables, failedTables }: RunRecord): string {
  if (tables === undefined) return 'not planned';
  const failed = failedTables === 0 ? '' : `, ${count(failedTables)} failed`;
  return `${count(completedTables)} of ${count(tables)} published${failed}`;
}

function tablesLines(tables: readonly TableRecord[], output: Output): string[] {
  if (tables.length === 0) return [];
  const listed = listedTables(tables);
  const text = tableLines({ columns: TABLE_COLUMNS, rows: listed.map(tableRow) });
  const painted = text.rows.map((line, at) => {
    const paint = STATE_PAINTS[listed[at]?.state ?? 'pending'];
    return paint === undefined || paint === 'green' ? line : output.paint(paint, line);
  });
  const rest = tables.length - listed.length;
  const more = rest === 0 ? [] : [`… ${counted(rest, 'more table')}, all published; --json lists them`];
  return ['', output.paint('dim', text.title), ...painted, ...more];
}

function listedTables(tables: readonly TableRecord[]): readonly TableRecord[] {
  if (tables.length <= MOST_LISTED) return tables;
  const published = tables.filter(({ state }) => state === 'completed');
  const largest = published.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0)).slice(0, LARGEST_LISTED);
  return [...tables.filter(({ state }) => state !== 'completed'), ...largest];
}

function tableRow(table: TableRecord): string[] {
  const { method, partitions, rows, files, bytes, attempts } = table;
  const seconds = secondsBetween(table.startedAt, table.endedAt);
  return [
    nameOf(table),
    table.state,
    method === undefined ? '' : `${method}${partitions > 1 ? ` (${count(partitions)})` : ''}`,
    rows === undefined ? '' : count(rows),
    files === undefined ? '' : count(files),
    bytes === undefined ? '' : byteSize(bytes),
    seconds === undefined ? '' : timeSpan(seconds),
    attempts > 1 ? count(attempts) : '',
  ];
}

/** The progress of partitions, for failed tables and tables in progress. */
function partitionsLines({ tables, partitions }: RunHistory, output: Output): string[] {
  const unfinished = tables.filter(
    ({ state, attempts }) => state !== 'completed' && state !== 'pending' && attempts > 0,
  );
  const byTable = new Map<number, PartitionRecord[]>();
  for (const one of partitions) {
    const known = byTable.get(one.jobId);
    if (known === undefined) byTable.set(one.jobId, [one]);
    else known.push(one);
  }
  const shown = unfinished.filter(({ jobId }) => (byTable.get(jobId)?.length ?? 0) > 1);
  const lines = shown.slice(0, MOST_WITH_PARTITIONS).flatMap((table) => {
    const text = tableLines({ columns: PARTITION_COLUMNS, rows: (byTable.get(table.jobId) ?? []).map(partitionRow) });
    return ['', output.paint('bold', nameOf(table)), `  ${output.paint('dim', text.title)}`, ...indented(text.rows)];
  });
  const rest = shown.length - MOST_WITH_PARTITIONS;
  return rest > 0 ? [...lines, '', `Partitions of ${counted(rest, 'more table')} are in --json.`] : lines;
}

function partitionRow({ sliceIndex, state, rows, bytes, attempts, bounds, staged }: PartitionRecord): string[] {
  return [
    count(sliceIndex),
    state === 'completed' && staged !== undefined ? 'staged' : state,
    rows === undefined ? '' : count(rows),
    bytes === undefined ? '' : byteSize(bytes),
    attempts > 1 ? count(attempts) : '',
    printable(bounds),
  ];
}

function errorLines(tables: readonly TableRecord[], output: Output): string[] {
  const failed = tables.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return [];
  const lines = ['', output.paint('red', `${counted(failed.length, 'table')} failed:`)];
  for (const table of failed) {
    lines.push(`  ${nameOf(table)}: ${printableLines(table.error?.message ?? 'unknown error')}`);
    const hint = table.error?.hint;
    if (hint !== undefined) lines.push(`    ${output.paint('cyan', 'hint:')} ${printable(hint)}`);
  }
  return lines;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function nameOf({ schema, table }: TableRecord): string {
  return tableName({ schema, name: table });
}
