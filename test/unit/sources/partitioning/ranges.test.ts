import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyTypeOf } from '../../../../src/sources/mssql/partitioning/key-type.js';
import type { WireType } from '../../../../src/sources/mssql/tds/wire-type.js';
import { directoryValues, endOf, type Period, startOf } from '../../../../src/sources/partitioning/periods.js';
import type { KeyScale } from '../../../../src/sources/partitioning/key-type.js';
import { floatBounds, wholeRanges } from '../../../../src/sources/partitioning/ranges.js';

const wire = (name: string, rest: Partial<WireType> = {}): WireType => ({
  name,
  dataLength: undefined,
  precision: undefined,
  scale: undefined,
  codepage: undefined,
  ...rest,
});
const scaleOf = (type: WireType) => keyTypeOf(type)?.scale as KeyScale;
const boundsOf = (scale: KeyScale, least: string, greatest: string, count: number) =>
  wholeRanges(scale, least, greatest, { count }).bounds;

describe('bounds between the least and the greatest key', () => {
  test.each([
    ['TinyInt', '0', '255'],
    ['SmallInt', '-32768', '32767'],
    ['Int', '-2147483648', '2147483647'],
    ['BigInt', '-9223372036854775808', '9223372036854775807'],
  ])('of %s grow strictly and stay within the type at its limits', (name, least, greatest) => {
    for (const count of [1, 2, 3, 7, 100]) {
      const bounds = boundsOf(scaleOf(wire(name)), least, greatest, count).map(BigInt);
      expect(bounds).toHaveLength(count - 1);
      expect(bounds.every((bound, i) => bound > (bounds[i - 1] ?? BigInt(least)) && bound <= BigInt(greatest))).toBe(
        true,
      );
    }
  });

  test('are closer at the end for several readers, as far as there are values', () => {
    const scale = scaleOf(wire('Int'));
    const { bounds } = wholeRanges(scale, '0', '1399', { count: 8, readers: 2 });
    expect(bounds).toEqual(['200', '400', '600', '800', '1000', '1200', '1300']);
    for (const [greatest, readers, count] of [
      ['0', 2, 8],
      ['9', 2, 8],
      ['13', 2, 8],
      ['100', 7, 16],
    ] as const) {
      const { bounds: few, cut } = wholeRanges(scale, '-3', greatest, { count, readers });
      expect(few.every((bound, i) => Number(bound) > Number(few[i - 1] ?? -3))).toBe(true);
      expect(cut.starts).toHaveLength(few.length + 1);
    }
  });

  test('of decimals keep their digits', () => {
    const scale = scaleOf(wire('DecimalN', { precision: 38, scale: 10 }));
    const most = `${'9'.repeat(28)}.${'9'.repeat(10)}`;
    expect(boundsOf(scale, `-${most}`, most, 2)).toEqual(['0.0000000000']);
    expect(boundsOf(scale, '-0.0000000003', '0.0000000003', 10)).toHaveLength(6);
  });

  test('are no more than there are values', () => {
    expect(boundsOf(scaleOf(wire('Int')), '5', '5', 8)).toEqual([]);
    expect(boundsOf(scaleOf(wire('Int')), '5', '7', 8)).toEqual(['6', '7']);
  });

  test('of times are whole seconds, of small ones whole minutes', () => {
    expect(
      boundsOf(scaleOf(wire('DateTime2', { scale: 7 })), '0001-01-01T00:00:00', '9999-12-31T23:59:59.9999999', 2),
    ).toEqual(['5000-07-02T12:00:00']);
    const small = boundsOf(scaleOf(wire('SmallDateTime')), '2024-01-01T00:00:00', '2024-01-01T00:02:00', 9);
    expect(small).toEqual(['2024-01-01T00:01:00', '2024-01-01T00:02:00']);
  });

  test('of floats grow strictly without overflow', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(double, double, fc.integer({ min: 1, max: 50 }), (a, b, count) => {
        const [least, greatest] = [Math.min(a, b), Math.max(a, b)];
        const bounds = floatBounds(least, greatest, count).map(Number);
        expect(bounds.every((bound, i) => bound > (bounds[i - 1] ?? least) && bound <= greatest)).toBe(true);
      }),
    );
    expect(floatBounds(-Number.MAX_VALUE, Number.MAX_VALUE, 2)).toEqual(['0']);
  });
});

describe('periods', () => {
  const day = fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10));

  test.each<Period>(['year', 'month', 'day', 'week'])(
    'of a %s follow upon each other, and each day is in its own',
    (period) => {
      fc.assert(
        fc.property(day, (one) => {
          const start = startOf(one, period);
          const end = endOf(start, period);
          expect(start <= one && (end === undefined || one < end)).toBe(true);
          expect(startOf(start, period)).toBe(start);
          if (end !== undefined) expect(startOf(end, period)).toBe(end);
        }),
      );
    },
  );

  test.each([
    ['2024-12-30', ['2025', '01']],
    ['2023-01-02', ['2023', '01']],
    ['2020-12-28', ['2020', '53']],
    ['2021-01-04', ['2021', '01']],
    ['0001-01-01', ['0001', '01']],
  ])('the week of Monday %s is %o', (monday, values) => {
    expect(directoryValues(monday, 'week')).toEqual(values);
  });

  test('end with the last day of their type', () => {
    expect(endOf('9999-01-01', 'year')).toBeUndefined();
    expect(endOf('2079-06-01', 'month', '2079-06-06')).toBeUndefined();
    expect(endOf('2079-05-01', 'month', '2079-06-06')).toBe('2079-06-01');
  });
});
