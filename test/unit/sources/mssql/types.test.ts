import { expect, test } from 'vitest';
import type { TextStyles } from '../../../../src/sources/mssql/connection/server.js';
import { mapType } from '../../../../src/sources/mssql/columns/types.js';

const ALL_STYLES: TextStyles = { allDigits: true, hexadecimal: true };
const map = (
  name: string,
  options: {
    precision?: number;
    scale?: number;
    unit?: 'us' | 'ns';
    isAssembly?: boolean;
    styles?: TextStyles;
    compat?: 'spark';
  } = {},
) => {
  const { precision = 0, scale = 0, unit = 'us', isAssembly = false, styles = ALL_STYLES, compat } = options;
  return mapType({ name, precision, scale, isAssembly }, { timestampUnit: unit, styles, compat });
};

test.each([
  [1, 'INT32', undefined],
  [9, 'INT32', undefined],
  [10, 'INT64', undefined],
  [18, 'INT64', undefined],
  [19, 'FIXED_LEN_BYTE_ARRAY', 9],
  [28, 'FIXED_LEN_BYTE_ARRAY', 12],
  [38, 'FIXED_LEN_BYTE_ARRAY', 16],
])('decimal(%i) is %s of the fewest bytes', (precision, physical, length) => {
  expect(map('decimal', { precision, scale: 1 }).type).toEqual({
    physical,
    ...(length !== undefined && { length }),
    logical: { kind: 'decimal', precision, scale: 1 },
  });
});

test('the seventh digit of times is lost in microseconds, and kept in nanoseconds', () => {
  for (const name of ['time', 'datetime2']) {
    expect(map(name, { scale: 6 })).toMatchObject({ fidelity: 'exact', decoder: { unit: 'MICROS' } });
    expect(map(name, { scale: 7 })).toMatchObject({ fidelity: 'lossy', decoder: { unit: 'MICROS' } });
    expect(map(name, { scale: 7, unit: 'ns' })).toMatchObject({ fidelity: 'exact', decoder: { unit: 'NANOS' } });
    // What has no such digit keeps all its years.
    expect(map(name, { scale: 6, unit: 'ns' })).toMatchObject({ decoder: { unit: 'MICROS' } });
  }
});

test('an offset is given up, the instant kept', () => {
  const { type, fidelity } = map('datetimeoffset', { scale: 3 });
  expect(fidelity).toBe('lossy');
  expect(type.logical).toEqual({ kind: 'timestamp', unit: 'MICROS', utc: true });
});

test('only years outside 1677 to 2262 make a time unrepresentable', () => {
  expect(map('datetime2', { scale: 7 }).partial).toBe(false);
  expect(map('datetime2', { scale: 7, unit: 'ns' }).partial).toBe(true);
  expect(map('time', { scale: 7, unit: 'ns' }).partial).toBe(false);
});

test('a type that nobody has heard of is read as text', () => {
  expect(map('vector')).toMatchObject({ fidelity: 'text', decoder: { kind: 'nvarchar' } });
  expect(map('vector').expression('[v]')).toBe('CONVERT(nvarchar(max), [v])');
  expect(map('money2', { isAssembly: true }).expression('[v]')).toBe('CONVERT(varbinary(max), [v])');
});

test('a variant is text where the server has styles for all of it, and lossy where it has not', () => {
  const all = map('sql_variant');
  expect(all.expression('[v]')).toContain('CONVERT(nvarchar(max), CONVERT(float, [v]), 3)');
  expect(all.fidelity).toBe('text');
  const few = map('sql_variant', { styles: { allDigits: false, hexadecimal: true } });
  expect(few.expression('[v]')).toContain('CONVERT(nvarchar(max), CONVERT(float, [v]), 2)');
  expect(few.fidelity).toBe('lossy');
  expect(map('sql_variant', { styles: { allDigits: true, hexadecimal: false } }).fidelity).toBe('lossy');
});

test('money in a variant has all of its digits without a style', () => {
  expect(map('sql_variant').expression('[v]')).toContain('CONVERT(decimal(19,4), CONVERT(money, [v]))');
});

test('for Spark, times and uniqueidentifiers are text with all their digits, and no integer is unsigned', () => {
  const text = { physical: 'BYTE_ARRAY', logical: { kind: 'string' } };
  const compat = 'spark';
  expect(map('time', { scale: 7, compat })).toMatchObject({ type: text, fidelity: 'text', decoder: { scale: 7 } });
  expect(map('uniqueidentifier', { compat })).toMatchObject({ type: text, fidelity: 'text', partial: false });
  expect(map('tinyint', { compat }).type).toEqual({
    physical: 'INT32',
    logical: { kind: 'integer', bitWidth: 16, signed: true },
  });
  for (const name of ['datetime2', 'datetimeoffset', 'money', 'nvarchar']) {
    expect(map(name, { scale: 7, compat }).type).toEqual(map(name, { scale: 7 }).type);
  }
});
