import { describe, expect, it } from 'vitest';

import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import { compatibleType } from '../../../src/columns/compat.js';
import { appendTexts, writeTime, writeUuid } from '../../../src/columns/written-text.js';

const text = (write: (out: Uint8Array) => number) => {
  const out = new Uint8Array(64);
  return new TextDecoder().decode(out.subarray(0, write(out)));
};

describe('a time as text', () => {
  it.each([
    [0, 6, true, '00:00:00'],
    [1, 6, true, '00:00:00.000001'],
    [45_296_789_000, 6, true, '12:34:56.789'],
    [86_399_999_999, 6, true, '23:59:59.999999'],
    [86_400_000_000, 6, true, '24:00:00'],
    [86_399, 0, false, '23:59:59'],
    [12_345_670_000_000 % 864_000_000_000, 7, false, '06:56:07.0000000'],
    [1, 7, false, '00:00:00.0000001'],
    [863_999_999_999, 7, false, '23:59:59.9999999'],
    [45_296_789, 3, false, '12:34:56.789'],
  ])('of %i units with %i digits (trimmed: %s) is %s', (units, digits, trims, expected) => {
    expect(text((out) => writeTime(units, { digits, trims }, out, 0))).toBe(expected);
  });
});

it('a UUID is written in lower case, in the order of its bytes', () => {
  const source = Uint8Array.from({ length: 18 }, (_, i) => 0xef - i);
  const order = Array.from({ length: 16 }, (_, i) => 15 - i);
  expect(text((out) => writeUuid(source, 2, order, out, 0))).toBe('dedfe0e1-e2e3-e4e5-e6e7-e8e9eaebeced');
});

it('texts are appended with and without a dictionary', () => {
  const [column] = createColumnBuffers(
    [
      {
        name: 'c',
        fieldId: 1,
        nullable: false,
        list: false,
        type: { physical: 'BYTE_ARRAY', logical: { kind: 'string' } },
        sourceType: 'time',
        fidelity: 'text',
      },
    ],
    { rowGroupRows: 100 },
  );
  if (column?.kind !== 'bytes') throw new Error('another buffer');
  const form = {
    longest: 16,
    write: (units: number, out: Uint8Array, at: number) => writeTime(units, { digits: 0, trims: true }, out, at),
  };
  appendTexts(column, form, Int32Array.of(3, 4), 0, 2);
  expect(Buffer.from(column.plain()).toString('latin1')).toBe('\b\0\0\x0000:00:03\b\0\0\x0000:00:04');
  column.startRowGroup();
  expect(column.usesDictionary).toBe(true);
  appendTexts(column, form, Int32Array.of(9, 1, 2, 1), 1, 4);
  expect([column.valueCount, column.dictionary.count]).toEqual([3, 2]);
  expect(Buffer.from(column.dictionary.plain()).toString('latin1')).toContain('00:00:02');
});

describe('a type for Spark', () => {
  it.each([
    [{ physical: 'INT32', logical: { kind: 'integer', bitWidth: 8, signed: false } }, 16],
    [{ physical: 'INT32', logical: { kind: 'integer', bitWidth: 16, signed: false } }, 32],
  ] as const)('%j becomes a signed integer of twice the width', (type, bitWidth) => {
    expect(compatibleType(type, 'spark')).toEqual({ ...type, logical: { kind: 'integer', bitWidth, signed: true } });
    expect(compatibleType(type, undefined)).toBe(type);
  });

  it('a type that Spark supports is unchanged', () => {
    const type = { physical: 'INT64', logical: { kind: 'timestamp', unit: 'MICROS', utc: true } } as const;
    expect(compatibleType(type, 'spark')).toBe(type);
  });
});
