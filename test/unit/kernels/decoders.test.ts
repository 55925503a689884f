import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ParquetType } from '../../../src/columns/column-spec.js';
import type { Kernels, Memory } from '../../../src/kernels/kernels.js';
import { HEAP, integers } from '../../../src/kernels/memory.js';
import { bindField } from '../../../src/sources/postgres/decode/decoders.js';
import type { ColumnDecoder } from '../../../src/sources/source.js';
import { bufferOf, decodeBatches, decodeBlindly, type Decoded, lay } from '../../harness/decoded-batch.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';

/*
 * Kernels against the TypeScript decoders, on the same bytes of the wire. Those are compared with the server's own output
 * in test/integration/postgres/decoding.test.ts.
 */

interface Case {
  readonly name: string;
  readonly type: ParquetType;
  readonly decoder: ColumnDecoder;
  readonly field: fc.Arbitrary<Uint8Array>;
}

const bigEndian = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Some values often, so that dictionaries find them again. */
const often = (field: fc.Arbitrary<Uint8Array>) =>
  fc.oneof(fc.constantFrom(...fc.sample(field, { numRuns: 4, seed: 1 })), field);

/** numeric_send: groups of four digits, none of them zero at either end, with any weight, sign and display scale. */
const numeric = fc
  .record({
    groups: fc.array(fc.oneof(fc.integer({ min: 0, max: 9999 }), fc.constantFrom(0, 100, 5000, 9999)), {
      maxLength: 12,
    }),
    weight: fc.integer({ min: -6, max: 10 }),
    sign: fc.constantFrom(0, 0x4000, 0, 0x4000, 0, 0xc000),
    scale: fc.integer({ min: 0, max: 40 }),
  })
  .map(({ groups: all, weight, sign, scale }) => {
    const groups = all.slice(
      all.findIndex((group) => group !== 0),
      all.findLastIndex((group) => group !== 0) + 1,
    );
    const bytes = Buffer.alloc(8 + groups.length * 2);
    bytes.writeUInt16BE(groups.length, 0);
    bytes.writeInt16BE(weight, 2);
    bytes.writeUInt16BE(sign, 4);
    bytes.writeUInt16BE(scale, 6);
    groups.forEach((group, i) => bytes.writeUInt16BE(group, 8 + i * 2));
    return new Uint8Array(bytes);
  });

/** Values that fit DECIMAL(p, s), as the server sends them: without leading and trailing groups of zero. */
function fitting(precision: number, scale: number): fc.Arbitrary<Uint8Array> {
  const limit = 10n ** BigInt(precision) - 1n;
  return fc.bigInt({ min: -limit, max: limit }).map((unscaled) => numericBytes(unscaled, scale));
}

function numericBytes(unscaled: bigint, scale: number): Uint8Array {
  const pad = (4 - (scale % 4)) % 4;
  let rest = (unscaled < 0n ? -unscaled : unscaled) * 10n ** BigInt(pad);
  const groups: number[] = [];
  for (; rest > 0n; rest /= 10000n) groups.unshift(Number(rest % 10000n));
  const weight = groups.length - 1 - (scale + pad) / 4;
  while (groups.at(-1) === 0) groups.pop();
  const bytes = Buffer.alloc(8 + groups.length * 2);
  bytes.writeUInt16BE(groups.length, 0);
  bytes.writeInt16BE(groups.length === 0 ? 0 : weight, 2);
  bytes.writeUInt16BE(unscaled < 0n ? 0x4000 : 0, 4);
  bytes.writeUInt16BE(scale, 6);
  groups.forEach((group, i) => bytes.writeUInt16BE(group, 8 + i * 2));
  return new Uint8Array(bytes);
}

const decimal = (precision: number, scale: number): ParquetType => ({
  physical: precision <= 9 ? 'INT32' : precision <= 18 ? 'INT64' : 'FIXED_LEN_BYTE_ARRAY',
  ...(precision > 18 && { length: Math.ceil((precision * Math.log2(10) + 1) / 8) }),
  logical: { kind: 'decimal', precision, scale },
});

const DECIMALS = [
  [4, 2],
  [9, 0],
  [9, 9],
  [15, 2],
  [18, 0],
  [18, 6],
  [18, 17],
  [19, 4],
  [30, 10],
  [38, 0],
  [38, 8],
  [38, 38],
] as const;

const text = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.uint8Array({ minLength: 40, maxLength: 60 }),
  fc.uint8Array({ minLength: 150, maxLength: 300 }),
);

