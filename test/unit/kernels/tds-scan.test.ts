import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { BATCH_ROWS } from '../../../src/columns/page-size.js';
import type { Kernels } from '../../../src/kernels/kernels.js';
import { HEAP, integers } from '../../../src/kernels/memory.js';
import { ByteInput } from '../../../src/sources/mssql/tds/byte-input.js';
import { gatherFields } from '../../../src/sources/mssql/tds/chunks.js';
import { RowScanner } from '../../../src/sources/mssql/tds/row-scanner.js';
import { BYTE_LENGTH, CHUNKS, type FieldLayout, SHORT_LENGTH } from '../../../src/sources/mssql/tds/wire-type.js';
import { lay } from '../../harness/decoded-batch.js';
import { KERNEL_BUILDS, kernelsOf, sharedKernels } from '../../harness/kernels.js';

const ROW = 0xd1;
const ROW_WITH_BITMAP = 0xd2;
const DONE = 0xfd;

const layouts = fc.array(
  fc.constantFrom<FieldLayout>(1, 4, 8, BYTE_LENGTH, BYTE_LENGTH, SHORT_LENGTH, SHORT_LENGTH, CHUNKS),
  { minLength: 1, maxLength: 12 },
);

interface Row {
  readonly hasBitmap: boolean;
  /** By column; not all of a value are used. Undefined for NULL. */
  readonly values: readonly (readonly Uint8Array[] | undefined)[];
}

const value = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { maxLength: 3 });
const row: fc.Arbitrary<Row> = fc.record({
  hasBitmap: fc.boolean(),
  values: fc.array(fc.option(value, { nil: undefined, freq: 3 }), { minLength: 12, maxLength: 12 }),
});
const rows = fc.array(row, { minLength: 1, maxLength: 50 });

function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

function fieldOf(layout: FieldLayout, chunks: readonly Uint8Array[] | undefined): Buffer {
  const bytes = Buffer.concat(chunks ?? []);
  if (layout > 0) return Buffer.concat([bytes, Buffer.alloc(layout)]).subarray(0, layout);
  if (layout === BYTE_LENGTH) return Buffer.concat([number(bytes.length, 1), bytes]);
  if (layout === SHORT_LENGTH) return chunks ? Buffer.concat([number(bytes.length, 2), bytes]) : number(0xffff, 2);
  if (chunks === undefined) return Buffer.alloc(8, 0xff);
  return Buffer.concat([
    Buffer.alloc(8),
    ...chunks.flatMap((chunk) => [number(chunk.length, 4), Buffer.from(chunk)]),
    number(0, 4),
  ]);
}

function responseOf(columns: readonly FieldLayout[], all: readonly Row[]): Buffer {
  const tokens = all.map(({ hasBitmap, values }) => {
    const bitmap = Buffer.alloc((columns.length + 7) >>> 3);
    columns.forEach((_, i) => {
      if (values[i] === undefined) bitmap[i >>> 3] = bitmap[i >>> 3]! | (1 << (i & 7));
    });
    return Buffer.concat([
      Buffer.of(hasBitmap ? ROW_WITH_BITMAP : ROW),
      ...(hasBitmap ? [bitmap] : []),
      ...columns.flatMap((layout, i) => (hasBitmap && values[i] === undefined ? [] : [fieldOf(layout, values[i])])),
    ]);
  });
  return Buffer.concat([...tokens, Buffer.of(DONE), Buffer.alloc(12)]);
}

