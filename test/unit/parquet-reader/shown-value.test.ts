import type { SchemaElement } from 'hyparquet';
import { describe, expect, it } from 'vitest';

import { shownValue } from '../../../src/parquet-reader/shown-value.js';
import { compareStored, plainValue, type StoredValue } from '../../../src/parquet-reader/stored-value.js';

const hex = (digits: string) => Buffer.from(digits, 'hex');
const element = (type: SchemaElement['type'], rest: Partial<SchemaElement> = {}): SchemaElement => ({
  name: 'c',
  ...(type && { type }),
  ...rest,
});
const decimal = (type: SchemaElement['type'], scale: number) =>
  element(type, { converted_type: 'DECIMAL', precision: 38, scale });
const timestamp = (unit: 'MILLIS' | 'MICROS' | 'NANOS', utc = false) =>
  element('INT64', { logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: utc, unit } });

describe('a stored value is shown exactly', () => {
  it.each<[string, SchemaElement, StoredValue, unknown]>([
    ['an integer of 32 bits', element('INT32'), -5, -5],
    ['an integer beyond 2^53', element('INT64'), 9_007_199_254_740_993n, '9007199254740993'],
    ['an unsigned integer of 32 bits', element('INT32', { converted_type: 'UINT_32' }), -1, 4_294_967_295],
    ['an unsigned integer of 64 bits', element('INT64', { converted_type: 'UINT_64' }), -1n, '18446744073709551615'],
    ['a decimal in 32 bits', decimal('INT32', 2), -5, '-0.05'],
    ['a decimal in 64 bits', decimal('INT64', 4), 123_456_789_012_345_678n, '12345678901234.5678'],
    ['a decimal in bytes', decimal('FIXED_LEN_BYTE_ARRAY', 3), hex('ff85ee'), '-31.250'],
    ['a whole decimal', decimal('INT32', 0), 7, '7'],
    ['a date', element('INT32', { converted_type: 'DATE' }), -1, '1969-12-31'],
    ['a date after the year 9999', element('INT32', { converted_type: 'DATE' }), 2_932_897, '+010000-01-01'],
    ['a date that no calendar has', element('INT32', { converted_type: 'DATE' }), 2_147_483_647, 'day 2147483647'],
    ['a time', element('INT64', { converted_type: 'TIME_MICROS' }), 86_399_999_999n, '23:59:59.999999Z'],
    ['a timestamp before 1970', timestamp('MICROS'), -1n, '1969-12-31T23:59:59.999999'],
    ['a timestamp in UTC', timestamp('NANOS', true), 1n, '1970-01-01T00:00:00.000000001Z'],
    ['a timestamp of whole seconds', timestamp('MILLIS'), 1000n, '1970-01-01T00:00:01'],
    ['INT96', element('INT96'), 1_000_000_000n, '1970-01-01T00:00:01'],
    ['a text', element('BYTE_ARRAY', { converted_type: 'UTF8' }), Buffer.from('ä'), 'ä'],
    ['a text that is no UTF-8', element('BYTE_ARRAY', { converted_type: 'UTF8' }), hex('c3'), '0xc3'],
    ['bytes', element('BYTE_ARRAY'), hex('00ff'), '0x00ff'],
    [
      'a UUID',
      element('FIXED_LEN_BYTE_ARRAY', { type_length: 16, logical_type: { type: 'UUID' } }),
      hex('00112233445566778899aabbccddeeff'),
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    ['a double', element('DOUBLE'), 0.1, 0.1],
    ['a float, by its own digits', element('FLOAT'), Math.fround(0.1), 0.1],
    ['NaN', element('DOUBLE'), NaN, 'NaN'],
    ['an infinity', element('FLOAT'), -Infinity, '-Infinity'],
    ['half a float', element('FIXED_LEN_BYTE_ARRAY', { logical_type: { type: 'FLOAT16' } }), hex('003e'), 1.5],
    [
      'an interval',
      element('FIXED_LEN_BYTE_ARRAY', { converted_type: 'INTERVAL' }),
      hex('010000000200000003000000'),
      '1 months 2 days 3 ms',
    ],
  ])('%s', (_, column, value, shown) => {
    expect(shownValue(column, value)).toEqual(shown);
  });
});

describe('a bound of the statistics', () => {
  it('of another length than the type has is none', () => {
    expect(plainValue(element('INT64'), hex('00'))).toBeUndefined();
    expect(plainValue(element('FIXED_LEN_BYTE_ARRAY', { type_length: 2 }), hex('00'))).toBeUndefined();
    expect(plainValue(element('BOOLEAN'), hex(''))).toBeUndefined();
  });

  it.each<[string, SchemaElement, StoredValue, StoredValue]>([
    ['decimals by value', decimal('FIXED_LEN_BYTE_ARRAY', 0), hex('ffff'), hex('0001')],
    ['unsigned numbers by value', element('INT32', { converted_type: 'UINT_32' }), 1, -1],
    ['signed numbers by value', element('INT64'), -1n, 1n],
    ['bytes from the left, unsigned', element('BYTE_ARRAY'), hex('7f'), hex('80')],
  ])('is compared as its column: %s', (_, column, less, more) => {
    expect(compareStored(column, less, more)).toBeLessThan(0);
    expect(compareStored(column, more, less)).toBeGreaterThan(0);
    expect(compareStored(column, less, less)).toBe(0);
  });
});
