import type { Difference } from '../../export/verify/difference.js';
import type { SourceComparison } from '../../export/verify/source/verify-source.js';
import type { VerifiedTable } from '../../export/verify/verify-tables.js';
import type { SourceChange } from '../../sources/column-totals.js';
import type { ServerInfo } from '../../sources/source.js';
import { printable, tableName } from '../../text/printable.js';
import { byteSize, count, counted, rate, timeSpan } from '../../text/quantities.js';
import { fit, tableLines, type TextColumn } from '../../text/text-table.js';
import { VERSION } from '../../version.js';
import type { Output } from '../terminal/output.js';
import type { VerifyDocument } from './verify-schema.js';

/** What a verification has found. */
export interface Verification {
  readonly runId: string | undefined;
  /** For messages; of a verification by path. */
  readonly path: string | undefined;
  readonly tables: readonly (VerifiedTable & { readonly comparison?: SourceComparison | undefined })[];
  /** Databases that they were compared with; undefined if they were not. */
  readonly servers?: readonly ServerInfo[] | undefined;
  /** Files of no table. */
  readonly unknown: readonly Difference[];
  /** Tables of the run that it has not published. */
  readonly unpublished: number;
}

type TimedVerification = Verification & { readonly deep: boolean; readonly seconds: number };

/** Up to this number, all tables are listed; beyond it, those with differences. */
const MOST_LISTED = 60;
/** Differences that are listed; --json has all. */
const MOST_DIFFERENCES = 100;
/** Width of what was expected and found. */
const VALUE_WIDTH = 64;

const TABLE_COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'FILES', align: 'right' },
  { title: 'ROWS', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'RESULT' },
];

const DIFFERENCE_COLUMNS: readonly TextColumn[] = [
  { title: 'CHECK' },
  { title: 'EXPECTED' },
  { title: 'FOUND' },
  { title: 'PATH' },
];

/** The tables and their differences, human-readable. */
export function verifyText(verification: TimedVerification, output: Output): string {
  const { tables, unknown, unpublished, seconds } = verification;
  const differences = [...tables.flatMap((table) => table.differences), ...unknown];
  const { files, bytes } = totalsOf(tables);
  const lines = [
    ...tableSection(tables, output),
    ...differenceSection(differences, output),
    ...comparisonSection(tables, output),
  ];
  if (lines.length > 0) lines.push('');
  if (unpublished > 0) {
    lines.push(output.paint('yellow', `${counted(unpublished, 'table')} of the run not verified: not published`));
  }
  const what = `${counted(files, 'file')} of ${counted(tables.length, 'table')}, ${byteSize(bytes)}`;
  const time = `in ${timeSpan(seconds)} (${byteSize(rate(bytes, seconds))}/s)`;
  const outcome = differences.length === 0 ? 'no difference' : counted(differences.length, 'difference');
  lines.push(`Verified ${what} ${time}: ${output.paint(differences.length === 0 ? 'green' : 'red', outcome)}`);
  return `${lines.join('\n')}\n`;
}

function tableSection(tables: readonly VerifiedTable[], output: Output): string[] {
  const listed =
    tables.length <= MOST_LISTED
      ? tables
      : tables.filter(({ differences }) => differences.length > 0).slice(0, MOST_LISTED);
  if (listed.length === 0) return [];
  const rows = listed.map(({ schema = '', name, files, rows: found, bytes, differences }) => [
    tableName({ schema, name }),
    count(files),
    count(found),
    byteSize(bytes),
    differences.length === 0 ? 'ok' : counted(differences.length, 'difference'),
  ]);
  const text = tableLines({ columns: TABLE_COLUMNS, rows });
  const painted = text.rows.map((line, at) =>
    listed[at]?.differences.length === 0 ? line : output.paint('red', line),
  );
  const rest = tables.length - listed.length;
  return [output.paint('dim', text.title), ...painted, ...(rest > 0 ? [`… ${counted(rest, 'more table')}`] : [])];
}

