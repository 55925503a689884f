import type { PartitionMethod } from '../source.js';
import { fromClause } from '../row-set.js';
import { type SliceKey, requireKey } from './key.js';
import { extremeOf, type KeyScale } from './key-type.js';
import { compare, type Share, wholeTable } from './predicate.js';
import { type Cut, estimatedShare, evenCut, fittingCut } from './slice-size.js';
import type { KeyedTable, SqlDialect } from './sql-dialect.js';

export interface RangeOptions {
  /** Requested number of ranges; there may be fewer if there are few values. */
  readonly count: number;
  /** With them, the last ranges are narrower, so that none of these works alone for long; otherwise all are equal. */
  readonly readers?: number | undefined;
  readonly estimatedRows: number | undefined;
}

/** `RangeId`: ranges of equal width between the smallest and the largest key. */
export async function rangesByWidth(
  table: KeyedTable,
  key: SliceKey,
  { count, readers, estimatedRows }: RangeOptions,
): Promise<Share[]> {
  const { type, sql } = key;
  const { dialect } = table;
  const { scale } = type;
  requireKey(key, 'RangeId', scale !== undefined, 'a number, a date or a time');
  const extreme = (which: 'MIN' | 'MAX') => type.value(extremeOf(type, which, sql));
  const finite = fromClause(table.rows, type.isFinite?.(sql));
  const [row] = await table.query(`SELECT ${extreme('MIN')}, ${extreme('MAX')} ${finite}`);
  const [least, greatest] = [type.textOf(row?.[0]), type.textOf(row?.[1])];
  // The table has no rows, or only NULL and infinite keys.
  if (scale === undefined || least === undefined || greatest === undefined) return [wholeTable(estimatedRows)];
  // Check that they match the type's form before computing with them.
  [least, greatest].forEach(type.literal);
  if (scale === 'float') {
    const bounds = floatBounds(Number(least), Number(greatest), count);
    return ranges({ method: 'RangeId', key, dialect, bounds, estimatedRows });
  }
  const { bounds, cut } = wholeRanges(scale, least, greatest, { count, readers });
  return ranges({ method: 'RangeId', key, dialect, bounds, cut, estimatedRows });
}

/** `Ntile`: ranges with equal row counts. */
export async function rangesByCount(
  table: KeyedTable,
  key: SliceKey,
  { count, estimatedRows }: RangeOptions,
): Promise<Share[]> {
  const { type, sql } = key;
  const { dialect } = table;
  requireKey(key, 'Ntile', type.isOrdered, 'a key whose values have an order');
  const rows = await table.query(`
    SELECT ${type.value('slice_tiles.k')}, ${dialect.toNumber('slice_tiles.n')} FROM (
      SELECT slice_keys.tile AS tile, ${extremeOf(type, 'MIN', 'slice_keys.k')} AS k, ${dialect.count} AS n FROM (
        SELECT ${sql} AS k, ${dialect.tile(sql, count)} AS tile ${fromClause(table.rows)}
      ) AS slice_keys GROUP BY slice_keys.tile
    ) AS slice_tiles ORDER BY slice_tiles.tile`);
  // A tile may consist of NULLs.
  const starts = rows.flatMap(([start]) => type.textOf(start) ?? []);
  const tableRows = rows.reduce((sum, [, tileRows]) => sum + Number(tileRows), 0);
  const bounds = [...new Set(starts)].slice(1);
  return ranges({ method: 'Ntile', key, dialect, bounds, estimatedRows }).map((share) => ({ ...share, tableRows }));
}

/** Boundaries between ranges as text: strictly increasing, all above the smallest key. */
export function wholeRanges(
  scale: KeyScale,
  least: string,
  greatest: string,
  { count, readers }: Pick<RangeOptions, 'count' | 'readers'>,
): { readonly bounds: string[]; readonly cut: Cut } {
  const from = scale.toPosition(least);
  const width = scale.toPosition(greatest) - from + 1n;
  const parts = BigInt(count) < width ? count : Number(width);
  const cut = readers === undefined ? evenCut(parts) : fittingCut(parts, readers, width);
  const bounds = cut.starts.slice(1).map((start) => scale.toText(from + (width * BigInt(start)) / BigInt(cut.units)));
  return { bounds, cut };
}

/** Like `wholeRanges`, without overflow near the limits of a double. */
export function floatBounds(least: number, greatest: number, count: number): string[] {
  const bounds: number[] = [];
  for (let i = 1; i < count; i++) {
    const bound = least * (1 - i / count) + greatest * (i / count);
    if (bound > (bounds.at(-1) ?? least) && bound <= greatest) bounds.push(bound);
  }
  return bounds.map(String);
}

interface Ranges {
  readonly method: PartitionMethod;
  readonly key: SliceKey;
  readonly dialect: SqlDialect;
  readonly bounds: readonly string[];
  /** Undefined for ranges of equal estimates. */
  readonly cut?: Cut;
  readonly estimatedRows: number | undefined;
}

/** The first range has no lower bound and includes NULLs; the last has no upper bound. */
function ranges({ method, key, dialect, bounds, cut = evenCut(bounds.length + 1), estimatedRows }: Ranges): Share[] {
  if (bounds.length === 0) return [wholeTable(estimatedRows)];
  const { sql, name, type, nullable } = key;
  return [undefined, ...bounds].map((from, i) => {
    const to = bounds[i];
    const above = from === undefined ? undefined : compare(dialect, sql, '>=', type.literal(from));
    const below = to === undefined ? undefined : compare(dialect, sql, '<', type.literal(to));
    const within = [above, below].filter((condition) => condition !== undefined).join(' AND ');
    const takesNulls = from === undefined && nullable;
    return {
      method,
      bounds:
        from === undefined
          ? `${name} < ${to ?? ''}${nullable ? ' or NULL' : ''}`
          : to === undefined
            ? `${name} >= ${from}`
            : `${name} in [${from}, ${to})`,
      where: takesNulls ? `(${within} OR ${sql} IS NULL)` : within,
      estimatedRows: estimatedShare(estimatedRows, cut, i),
    };
  });
}
