import type { RunPlan, TablePlan } from '../../export/model/plan.js';
import { parquetTypeName } from '../../columns/type-name.js';
import { LakeportError } from '../../errors.js';
import { TablePattern } from '../../export/planning/like-pattern.js';
import { suggestedTable } from '../../export/planning/near-names.js';
import { type TableId, tableName } from '../../model/table.js';
import { printable } from '../../text/printable.js';
import { byteSize, count, counted } from '../../text/quantities.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';

/** Which tables of a plan are shown to people: a database of thousands does not fit a terminal. */

/** Up to this number, all tables are listed. */
const MOST_LISTED = 60;
/** Beyond it, only this many of the largest. */
const LARGEST_LISTED = 20;
/** Of anything else that there may be for each table. */
const MOST_LINES = 10;
/** Slices of a table that is asked for by its name. */
const MOST_SLICES = 50;

/** What `lakeport plan` is asked for. */
export interface PlanDetail {
  /** `--tables`: every table in a line. */
  readonly allTables: boolean;
  /** LIKE patterns of the tables to show in full, and no others, unless they are too many; empty for an overview. */
  readonly tables: readonly string[];
}

export const OVERVIEW: PlanDetail = { allTables: false, tables: [] };

export interface PlanListing {
  /** Largest first. */
  readonly tables: readonly TablePlan[];
  /** Planned, and neither listed nor asked for. */
  readonly rest: readonly TablePlan[];
  /** Whether the columns of each table are shown, or only those that are not exact. */
  readonly allColumns: boolean;
  /** Whether the tables were asked for by name, so that their slices are shown. */
  readonly isNamed: boolean;
  /** How many lines of a kind are shown; the others are counted. */
  readonly mostLines: number;
}

/** @throws LakeportError if a pattern matches no table of the plan */
export function listingOf(
  { tables, problems, skipped }: RunPlan,
  { allTables, tables: named }: PlanDetail,
): PlanListing {
  if (named.length > 0) {
    const patterns = named.map((text) => new TablePattern(text, 'lakeport plan'));
    const failed = [...problems, ...skipped];
    const idle = patterns.find((pattern) => ![...tables, ...failed].some(({ id }) => pattern.matches(id)));
    if (idle !== undefined) throw notPlanned(idle.text, tables);
    const chosen = tables.filter(({ id }) => patterns.some((pattern) => pattern.matches(id)));
    if (chosen.length <= MOST_LISTED || allTables) {
      return { tables: chosen, rest: [], allColumns: true, isNamed: true, mostLines: Infinity };
    }
    return { ...largest(chosen), isNamed: true };
  }
  const fits = tables.length <= MOST_LISTED;
  if (fits || allTables)
    return { tables, rest: [], allColumns: fits, isNamed: false, mostLines: allTables ? Infinity : MOST_LISTED };
  return { ...largest(tables), isNamed: false };
}

function largest(tables: readonly TablePlan[]): Omit<PlanListing, 'isNamed'> {
  return {
    tables: tables.slice(0, LARGEST_LISTED),
    rest: tables.slice(LARGEST_LISTED),
    allColumns: false,
    mostLines: MOST_LINES,
  };
}

function notPlanned(pattern: string, tables: readonly { readonly id: TableId }[]): LakeportError {
  return new LakeportError({
    code: 'NO_TABLE_MATCHES',
    message: `No table of the plan matches ${JSON.stringify(pattern)}${suggestedTable(pattern, tables)}`,
    hint: 'lakeport plan --tables lists all tables; --include and --exclude choose which are exported.',
    context: { detail: pattern },
  });
}

/** The row of the tables that are not listed; `files` counts a table's. */
export function restRow(rest: readonly TablePlan[], files: (table: TablePlan) => number): string[][] {
  if (rest.length === 0) return [];
  const sum = (amount: (table: TablePlan) => number) => rest.reduce((total, table) => total + amount(table), 0);
  const rows = sum(({ estimatedRows }) => estimatedRows ?? 0);
  const bytes = sum(({ estimatedBytes }) => estimatedBytes ?? 0);
  return [
    [`… ${counted(rest.length, 'more table')}`, `~${count(rows)}`, byteSize(bytes), '', '', count(sum(files)), ''],
  ];
}

/** The first lines of many, and how many more there are. */
export function firstLines(lines: readonly string[], most: number): readonly string[] {
  const rest = lines.length - most;
  return rest <= 0 ? lines : [...lines.slice(0, most), `  … ${count(rest)} more; --json has all`];
}

const INEXACT_COLUMNS: readonly TextColumn[] = [
  { title: 'COLUMN THAT IS NOT EXACT' },
  { title: 'SOURCE TYPE' },
  { title: 'PARQUET TYPE' },
  { title: 'FIDELITY' },
];

/** Columns that are not exact, lossy ones first. */
export function inexactLines(tables: readonly TablePlan[], most: number): readonly string[] {
  const inexact = tables.flatMap(({ id, columns }) =>
    columns.flatMap(({ spec }) => (spec.fidelity === 'exact' ? [] : [{ id, spec }])),
  );
  if (inexact.length === 0) return [];
  const lossyFirst = inexact.toSorted(
    (a, b) => Number(b.spec.fidelity === 'lossy') - Number(a.spec.fidelity === 'lossy'),
  );
  const rest = inexact.length - most;
  const { title, rows } = tableLines({
    columns: INEXACT_COLUMNS,
    rows: lossyFirst
      .slice(0, most)
      .map(({ id, spec }) => [
        `${printable(tableName(id))}.${printable(spec.name)}`,
        printable(spec.sourceType),
        parquetTypeName(spec),
        spec.fidelity,
      ]),
  });
  return ['', title, ...rows, ...(rest > 0 ? [`… ${counted(rest, 'more column')}`] : [])];
}

const SLICE_COLUMNS: readonly TextColumn[] = [
  { title: 'SLICE', align: 'right' },
  { title: 'METHOD' },
  { title: 'ROWS', align: 'right' },
  { title: 'BOUNDS' },
];

/** The slices of a table that is read in several. */
export function sliceLines({ id, slices }: TablePlan): string[] {
  if (slices.length < 2) return [];
  const { title, rows } = tableLines({
    columns: SLICE_COLUMNS,
    rows: slices
      .slice(0, MOST_SLICES)
      .map(({ index, method, estimatedRows, bounds }) => [
        count(index),
        method,
        estimatedRows === undefined ? '?' : `~${count(estimatedRows)}`,
        printable(bounds),
      ]),
  });
  const rest = slices.length - MOST_SLICES;
  const more = rest > 0 ? [`  … ${counted(rest, 'more slice')}`] : [];
  return ['', `${printable(tableName(id))}: slices`, `  ${title}`, ...rows.map((row) => `  ${row}`), ...more];
}
