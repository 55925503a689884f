import { requireKey, type SliceKey } from './key.js';
import type { RangeOptions } from './ranges.js';
import type { SqlDialect } from './sql-dialect.js';
import { compare, equalShare, type Share, wholeTable } from './predicate.js';

/** `Random`: by the key modulo the number of slices. */
export function byRemainder(dialect: SqlDialect, key: SliceKey, { count, estimatedRows }: RangeOptions): Share[] {
  requireKey(key, 'Random', key.type.isInteger, 'an integer');
  if (count === 1) return [wholeTable(estimatedRows)];
  const { sql, name, nullable, type } = key;
  const remainder = (type.remainder ?? dialect.remainder)(sql, count);
  return Array.from({ length: count }, (_, i) => {
    const equals = compare(dialect, remainder, '=', String(i));
    const takesNulls = i === 0 && nullable;
    return {
      method: 'Random',
      bounds: `${name} mod ${count} = ${i}${takesNulls ? ' or NULL' : ''}`,
      where: takesNulls ? `(${equals} OR ${sql} IS NULL)` : equals,
      estimatedRows: equalShare(estimatedRows, count),
    };
  });
}