/** Every offset that was found, and how each scan ended, with the bytes coming in pieces. */
async function scanned(
  columns: readonly FieldLayout[],
  bytes: Uint8Array,
  cuts: readonly number[],
  kernels: Kernels | undefined,
) {
  const pieces: Uint8Array[] = [];
  let given = 0;
  for (const cut of [...cuts, bytes.length]) {
    pieces.push(bytes.subarray(given, given + cut));
    given += cut;
  }
  // An async iterable of what is there already.
  // eslint-disable-next-line @typescript-eslint/require-await
  const chunks = (async function* () {
    yield* pieces.filter(({ length }) => length > 0);
  })();
  const input = new ByteInput(chunks, kernels?.fixed);
  const scanner = new RowScanner(columns, kernels);
  const found: number[][] = [];
  const ends: unknown[] = [];
  while (await input.fetch()) {
    input.append();
    const end = scanner.scan(input);
    ends.push([end, input.start]);
    for (let r = 0; r < scanner.rows; r++) {
      found.push(columns.map((_, c) => Math.max(scanner.offsets[c * scanner.stride + r]!, -1)));
    }
    scanner.rows = 0;
    if (end === 'token') break;
  }
  input.release();
  return { found, ends };
}

describe.each(KERNEL_BUILDS)('the scan of TDS rows by a kernel (%s)', (build) => {
  const kernels = kernelsOf(build);
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 });

  it('finds the fields that are there, wherever the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, rows, cuts, async (columns, all, at) => {
        const bytes = responseOf(columns, all);
        const result = await scanned(columns, bytes, at, kernels);
        expect(result).toEqual(await scanned(columns, bytes, at, undefined));
        expect(result.found).toHaveLength(all.length);
        expect(result.ends.at(-1)).toEqual(['token', bytes.length - 13]);
      }),
    );
  });

  it('waits, or ends, as the TypeScript scanner does where bytes are wrong', async () => {
    const damage = fc.tuple(fc.nat(5000), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(
        layouts,
        rows,
        cuts,
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        async (columns, all, at, damages) => {
          const bytes = responseOf(columns, all);
          for (const [where, byte] of damages) bytes[where % bytes.length] = byte;
          expect(await scanned(columns, bytes, at, kernels)).toEqual(await scanned(columns, bytes, at, undefined));
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([0x7fffffff, 0xffffffff, 100])('a chunk of %i bytes that are not there is waited for', async (length) => {
    const bytes = Buffer.concat([Buffer.of(ROW), Buffer.alloc(8), number(length, 4), Buffer.alloc(20)]);
    const result = await scanned([CHUNKS], bytes, [], kernels);
    expect(result).toEqual({ found: [], ends: [['incomplete', 0]] });
  });

  it('stops where its table is full', async () => {
    const bytes = Buffer.concat([Buffer.alloc(2 * 5000, Buffer.of(ROW, 7)), Buffer.of(DONE)]);
    const result = await scanned([1], bytes, [], kernels);
    expect(result).toEqual(await scanned([1], bytes, [], undefined));
    expect(result.ends).toEqual([['full', 2 * BATCH_ROWS]]);
  });
});

describe.each(KERNEL_BUILDS)('chunks joined by a kernel (%s)', (build) => {
  it('are what TypeScript makes of them', () => {
    const kernels = sharedKernels(build);
    fc.assert(
      fc.property(fc.array(fc.option(value, { nil: undefined }), { minLength: 1, maxLength: 10 }), (values) => {
        kernels.clearColumns();
        // Each value from its first chunk's length on.
        const fields = values.map((chunks) => fieldOf(CHUNKS, chunks ?? []).subarray(8));
        const [fast, reference] = [kernels.columns, HEAP].map((memory) => {
          const { wire, offsets: all } = lay(fields, memory, () => new Uint8Array(0));
          const offsets = integers(memory, all.length);
          offsets.set(all.map((offset, i) => (values[i] === undefined ? -1 : offset)));
          gatherFields(memory.kernels)(wire, offsets, 0, offsets.length);
          return [...offsets].map((offset) => {
            if (offset < 0) return undefined;
            return Buffer.from(wire.bytes.subarray(offset, offset + wire.view.getUint32(offset - 4, true)));
          });
        });
        expect(fast).toEqual(reference);
        expect(fast).toEqual(values.map((chunks) => chunks && Buffer.concat(chunks)));
      }),
    );
  });
});
