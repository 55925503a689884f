import type { PartitionMethod } from '../source.js';
import { type SliceKey, requireKey } from './key.js';
import type { KeyScale } from './key-type.js';
import { equalShare, type Share, wholeTable } from './predicate.js';
import type { KeyedTable } from './sql-dialect.js';

export interface RangeOptions {
  /** Ranges wanted; fewer come where there are fewer values. */
  readonly count: number;
  readonly estimatedRows: number | undefined;
}

/** `RangeId`: ranges of equal width between the least and the greatest key. */
export async function rangesByWidth(
  table: KeyedTable,
  key: SliceKey,
  { count, estimatedRows }: RangeOptions,
): Promise<Share[]> {
  const { type, sql } = key;
  const { dialect } = table;
  const { scale } = type;
  requireKey(key, 'RangeId', scale !== undefined, 'a number, a date or a time');
  const extreme = (which: string) => type.value(`${which}(${sql})`);
  const [row] = await table.query(`SELECT ${extreme('MIN')}, ${extreme('MAX')} FROM ${dialect.quoteTable(table.id)}`);
  const [least, greatest] = [type.textOf(row?.[0]), type.textOf(row?.[1])];
  // No rows, or no keys.
  if (scale === undefined || least === undefined || greatest === undefined) return [wholeTable(estimatedRows)];
  // Whether they are of the type's form, before they are counted with.
  [least, greatest].forEach(type.literal);
  const bounds =
    scale === 'float'
      ? floatBounds(Number(least), Number(greatest), count)
      : wholeBounds(scale, least, greatest, count);
  return ranges('RangeId', key, bounds, estimatedRows);
}

/** `Ntile`: ranges of equal row count. */
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
      SELECT slice_keys.tile AS tile, MIN(slice_keys.k) AS k, ${dialect.count} AS n FROM (
        SELECT ${sql} AS k, NTILE(${count}) OVER (ORDER BY ${sql}) AS tile FROM ${dialect.quoteTable(table.id)}
      ) AS slice_keys GROUP BY slice_keys.tile
    ) AS slice_tiles ORDER BY slice_tiles.tile`);
  // A tile may hold NULLs alone.
  const starts = rows.flatMap(([start]) => type.textOf(start) ?? []);
  const tableRows = rows.reduce((sum, [, tileRows]) => sum + Number(tileRows), 0);
  return ranges('Ntile', key, [...new Set(starts)].slice(1), estimatedRows).map((share) => ({ ...share, tableRows }));
}

/** The texts of the values between ranges: strictly growing, all above the least key. */
export function wholeBounds(scale: KeyScale, least: string, greatest: string, count: number): string[] {
  const from = scale.toPosition(least);
  const width = scale.toPosition(greatest) - from + 1n;
  const parts = BigInt(count) < width ? BigInt(count) : width;
  return Array.from({ length: Number(parts) - 1 }, (_, i) => scale.toText(from + (width * BigInt(i + 1)) / parts));
}

/** As `wholeBounds`, without overflow between the extremes of a double. */
export function floatBounds(least: number, greatest: number, count: number): string[] {
  const bounds: number[] = [];
  for (let i = 1; i < count; i++) {
    const bound = least * (1 - i / count) + greatest * (i / count);
    if (bound > (bounds.at(-1) ?? least) && bound <= greatest) bounds.push(bound);
  }
  return bounds.map(String);
}

/** The first range is open below and takes the NULLs, the last is open above. */
function ranges(
  method: PartitionMethod,
  key: SliceKey,
  bounds: readonly string[],
  estimatedRows: number | undefined,
): Share[] {
  if (bounds.length === 0) return [wholeTable(estimatedRows)];
  const { sql, name, type, nullable } = key;
  const rows = equalShare(estimatedRows, bounds.length + 1);
  return [undefined, ...bounds].map((from, i) => {
    const to = bounds[i];
    const above = from === undefined ? undefined : `${sql} >= ${type.literal(from)}`;
    const below = to === undefined ? undefined : `${sql} < ${type.literal(to)}`;
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
      estimatedRows: rows,
    };
  });
}
