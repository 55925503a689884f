import type { CompactionResult } from '../../export/compact/compact-tables.js';
import { compactionDocument, mergeCountsDocument } from '../../export/model/compaction-document.js';
import { printable, printableLines, tableName } from '../../text/printable.js';
import { byteSize, count, counted, timeSpan } from '../../text/quantities.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';
import { VERSION } from '../../version.js';
import type { Output } from '../terminal/output.js';
import type { CompactDocument } from './compact-schema.js';
import { errorDocument } from './run-json.js';

/** What `lakeport compact` has done. */
export interface CompactReport {
  readonly runId: string;
  readonly isDryRun: boolean;
  readonly results: readonly CompactionResult[];
  /** Tables that are exported whole. */
  readonly whole: number;
  readonly seconds: number;
}

const COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'FILES', align: 'right' },
  { title: 'ROWS', align: 'right' },
  { title: 'SUPERSEDED', align: 'right' },
  { title: 'ROWS NOW', align: 'right' },
  { title: 'FILES NOW', align: 'right' },
  { title: 'WRITTEN', align: 'right' },
];

/** Human-readable. */
export function compactText({ results, isDryRun, whole, seconds }: CompactReport, output: Output): string {
  const { title, rows } = tableLines({ columns: COLUMNS, rows: results.map(rowOf) });
  const lines = results.length === 0 ? [] : [output.paint('dim', title), ...rows, ''];
  const failed = results.filter((result) => result.state === 'failed');
  if (failed.length > 0) {
    lines.push(output.paint('red', `${counted(failed.length, 'table')} failed:`));
    for (const { table, error } of failed) {
      lines.push(`  ${tableName(nameOf(table))}: ${printableLines(error.message)}`);
      if (error.hint !== undefined) lines.push(`    ${output.paint('cyan', 'hint:')} ${printable(error.hint)}`);
    }
    lines.push('');
  }
  if (whole > 0) lines.push(`${counted(whole, 'table')} not synced, and left alone`);
  const done = results.filter(({ state }) => state === 'compacted' || state === 'planned').length;
  const verb = isDryRun ? 'would be merged' : 'merged';
  const text = `${counted(done, 'table')} of ${count(results.length)} ${verb} in ${timeSpan(seconds)}`;
  lines.push(output.paint(failed.length === 0 ? 'green' : 'yellow', text));
  return `${lines.join('\n')}\n`;
}

function rowOf(result: CompactionResult): string[] {
  const { table } = result;
  const before = [tableName(nameOf(table)), count(table.files.length), count(rowsOf(result))];
  switch (result.state) {
    case 'compacted': {
      const { supersededRows, rows, files, stayingFiles, bytes } = result.compaction;
      return [...before, count(supersededRows), count(rows), count(files + stayingFiles), byteSize(bytes)];
    }
    case 'planned':
      return [...before, count(result.counts.supersededRows), count(result.counts.rows), '', ''];
    case 'unchanged':
      return [...before, '', 'unchanged', '', ''];
    case 'failed':
      return [...before, '', 'failed', '', ''];
    default:
      return result satisfies never;
  }
}

export function compactDocument(
  { runId, isDryRun, results, whole, seconds }: CompactReport,
  { code, warnings }: { readonly code: number; readonly warnings: CompactDocument['warnings'] },
): CompactDocument {
  return {
    lakeport: VERSION,
    command: 'compact',
    exit_code: code,
    run_id: runId,
    dry_run: isDryRun,
    seconds,
    tables: results.map((result) => ({
      ...(result.table.schema !== undefined && { schema: result.table.schema }),
      table: result.table.name,
      path: result.path,
      state: result.state,
      files_before: result.table.files.length,
      rows_before: rowsOf(result),
      ...(result.state === 'compacted' && { compaction: compactionDocument(result.compaction) }),
      ...(result.state === 'planned' && { planned: mergeCountsDocument(result.counts) }),
      ...(result.state === 'failed' && { error: errorDocument(result.error) }),
    })),
    whole_tables: whole,
    warnings,
  };
}

function nameOf({ schema = '', name }: CompactionResult['table']) {
  return { schema, name };
}

function rowsOf({ table }: CompactionResult): number {
  return table.files.reduce((sum, { rows }) => sum + rows, 0);
}
