import fc from 'fast-check';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { describe, expect, it } from 'vitest';
import { PageBuffer } from '../../../src/parquet/page-buffer.js';
import { appendHybrid, appendRun, bitWidth } from '../../../src/parquet/rle.js';

function decode(bytes: Uint8Array, width: number, count: number): number[] {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  const output = new Array<number>(count).fill(0);
  readRleBitPackedHybrid(reader, width, output, bytes.length);
  return output;
}

/** Values with long runs, short runs and none, as columns have them. */
const indices = fc
  .integer({ min: 1, max: 24 }) // no dictionary comes near 2 ** 24 entries, and the decoder reads no wider ones
  .chain((width) =>
    fc.tuple(
      fc.constant(width),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** width - 1 }), fc.integer({ min: 1, max: 90 })), {
        minLength: 1,
        maxLength: 60,
      }),
    ),
  )
  .map(([width, runs]) => ({
    width,
    values: runs.flatMap(([value, length]) => new Array<number>(length).fill(value)),
  }));

describe('the RLE / bit-packing hybrid', () => {
  it('an independent decoder reads back all runs and widths', () => {
    fc.assert(
      fc.property(indices, ({ width, values }) => {
        const out = new PageBuffer();
        appendHybrid(out, Int32Array.from(values), { count: values.length, width });
        expect(decode(out.content().slice(), width, values.length)).toEqual(values);
      }),
    );
  });

  it('writes one long run in a few bytes', () => {
    const out = new PageBuffer();
    appendHybrid(out, new Int32Array(100_000).fill(5), { count: 100_000, width: 3 });
    expect(out.length).toBeLessThan(8);
    expect(decode(out.content().slice(), 3, 100_000)).toEqual(new Array<number>(100_000).fill(5));
  });

  it('is never larger than bit packing plus a few headers', () => {
    fc.assert(
      fc.property(indices, ({ width, values }) => {
        const out = new PageBuffer();
        appendHybrid(out, Int32Array.from(values), { count: values.length, width });
        expect(out.length).toBeLessThanOrEqual(Math.ceil(values.length / 8) * width + 8);
      }),
    );
  });

  it('writes a single run of a given value', () => {
    const out = new PageBuffer();
    appendRun(out, 300, 77, 9);
    expect(decode(out.content().slice(), 9, 77)).toEqual(new Array<number>(77).fill(300));
  });

  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [255, 8],
    [256, 9],
    [131_071, 17],
  ])('values up to %i have a width of %i', (max, width) => {
    expect(bitWidth(max)).toBe(width);
  });
});
