import type { ExportOptions } from '../../export/model/options.js';
import type { RunResult, TableResult } from '../../export/model/result.js';
import { OUTPUT_DIRECTORY_ID } from '../../storage/target.js';
import type { Output } from '../terminal/output.js';
import { printable, printableLines, tableName } from '../../text/printable.js';
import { byteSize, count, counted, rate, timeSpan } from '../../text/quantities.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';

/** Up to this number, all completed tables are listed. */
const MOST_LISTED = 60;
/** Beyond it, only this many of the largest. */
const LARGEST_LISTED = 20;

const COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'ROWS', align: 'right' },
  { title: 'FILES', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'SECONDS', align: 'right' },
  { title: 'ROWS/S', align: 'right' },
];

/** What was exported, per table and in total, human-readable. */
export function summaryText(
  result: RunResult,
  options: {
    readonly output: Output;
    readonly target: ExportOptions['target'];
    /** The command that finishes the run, if it is unfinished. */
    readonly resume?: string | undefined;
  },
): string {
  const { output, resume } = options;
  const completed = result.tables.filter(({ state }) => state === 'completed');
  const failed = result.tables.filter(({ state }) => state === 'failed');
  const cancelled = result.tables.length - completed.length - failed.length;
  const listed = listedTables(completed);
  const rest = without(completed, listed);

  const rows = [...listed.map(tableRow), ...restRows(rest), totalRow(result, completed.length)];
  const table = tableLines({ columns: COLUMNS, rows });
  const lines =
    completed.length === 0
      ? []
      : [output.paint('dim', table.title), ...table.rows.slice(0, -1), output.paint('bold', table.rows.at(-1) ?? '')];
  if (rest.length > 0)
    lines.push('', `The ${listed.length} largest tables are listed; --json lists all ${count(completed.length)}.`);
  lines.push(
    ...syncLines(result.tables),
    ...nullLines(result.tables),
    ...boundsLines(result.tables),
    ...skippedLines(result, output),
    ...failureLines(failed, output),
  );
  if (cancelled > 0)
    lines.push('', output.paint('yellow', `${counted(cancelled, 'table')} not exported: the run was ended before`));
  lines.push(...earlierLines(result.tables), ...mixedLines(result.tables), ...metadataLines(result, output));
  lines.push('', outcomeLine(result, { completed: completed.length, target: options.target, output }));
  if (resume !== undefined) lines.push(`To finish it:  ${output.paint('bold', resume)}`);
  return `${lines.join('\n').replace(/^\n/, '')}\n`;
}