function differenceSection(differences: readonly Difference[], output: Output): string[] {
  if (differences.length === 0) return [];
  const shown = differences.slice(0, MOST_DIFFERENCES);
  const rows = shown.map(({ check, expected, found, path }) => [
    check,
    fit(printable(String(expected)), VALUE_WIDTH),
    fit(printable(String(found)), VALUE_WIDTH),
    printable(path),
  ]);
  const text = tableLines({ columns: DIFFERENCE_COLUMNS, rows });
  const rest = differences.length - shown.length;
  const more = rest > 0 ? [`… ${counted(rest, 'more difference')}; --json lists them`] : [];
  return ['', output.paint('dim', text.title), ...text.rows, ...more];
}

/** Reasons and notes of so many columns are listed; --json has all. */
const MOST_COLUMNS = 20;

/** What there is to say of the comparison with the source, a line each. */
function comparisonSection(tables: Verification['tables'], output: Output): string[] {
  const lines = tables.flatMap((table) => {
    const { comparison } = table;
    if (comparison === undefined) return [];
    const { notCompared, countsOnly, notes, change } = comparison;
    const { schema = '', name } = table;
    const say = (text: string) => printable(`${tableName({ schema, name })}: ${text}`);
    return [
      ...(notCompared === undefined
        ? []
        : [output.paint('yellow', say(`not compared with the source: ${notCompared}`))]),
      ...(change === undefined ? [] : [output.paint('yellow', say(changeText(change)))]),
      ...countsOnly
        .slice(0, MOST_COLUMNS)
        .map(({ column, reason }) => say(`of ${column} only NULLs were compared: ${reason}`)),
      ...(countsOnly.length > MOST_COLUMNS ? [`… ${counted(countsOnly.length - MOST_COLUMNS, 'more column')}`] : []),
      ...notes.map(say),
    ];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

function changeText(change: SourceChange): string {
  switch (change.kind) {
    case 'changed':
      return `the source has changed since the export: ${change.evidence}`;
    case 'unchanged':
      return `the source does not show a change since the export: ${change.evidence}`;
    case 'unknown':
      return `whether the source has changed since the export is not known: ${change.reason}`;
  }
}

/** The document of `verify --json`. */
export function verifyDocument(verification: TimedVerification, exitCode: number): VerifyDocument {
  const { runId, path, deep, tables, unknown, unpublished, seconds, servers } = verification;
  const differences: VerifyDocument['differences'] = [
    ...tables.flatMap((table) => table.differences.map((difference) => ({ ...nameOf(table), ...difference }))),
    ...unknown,
  ];
  return {
    lakeport: VERSION,
    command: 'verify',
    exit_code: exitCode,
    ...(runId !== undefined && { run_id: runId }),
    ...(path !== undefined && { path }),
    deep,
    against_source: servers !== undefined,
    ...(servers !== undefined && {
      sources: servers.map(({ product, address, database }) => ({ product, address, database })),
    }),
    seconds,
    totals: { tables: tables.length, ...totalsOf(tables), differences: differences.length },
    unpublished_tables: unpublished,
    tables: tables.map((table) => {
      const { files, rows, bytes } = table;
      const own = { ...nameOf(table), path: table.path, files, rows, bytes, differences: table.differences.length };
      return table.comparison === undefined ? own : { ...own, source: comparisonDocument(table.comparison) };
    }),
    differences,
  };
}

function comparisonDocument(comparison: SourceComparison): VerifyDocument['tables'][number]['source'] {
  const { notCompared, compared, countsOnly, notes, change } = comparison;
  return {
    compared: notCompared === undefined,
    ...(notCompared !== undefined && { reason: notCompared }),
    compared_columns: compared,
    counts_only: [...countsOnly],
    notes: [...notes],
    ...(change !== undefined && {
      change: { kind: change.kind, text: change.kind === 'unknown' ? change.reason : change.evidence },
    }),
  };
}

function nameOf({ schema, name }: VerifiedTable): { readonly schema?: string; readonly table: string } {
  return schema === undefined ? { table: name } : { schema, table: name };
}

function totalsOf(tables: readonly VerifiedTable[]): {
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
} {
  const sum = (of: (table: VerifiedTable) => number) => tables.reduce((total, table) => total + of(table), 0);
  return { files: sum(({ files }) => files), rows: sum(({ rows }) => rows), bytes: sum(({ bytes }) => bytes) };
}