const CASES: readonly Case[] = [
  { name: 'bool', type: { physical: 'BOOLEAN' }, decoder: { kind: 'bool' }, field: bigEndian(1) },
  { name: 'int2', type: { physical: 'INT32' }, decoder: { kind: 'int2' }, field: bigEndian(2) },
  { name: 'int4', type: { physical: 'INT32' }, decoder: { kind: 'int4' }, field: bigEndian(4) },
  { name: 'int8', type: { physical: 'INT64' }, decoder: { kind: 'int8' }, field: bigEndian(8) },
  { name: 'oid', type: { physical: 'INT64' }, decoder: { kind: 'oid' }, field: bigEndian(4) },
  { name: 'float4', type: { physical: 'FLOAT' }, decoder: { kind: 'float4' }, field: bigEndian(4) },
  { name: 'float8', type: { physical: 'DOUBLE' }, decoder: { kind: 'float8' }, field: bigEndian(8) },
  {
    name: 'date',
    type: { physical: 'INT32', logical: { kind: 'date' } },
    decoder: { kind: 'date' },
    field: fc.oneof(
      bigEndian(4),
      fc.constant(Uint8Array.of(0x7f, 255, 255, 255)),
      fc.constant(Uint8Array.of(128, 0, 0, 0)),
    ),
  },
  {
    name: 'timestamp',
    type: { physical: 'INT64' },
    decoder: { kind: 'timestamp' },
    field: fc.oneof(bigEndian(8), fc.constant(Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0))),
  },
  {
    name: 'time',
    type: { physical: 'INT64' },
    decoder: { kind: 'time' },
    field: fc.bigInt({ min: 0n, max: 86_400_000_000n }).map((micros) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(micros);
      return new Uint8Array(bytes);
    }),
  },
  {
    name: 'uuid',
    type: { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16 },
    decoder: { kind: 'uuid' },
    field: bigEndian(16),
  },
  { name: 'text', type: { physical: 'BYTE_ARRAY' }, decoder: { kind: 'text' }, field: text },
  {
    name: 'jsonb',
    type: { physical: 'BYTE_ARRAY' },
    decoder: { kind: 'jsonb' },
    field: fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(1, ...bytes)),
  },
  ...DECIMALS.flatMap(([precision, scale]): Case[] => {
    const type = decimal(precision, scale);
    const decoder = { kind: 'numeric', precision, scale };
    return [
      { name: `numeric(${precision},${scale})`, type, decoder, field: fitting(precision, scale) },
      { name: `any numeric as numeric(${precision},${scale})`, type, decoder, field: numeric },
    ];
  }),
];

function bigEndianLength({ length }: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return bytes;
}

function decode({ type, decoder }: Case, fields: readonly Uint8Array[], memory: Memory, dictionary: boolean): Decoded {
  const column = bufferOf(type, memory);
  const field = bindField(decoder, column, { onUnrepresentable: 'error' });
  return decodeBatches(column, field.decode, lay(fields, memory, bigEndianLength), { dictionary });
}

describe.each(KERNEL_BUILDS)('kernels (%s)', (build) => {
  describe.each(CASES)('$name', (one) => {
    it.each([false, true])('decodes as the TypeScript decoder does (dictionary: %s)', (dictionary) => {
      const kernels = kernelsOf(build);
      fc.assert(
        fc.property(fc.array(often(one.field), { minLength: 1, maxLength: 40 }), (fields) => {
          kernels.clearColumns();
          expect(decode(one, fields, kernels.columns, dictionary)).toEqual(decode(one, fields, HEAP, dictionary));
        }),
      );
    });
  });

  it.each(CASES.filter(({ name }) => !name.startsWith('any')))('$name is not left to TypeScript', (one) => {
    const kernels = kernelsOf(build);
    const column = bufferOf(one.type, kernels.columns);
    const { decode } = bindField(one.decoder, column, { onUnrepresentable: 'error' });
    const field = one.name === 'date' || one.name.startsWith('time') ? bigEndianSmall(one) : one.field;
    const batch = lay(fc.sample(field, { numRuns: 50, seed: 2 }), kernels.columns, bigEndianLength);
    expect(decodeBlindly(column, decode, batch)).toBe(50);
  });

  it('values outside the memory are decoded in TypeScript', () => {
    const kernels = kernelsOf(build);
    const one = CASES.find(({ name }) => name === 'int4')!;
    const column = bufferOf(one.type, kernels.columns);
    const { wire, offsets } = lay([Uint8Array.of(0, 0, 0, 7)], HEAP, bigEndianLength);
    bindField(one.decoder, column, { onUnrepresentable: 'error' }).decode(wire, offsets, 0, 1);
    expect(Buffer.from(column.plain()).readInt32LE()).toBe(7);
  });
});