function listedTables(tables: readonly TableResult[]): TableResult[] {
  const byName = tables.toSorted((a, b) => compare(tableName(a.table), tableName(b.table)));
  if (tables.length <= MOST_LISTED) return byName;
  return byName.toSorted((a, b) => b.bytes - a.bytes).slice(0, LARGEST_LISTED);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function without(tables: readonly TableResult[], listed: readonly TableResult[]): TableResult[] {
  const known = new Set(listed);
  return tables.filter((table) => !known.has(table));
}

function tableRow({ table, rows, files, bytes, seconds }: TableResult): string[] {
  return [tableName(table), count(rows), count(files), byteSize(bytes), seconds.toFixed(2), count(rate(rows, seconds))];
}

function restRows(rest: readonly TableResult[]): string[][] {
  if (rest.length === 0) return [];
  const sum = (amount: (table: TableResult) => number) => rest.reduce((total, table) => total + amount(table), 0);
  const sums = [count(sum(({ rows }) => rows)), count(sum(({ files }) => files)), byteSize(sum(({ bytes }) => bytes))];
  return [[`… ${counted(rest.length, 'more table')}`, ...sums, '', '']];
}

function totalRow(result: RunResult, completed: number): string[] {
  const { rows, files, bytes, seconds } = result;
  return [
    counted(completed, 'table'),
    count(rows),
    count(files),
    byteSize(bytes),
    seconds.toFixed(2),
    count(rate(rows, seconds)),
  ];
}

/** What became of rows that earlier syncs had published. */
function syncLines(tables: readonly TableResult[]): string[] {
  const lines = tables.flatMap(({ table, compaction, deletedKeys }) => {
    const name = tableName(table);
    const deleted = deletedKeys === undefined ? [] : [`${counted(deletedKeys, 'row')} deleted in the source`];
    if (compaction === undefined) return deleted.map((text) => `  ${name}: ${text}`);
    const { rows, supersededRows, files, stayingFiles } = compaction;
    const texts = [`${counted(supersededRows, 'row')} superseded`, ...deleted];
    return [`  ${name}: ${texts.join(', ')}; ${counted(rows, 'row')} in ${counted(files + stayingFiles, 'file')} now`];
  });
  return lines.length === 0 ? [] : ['', 'Earlier rows of synced tables:', ...lines];
}

function nullLines(tables: readonly TableResult[]): string[] {
  const lines = tables.flatMap(({ table, unrepresentable }) =>
    Object.entries(unrepresentable).map(
      ([column, values]) => `  ${tableName(table)}, ${printable(column)}: ${count(values)}`,
    ),
  );
  return lines.length === 0
    ? []
    : ['', 'Values written as NULL because their Parquet type cannot hold them:', ...lines];
}

function boundsLines(tables: readonly TableResult[]): string[] {
  const lines = tables.flatMap(({ table, lostBounds = {} }) =>
    Object.entries(lostBounds).map(
      ([column, arrays]) => `  ${tableName(table)}, ${printable(column)}: ${count(arrays)}`,
    ),
  );
  return lines.length === 0
    ? []
    : ['', 'Arrays that do not begin at 1, written without their bounds (--arrays text keeps them):', ...lines];
}

function earlierLines(tables: readonly TableResult[]): string[] {
  const earlier = tables.filter(({ publishedEarlier }) => publishedEarlier === true).length;
  return earlier === 0
    ? []
    : ['', `${counted(earlier, 'table')} of these had been published before the run was resumed`];
}

/** Tables whose readers did not all see the same snapshot. If that is true of all tables, the last line says so. */
function mixedLines(tables: readonly TableResult[]): string[] {
  const completed = tables.filter(({ state }) => state === 'completed');
  const mixed = completed.filter(({ consistency }) => consistency === 'none');
  if (mixed.length === 0 || mixed.length === completed.length) return [];
  const names = mixed.slice(0, LARGEST_LISTED).map(({ table }) => `  ${tableName(table)}`);
  const rest = mixed.length - names.length;
  if (rest > 0) names.push(`  … ${counted(rest, 'more table')}`);
  return ['', 'Tables that are in no snapshot, or of more than one:', ...names];
}

/** Tables with nothing to read. */
function skippedLines({ skipped }: RunResult, output: Output): string[] {
  if (skipped.length === 0) return [];
  const lines = skipped.map(({ id, reason }) => `  ${tableName(id)}: ${printableLines(reason.message)}`);
  return ['', output.paint('yellow', `${counted(skipped.length, 'table')} skipped:`), ...lines];
}

function failureLines(failed: readonly TableResult[], output: Output): string[] {
  if (failed.length === 0) return [];
  const lines = ['', output.paint('red', `${counted(failed.length, 'table')} failed:`)];
  for (const { table, error } of failed) {
    lines.push(`  ${tableName(table)}: ${printableLines(error?.message ?? 'unknown error')}`);
    if (error?.hint !== undefined) lines.push(`    ${output.paint('cyan', 'hint:')} ${printable(error.hint)}`);
  }
  return lines;
}

function metadataLines({ metadata }: RunResult, output: Output): string[] {
  if (metadata === undefined) return [];
  if (!('error' in metadata)) return ['', `Common Data Model: ${printable(metadata.manifests[0] ?? '')}`];
  const { message, hint } = metadata.error;
  return [
    '',
    output.paint('red', `Common Data Model files were not written: ${printableLines(message)}`),
    ...(hint === undefined ? [] : [`    ${output.paint('cyan', 'hint:')} ${printable(hint)}`]),
  ];
}

/** Where the tables went; for several storages, their ids. */
function placeOf({ tables }: RunResult, target: ExportOptions['target']): string {
  const targetId = 'directory' in target ? OUTPUT_DIRECTORY_ID : target.storageId;
  const used = new Set(tables.map(({ storageId }) => storageId));
  const others = [...used].filter((id) => id !== targetId).map(printable);
  const main = 'directory' in target ? printable(target.directory) : printable(target.storageId);
  const places = used.has(targetId) || used.size === 0 ? [main, ...others] : others;
  if (places.length > 1) return `${places.slice(0, -1).join(', ')} and ${places.at(-1) ?? ''}`;
  return 'directory' in target && others.length === 0 ? main : `storage ${places[0] ?? ''}`;
}

/** For a run that promises none: some tables may still share a snapshot. */
function commonSnapshot({ tables }: RunResult): string {
  const completed = tables.filter(({ state }) => state === 'completed');
  const outside = completed.filter(({ consistency }) => consistency === 'none').length;
  const isCommon = outside < completed.length && completed.every(({ consistency }) => consistency !== 'table');
  return isCommon && outside > 0 ? `one snapshot of all tables but ${count(outside)}` : 'no common snapshot';
}

function outcomeLine(
  result: RunResult,
  options: { readonly completed: number; readonly target: ExportOptions['target']; readonly output: Output },
): string {
  const { completed, target, output } = options;
  const all = completed === result.tables.length;
  const consistency = {
    run: 'one snapshot of all tables',
    table: 'one snapshot per table',
    none: commonSnapshot(result),
  }[result.consistency];
  const place = placeOf(result, target);
  const tables = all ? counted(completed, 'table') : `${count(completed)} of ${counted(result.tables.length, 'table')}`;
  const text = `${tables} exported to ${place} in ${timeSpan(result.seconds)} (${consistency}, run ${result.runId})`;
  return output.paint(all ? 'green' : 'yellow', text);
}
