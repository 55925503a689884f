import { LakeportError } from '../../errors.js';
import { tableName } from '../../model/table.js';
import { byKey } from '../partitioning/by-key.js';
import { notPartitioned } from '../partitioning/declared-partitions.js';
import { DB_PARTITION, isKeyMethod, methodNotSupported, physicalAs } from '../partitioning/methods.js';
import { type Share, slicesOf, wholeTable } from '../partitioning/predicate.js';
import { estimatedShare, fittingCut, sliceCount } from '../partitioning/slice-size.js';
import type { ReadColumn, Slice, SliceOptions } from '../source.js';
import { maskedKey } from '../partitioning/masked-key.js';
import { type CatalogTable, listColumns } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { ordered, sliceOrder, withSorting } from '../slice-order.js';
import { sqliteOrder } from './order.js';
import { quoteTable } from './identifiers.js';
import { keyedTable } from './key-types.js';
import { SQLITE_METHODS } from './methods.js';
import { SQLITE_SQL, sqliteRows } from './rows.js';
import type { PageRange } from './pages/page-scanner.js';

/** The table's slices, which together cover every row exactly once. */
export async function sliceTable(
  connection: SqliteConnection,
  table: CatalogTable,
  columns: readonly ReadColumn[],
  { degree: readers, largeTableThreshold, override, sortBy }: SliceOptions,
): Promise<Slice[]> {
  const { dataset, estimatedRows } = table;
  const degree = override?.degree ?? readers;
  const { key } = override ?? {};
  const method = physicalAs(override?.method, 'Rowid');
  const order = sliceOrder(sqliteOrder(connection), columns, sortBy);
  const rows = ordered(sqliteRows(dataset), order);
  const cut = (shares: readonly Share[]) =>
    withSorting(slicesOf({ rows, columns, dialect: SQLITE_SQL }, shares), order);
  const whole = cut([wholeTable(estimatedRows)]);
  // Rows of a sample are drawn anew by each query.
  if (method === 'None' || dataset.sample !== undefined) return whole;
  if (method === 'Rowid' && table.rowid === undefined) throw noRowids(table);
  if (method === DB_PARTITION.name) throw notPartitioned(table.id, 'SQLite has no declared partitions');
  if (method !== undefined && method !== 'Rowid' && !isKeyMethod(method))
    throw methodNotSupported({ product: 'SQLite', method, methods: SQLITE_METHODS });
  const count = sliceCount(table, degree);
  if (method !== 'Rowid' && (method !== undefined || key !== undefined))
    return cut(await byKey(keyedTable(connection, table, columns), { method, key, degree, count, estimatedRows }));
  const isLarge = estimatedRows !== undefined && estimatedRows >= largeTableThreshold;
  const isWanted = isLarge || override?.degree !== undefined || method === 'Rowid';
  if (degree === 1 || !isWanted || table.rowid === undefined) return whole;
  // Bounds would show the values of a masked column that is the rowid.
  const alias = listColumns(connection, table).find(({ isRowid }) => isRowid)?.name;
  const isMasked = columns.some(({ spec }) => spec.name === alias && spec.mask !== undefined);
  if (isMasked && method === 'Rowid') throw maskedKey(table.id, { key: 'rowid', column: alias ?? '' });
  if (isMasked) return whole;
  return cut(byRowid(connection, table, table.rowid, { count: Math.max(count, degree), readers: degree }));
}

/** Ranges between the smallest and the largest rowid, the last narrower; the first and the last are unbounded. */
function byRowid(
  connection: SqliteConnection,
  { id, estimatedRows }: CatalogTable,
  rowid: string,
  { count, readers }: { readonly count: number; readonly readers: number },
): Share[] {
  const from = quoteTable(id);
  const [row] = connection.queryExactly(
    `SELECT (SELECT min(${rowid}) FROM ${from}), (SELECT max(${rowid}) FROM ${from})`,
  );
  const [least, greatest] = row ?? [];
  if (typeof least !== 'bigint' || typeof greatest !== 'bigint') return [wholeTable(0)];
  const width = greatest - least + 1n;
  const parts = BigInt(count) < width ? count : Number(width);
  if (parts < 2 || !isExact(least) || !isExact(greatest)) return [wholeTable(estimatedRows)];
  const cut = fittingCut(parts, readers, width);
  const bounds = cut.starts.slice(1).map((start) => least + (width * BigInt(start)) / BigInt(cut.units));
  return [undefined, ...bounds].map((start, i) => {
    const end = bounds[i];
    const conditions = [
      start === undefined ? undefined : `${rowid} >= ${start}`,
      end === undefined ? undefined : `${rowid} < ${end}`,
    ].filter((condition) => condition !== undefined);
    return {
      method: 'Rowid',
      bounds:
        start !== undefined && end !== undefined
          ? `rowid in [${start}, ${end})`
          : start === undefined
            ? `rowid < ${end ?? ''}`
            : `rowid >= ${start}`,
      where: conditions.join(' AND '),
      estimatedRows: estimatedShare(estimatedRows, cut, i),
    };
  });
}

function isExact(rowid: bigint): boolean {
  return rowid >= BigInt(Number.MIN_SAFE_INTEGER) && rowid <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** The rowid range of a slice made by this engine; undefined if it is sliced by something else. */
export function rangeOf({ method, bounds }: Slice): PageRange | undefined {
  if (method === 'None') return { from: -Infinity, to: Infinity };
  if (method !== 'Rowid') return undefined;
  const [, least, behind] = /^rowid in \[(-?\d+), (-?\d+)\)$/.exec(bounds) ?? [];
  const [, below] = /^rowid < (-?\d+)$/.exec(bounds) ?? [];
  const [, above] = /^rowid >= (-?\d+)$/.exec(bounds) ?? [];
  return { from: Number(least ?? above ?? -Infinity), to: Number(behind ?? below ?? Infinity) };
}

function noRowids({ id }: CatalogTable): LakeportError {
  return new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `${tableName(id)} cannot be split by the method Rowid: its rows have no rowid`,
    hint: 'Views and tables WITHOUT ROWID have none; use RangeId, Ntile or Random with a key',
    context: { detail: 'Rowid' },
  });
}
