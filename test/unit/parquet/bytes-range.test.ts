import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesRange, decimalRange, fixedRange } from '../../../src/parquet/bytes-range.js';

function plain(values: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeInt32LE(value.length);
      return [length, value];
    }),
  );
}

const bytes = fc.uint8Array({ maxLength: 9, max: 3 }); // a small alphabet makes shared prefixes frequent

describe('the range of byte strings', () => {
  it('matches the result of sorting', () => {
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 40 }), (values) => {
        const sorted = [...values].sort((a, b) => Buffer.compare(a, b));
        const range = bytesRange(plain(values), undefined);
        expect([...range.min]).toEqual([...sorted[0]!]);
        expect([...range.max]).toEqual([...sorted.at(-1)!]);
      }),
    );
  });

  it('ignores unused entries', () => {
    const values = ['m', 'a', 'z', 'n'].map((text) => Buffer.from(text));
    const range = bytesRange(plain(values), Uint8Array.from([1, 0, 0, 1]));
    expect(Buffer.from(range.min).toString()).toBe('m');
    expect(Buffer.from(range.max).toString()).toBe('n');
  });

  it('orders values of fixed width by unsigned bytes', () => {
    const range = fixedRange({ data: Uint8Array.from([0x80, 0, 0x7f, 0xff, 0xff, 1]), width: 2 });
    expect([...range.min]).toEqual([0x7f, 0xff]);
    expect([...range.max]).toEqual([0xff, 1]);
  });

  it('orders decimals by their value, negative ones included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -(2n ** 71n), max: 2n ** 71n - 1n }), { minLength: 1, maxLength: 30 }),
        (values) => {
          const data = Uint8Array.from(
            values.flatMap((value) =>
              Array.from({ length: 9 }, (_, i) => Number((BigInt.asUintN(72, value) >> BigInt(8 * (8 - i))) & 0xffn)),
            ),
          );
          const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
          expect(decimalRange({ data, width: 9 })).toEqual({ min: sorted[0], max: sorted.at(-1) });
        },
      ),
    );
  });
});