/** Values that are surely no infinity. */
function bigEndianSmall({ name }: Case): fc.Arbitrary<Uint8Array> {
  return bigEndian(name === 'date' ? 4 : 8).map((bytes) => {
    bytes.fill(0, 0, bytes.length - 3);
    return bytes;
  });
}

describe.each(KERNEL_BUILDS)('levels (%s)', (build) => {
  it('NULLs are found, and left out, as in TypeScript', () => {
    const kernels: Kernels = kernelsOf(build);
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 30 }), { maxLength: 5 }),
        (batches) => {
          kernels.clearColumns();
          const fast = bufferOf({ physical: 'INT32' }, kernels.columns).levels;
          const reference = bufferOf({ physical: 'INT32' }, HEAP).levels;
          for (const batch of batches) {
            const offsets = integers(kernels.columns, batch.length);
            offsets.set(batch);
            fast.appendOffsets(offsets, 0, batch.length);
            reference.appendOffsets(Int32Array.from(batch), 0, batch.length);
            const out = integers(kernels.columns, batch.length + 1);
            const present = batch.filter((offset) => offset >= 0);
            expect(kernels.run.dense(kernels.address(offsets), batch.length, kernels.address(out))).toBe(
              present.length,
            );
            expect([...out.subarray(0, present.length)]).toEqual(present);
          }
          const { count, rows, nulls, definition } = fast;
          expect({ count, rows, nulls, definition: definition && [...definition] }).toMatchObject({
            count: reference.count,
            rows: reference.rows,
            nulls: reference.nulls,
            ...(reference.definition && { definition: [...reference.definition] }),
          });
        },
      ),
    );
  });
});

/** array_send of one dimension: its header, then the elements, each after its length; null for NULL. */
function arrayBytes(elements: readonly (Uint8Array | null)[], lowerBound: number): Uint8Array {
  const header = Buffer.alloc(elements.length === 0 ? 12 : 20);
  if (elements.length > 0) {
    header.writeInt32BE(1, 0);
    header.writeInt32BE(elements.length, 12);
    header.writeInt32BE(lowerBound, 16);
  }
  const fields = elements.flatMap((element) =>
    element === null ? [Buffer.alloc(4, 0xff)] : [bigEndianLength(element), element],
  );
  return new Uint8Array(Buffer.concat([header, ...fields]));
}

describe.each(KERNEL_BUILDS)('arrays (%s)', (build) => {
  const ELEMENTS: readonly Pick<Case, 'name' | 'type' | 'field'>[] = [
    { name: 'int4', type: { physical: 'INT32' }, field: bigEndian(4) },
    { name: 'text', type: { physical: 'BYTE_ARRAY' }, field: text },
  ];

  it.each(ELEMENTS)('of $name are decoded as in TypeScript, their elements by kernels', ({ name, type, field }) => {
    const kernels = kernelsOf(build);
    const array = fc
      .tuple(fc.array(fc.option(often(field), { freq: 4 }), { maxLength: 30 }), fc.constantFrom(1, 1, 0))
      .map(([elements, bound]) => ({ bytes: arrayBytes(elements, bound), elements }));
    fc.assert(
      fc.property(
        fc.array(fc.option(array, { freq: 5 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (rows, dictionary) => {
          kernels.clearColumns();
          const [fast, reference] = [kernels.columns, HEAP].map((memory) => {
            const column = bufferOf(type, memory, { list: true });
            const bound = bindField({ kind: 'array', element: name }, column, { onUnrepresentable: 'error' });
            const { wire, offsets } = lay(
              rows.map((row) => row?.bytes ?? new Uint8Array(0)),
              memory,
              bigEndianLength,
            );
            rows.forEach((row, i) => {
              if (row === null) offsets[i] = -1;
            });
            const decoded = decodeBatches(column, bound.decode, { wire, offsets }, { dictionary });
            const { levels } = column;
            return {
              ...decoded,
              tally: bound.tally,
              rows: levels.rows,
              definition: levels.definition && [...levels.definition],
              repetition: [...levels.repetition],
            };
          });
          expect(fast).toEqual(reference);
          const present = rows.flatMap((row) => row?.elements ?? []).filter((element) => element !== null);
          expect(fast?.count).toBe(present.length);
        },
      ),
    );
  });
});
