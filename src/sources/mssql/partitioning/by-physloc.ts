import { LakeportError } from '../../../errors.js';
import { type TableId, tableName } from '../../../model/table.js';
import { equalShare, type Share, wholeTable } from '../../partitioning/predicate.js';
import type { RangeOptions } from '../../partitioning/ranges.js';

/**
 * `Physloc`: by physical row location. A location is eight bytes; the first four are the page number, least significant
 * byte first, so equal ranges of the first two bytes cover equal shares of any table's pages.
 */
export function byLocation({ count, estimatedRows }: RangeOptions): Share[] {
  if (count === 1) return [wholeTable(estimatedRows)];
  const bound = (i: number): string | undefined => {
    if (i === 0 || i === count) return undefined;
    const prefix = Math.floor((i * 0x10000) / count);
    return `0x${prefix.toString(16).padStart(4, '0').toUpperCase()}000000000000`;
  };
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [bound(i), bound(i + 1)];
    const conditions = [from && `%%physloc%% >= ${from}`, to && `%%physloc%% < ${to}`];
    const given = conditions.filter((condition) => condition !== undefined);
    return {
      method: 'Physloc',
      bounds: given.join(' and ').replaceAll('%%', ''),
      where: given.join(' AND '),
      estimatedRows: equalShare(estimatedRows, count),
    };
  });
}

/** For a table whose rows have no physical location, or whose server does not report one. */
export function noLocations(table: TableId): LakeportError {
  return new LakeportError({
    code: 'METHOD_NOT_SUPPORTED',
    message: `${tableName(table)} cannot be split by the method Physloc: its rows have no physical location`,
    hint: 'Rows of views, columnstores and memory-optimized tables have none; use RangeId, Ntile or Random with a key',
    context: { detail: 'Physloc' },
  });
}
