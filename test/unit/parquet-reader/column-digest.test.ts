import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { crc32 } from '../../../src/parquet-reader/crc32.js';
import { hashPrefix, prefix } from '../../../src/columns/sha256-prefix.js';
import { decimalText, DigestSums } from '../../../src/columns/value-digest.js';
import { mergeDigests } from '../../../src/parquet-reader/column-digest.js';

const byNode = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest().readBigUInt64BE();

describe('the first 64 bits of SHA-256', () => {
  it.each([0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 100_001])(
    'of %i bytes are those that Node computes',
    (length) => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
      hashPrefix(bytes, length);
      expect((BigInt(prefix.high) << 32n) | BigInt(prefix.low)).toBe(byNode(bytes));
    },
  );
});

it('the CRC of the usual example is the usual one', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
});

describe('a digest', () => {
  it('does not depend on the order, nor on how often a value is given at once', () => {
    const shape = { form: 'integer', isUnsigned: false } as const;
    const values = [5n, -7n, 5n, 2n ** 62n, 2n ** 62n, 2n ** 62n, 0n];
    const one = new DigestSums(shape);
    one.addAll(values);
    const other = new DigestSums(shape);
    other.add(2n ** 62n, 3);
    other.add(0n, 1);
    other.add(-7n, 1);
    other.add(5n, 2);
    expect(other.hash).toBe(one.hash);
    expect([one.sum, other.sum]).toEqual([3n + 3n * 2n ** 62n, 3n + 3n * 2n ** 62n]);
    expect(one.hash).toBe(
      BigInt.asUintN(
        64,
        values.reduce((sum, value) => sum + byNode(String(value)), 0n),
      ),
    );
  });

  it('of millions of values is exact', () => {
    const sums = new DigestSums({ form: 'integer', isUnsigned: false });
    sums.addAll(new Int32Array(2000).fill(2 ** 31 - 1));
    sums.add(7, 1_048_000);
    sums.add(7, 3_952_000);
    expect(sums.sum).toBe(2000n * (2n ** 31n - 1n) + 35_000_000n);
    expect(sums.hash).toBe(BigInt.asUintN(64, 2000n * byNode('2147483647') + 5_000_000n * byNode('7')));
  });

  it.each([
    [0n, 2, '0.00'],
    [-5n, 2, '-0.05'],
    [12345n, 0, '12345'],
    [-12345n, 3, '-12.345'],
  ])('writes the decimal %s of scale %i as %s', (unscaled, scale, text) => {
    expect(decimalText(unscaled, scale)).toBe(text);
  });

  it('tells zero from minus zero, and takes every NaN for the same', () => {
    const hash = (value: number) => {
      const sums = new DigestSums({ form: 'float64' });
      sums.add(value, 1);
      return sums.hash;
    };
    expect(hash(-0)).not.toBe(hash(0));
    const other = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0]!;
    expect(hash(other)).toBe(hash(NaN));
  });

  it('of two parts has the bounds of both', () => {
    const part = { rows: 2, nulls: 1, sum: 1n, hash: 2n ** 64n - 1n };
    const none = { ...part, min: undefined, max: undefined };
    expect(
      mergeDigests({ name: 'v', type: 'INT32' }, { ...part, min: -4, max: 9 }, { ...part, min: 3, max: 10 }),
    ).toEqual({ rows: 4, nulls: 2, sum: 2n, hash: 2n ** 64n - 2n, min: -4, max: 10 });
    expect(mergeDigests({ name: 'v', type: 'INT32' }, none, { ...part, min: 3, max: 3 })).toMatchObject({
      min: 3,
      max: 3,
    });
  });
});
