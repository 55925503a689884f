import { type Dataset, datasetId } from '../../../model/dataset.js';
import { type TableId, tableName } from '../../../model/table.js';
import type { RowSet } from '../../row-set.js';
import type { SliceOrder } from '../../slice-order.js';
import type { ReadColumn, Slice, SliceOptions } from '../../source.js';
import { type Cut, estimatedShare, evenCut, fittingCut, targetBytes } from '../../partitioning/slice-size.js';
import { postgresRows, selectColumns } from './rows.js';

/** How tables are split into slices, without queries to the server. */

/** A relation that holds rows of the table: the table itself, a leaf partition, or a child. */
export interface Member {
  readonly id: TableId;
  /** Its rows can be selected by page, and the server reads page ranges without a full scan. */
  readonly byPage: boolean;
  readonly pages: number;
  readonly bytes: number;
  readonly rows: number | undefined;
}

/** Whether the table is worth several readers, or has them by configuration. */
export function isLarge(
  estimatedRows: number | undefined,
  { degree, largeTableThreshold, override }: SliceOptions,
): boolean {
  if (override?.method === 'None' || (override?.degree ?? degree) <= 1) return false;
  if (override?.method !== undefined || override?.degree !== undefined) return true;
  return estimatedRows !== undefined && estimatedRows >= largeTableThreshold;
}

/** Four pages: a smaller slice is not worth a query, even where readers are asked for. */
const LEAST_BYTES = 32 * 1024;

/** All rows as one slice. */
export function wholeSlice(rows: RowSet, columns: readonly ReadColumn[], estimatedRows: number | undefined): Slice {
  return { index: 0, method: 'None', bounds: 'all rows', query: selectColumns(rows, columns), estimatedRows };
}

export interface MemberOptions extends Pick<SliceOptions, 'degree' | 'isDegreeAsked' | 'override'> {
  readonly order?: SliceOrder | undefined;
}

/** Slices of the members, in order; together they cover every row of each exactly once. */
export function sliceMembers(
  dataset: Dataset,
  members: readonly Member[],
  columns: readonly ReadColumn[],
  { degree, isDegreeAsked = false, override, order }: MemberOptions,
): Slice[] {
  const readers = override?.degree ?? degree;
  const bytes = sum(members.map((member) => member.bytes));
  const best = targetBytes({ bytes, rows: sum(members.map(({ rows }) => rows ?? 0)) }, readers);
  // A number of readers that was asked for gets at least a slice each; if for all tables, unless it would be tiny.
  const least = override === undefined ? LEAST_BYTES : 1;
  const isAsked = override !== undefined || isDegreeAsked;
  const target = isAsked ? Math.min(best, Math.max(least, bytes / readers)) : best;
  const countsBy = (whole: (slices: number) => number) =>
    members.map((member) => (member.byPage ? Math.max(1, Math.min(member.pages, whole(member.bytes / target))) : 1));
  const rounded = countsBy(Math.round);
  // Rounding down each of several members may leave a reader without a slice.
  const counts = isAsked && sum(rounded) < readers ? countsBy(Math.ceil) : rounded;
  const table = tableName(datasetId(dataset));
  const slices = members.flatMap((member, index) => {
    const count = counts[index] ?? 1;
    const isLast = index === members.length - 1;
    const cut = isLast ? fittingCut(count, readers, member.pages) : evenCut(count);
    const named = tableName(member.id) === table ? '' : `${tableName(member.id)}: `;
    const rows = postgresRows(dataset, { only: true, member: member.id, order });
    return sliceByPage(member, rows, columns, cut).map((slice) => ({
      ...slice,
      bounds: named + slice.bounds,
      ...(slice.range && { range: { ...slice.range, member: named } }),
    }));
  });
  return slices.map((slice, index) => ({ ...slice, index }));
}

/**
 * Page ranges. The first has no lower bound and the last no upper bound, so that pages added after counting are covered.
 * The comparisons are written as the server's planner needs them for a TID range scan (14 and later).
 */
export function sliceByPage(member: Member, rows: RowSet, columns: readonly ReadColumn[], cut: Cut): Slice[] {
  const all = wholeSlice(rows, columns, member.rows);
  const { starts, units } = cut;
  if (starts.length === 1) return [all];
  const page = (index: number) => Math.floor(((starts[index] ?? units) * member.pages) / units);
  return starts.map((_, index) => {
    const from = index === 0 ? undefined : `(${page(index)},0)`;
    const to = index === starts.length - 1 ? undefined : `(${page(index + 1)},0)`;
    const conditions = [
      from && `ctid OPERATOR(pg_catalog.>=) '${from}'::pg_catalog.tid`,
      to && `ctid OPERATOR(pg_catalog.<) '${to}'::pg_catalog.tid`,
    ].filter((condition) => condition !== undefined);
    return {
      ...all,
      method: 'Ctid',
      bounds: from && to ? `ctid in [${from}, ${to})` : from ? `ctid >= ${from}` : `ctid < ${to ?? ''}`,
      query: selectColumns(rows, columns, { condition: conditions.join(' AND ') }),
      estimatedRows: estimatedShare(member.rows, cut, index),
      range: { member: '', from, to },
    };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
