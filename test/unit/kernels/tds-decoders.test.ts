import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ParquetType } from '../../../src/columns/column-spec.js';
import type { Memory } from '../../../src/kernels/kernels.js';
import { HEAP } from '../../../src/kernels/memory.js';
import { bindField } from '../../../src/sources/mssql/decode/decoders.js';
import { BYTE_LENGTH, CHUNKS, fieldLayout, type WireType } from '../../../src/sources/mssql/tds/wire-type.js';
import type { ColumnDecoder } from '../../../src/sources/source.js';
import {
  bufferOf,
  decodeBatches,
  decodeBlindly,
  type Decoded,
  lay,
  type LengthBefore,
} from '../../harness/decoded-batch.js';
import { KERNEL_BUILDS, kernelsOf } from '../../harness/kernels.js';

/*
 * Kernels for SQL Server's types against the TypeScript decoders, on the same bytes of the wire. Those are compared with
 * other clients in test/integration/mssql.
 */

interface Case {
  readonly name: string;
  readonly type: ParquetType;
  readonly decoder: ColumnDecoder;
  readonly wire: Partial<WireType> & { readonly name: string };
  readonly field: fc.Arbitrary<Uint8Array>;
  /** Whether the kernel leaves some of these values to TypeScript. */
  readonly isRare?: boolean;
}

const INT32: ParquetType = { physical: 'INT32' };
const INT64: ParquetType = { physical: 'INT64' };
const BYTES: ParquetType = { physical: 'BYTE_ARRAY' };
const fixed = (length: number): ParquetType => ({ physical: 'FIXED_LEN_BYTE_ARRAY', length });

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Some values often, so that dictionaries find them again. */
const often = (field: fc.Arbitrary<Uint8Array>) =>
  fc.oneof(fc.constantFrom(...fc.sample(field, { numRuns: 4, seed: 1 })), field);

function littleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn));
}

const joined = (...parts: readonly fc.Arbitrary<Uint8Array>[]) =>
  fc.tuple(...parts).map((all) => new Uint8Array(Buffer.concat(all)));

const within = (least: bigint, most: bigint, length: number) =>
  fc.bigInt({ min: least, max: most }).map((value) => littleEndian(value, length));

const timeWidth = (scale: number) => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);
const time = (scale: number) => within(0n, 86_400n * 10n ** BigInt(scale) - 1n, timeWidth(scale));
/** 0001-01-01 to 9999-12-31, as days since the first. */
const date = within(0n, 3_652_058n, 3);
/** The years 1700 to 2200. */
const nearDate = within(620_000n, 803_000n, 3);

/** A sign and a magnitude; the length is what the declared precision wants, or more. */
function decimal(precision: number, lengths: readonly number[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.bigInt({ min: 0n, max: 10n ** BigInt(precision) - 1n }),
      fc.constantFrom(0, 1),
      fc.constantFrom(...lengths),
    )
    .map(([magnitude, sign, length]) => Uint8Array.of(sign, ...littleEndian(magnitude, length - 1)));
}

const decimalLength = (precision: number) => (precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17);

const decimalType = (precision: number, scale: number): ParquetType => ({
  ...(precision <= 9 ? INT32 : precision <= 18 ? INT64 : fixed(Math.ceil((Math.log2(10) * precision + 1) / 8))),
  logical: { kind: 'decimal', precision, scale },
});

const lengths = [5, 9, 13, 17];
const DECIMALS = [4, 9, 10, 18, 19, 20, 28, 29, 38].flatMap((precision): Case[] => {
  const one = {
    type: decimalType(precision, 2),
    decoder: { kind: 'decimal', precision, scale: 2 },
    wire: { name: 'DecimalN', precision, scale: 2, dataLength: decimalLength(precision) },
  };
  const fitting = lengths.filter((length) => length >= decimalLength(precision));
  const any = fc.tuple(fc.constantFrom(1, 4, ...lengths), bytesOf(17));
  return [
    { ...one, name: `decimal(${precision},2)`, field: decimal(precision, fitting) },
    {
      ...one,
      name: `any bytes as decimal(${precision},2)`,
      field: any.map(([length, bytes]) => bytes.subarray(0, length)),
      isRare: true,
    },
  ];
});

const TIMES = [0, 2, 3, 4, 5, 6, 7].flatMap((scale): Case[] =>
  (['MICROS', 'NANOS'] as const).flatMap((unit): Case[] => {
    const decoder = { scale, unit };
    const isNanos = unit === 'NANOS';
    return [
      {
        name: `time(${scale}) in ${unit}`,
        type: INT64,
        decoder: { kind: 'time', ...decoder },
        wire: { name: 'Time', scale },
        field: time(scale),
      },
      {
        name: `datetime2(${scale}) in ${unit}`,
        type: INT64,
        decoder: { kind: 'datetime2', ...decoder },
        wire: { name: 'DateTime2', scale },
        field: joined(time(scale), isNanos ? nearDate : date),
      },
      {
        name: `datetimeoffset(${scale}) of all years in ${unit}`,
        type: INT64,
        decoder: { kind: 'datetimeoffset', ...decoder },
        wire: { name: 'DateTimeOffset', scale },
        field: joined(time(scale), date, bytesOf(2)),
        isRare: isNanos,
      },
    ];
  }),
);

const unit = (units: fc.Arbitrary<number>, maxLength: number) =>
  fc.array(units, { maxLength }).map((all) => new Uint8Array(Uint16Array.from(all).buffer));
const ascii = fc.integer({ min: 0x20, max: 0x7e });
const texts = (encode: (text: string) => Uint8Array) =>
  fc
    .oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc
        .tuple(fc.string({ unit: 'binary-ascii', maxLength: 30 }), fc.string({ unit: 'binary', maxLength: 2 }))
        .map((parts) => parts.join('')),
    )
    .map((text) => new Uint8Array(encode(text)));
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const utf8 = (text: string) => Buffer.from(text, 'utf8');

interface Encoding {
  readonly name: string;
  readonly kind: string;
  readonly wire: { readonly name: string; readonly codepage?: string };
  readonly good: fc.Arbitrary<Uint8Array>;
  readonly any: fc.Arbitrary<Uint8Array>;
}

const ENCODINGS: readonly Encoding[] = [
  {
    name: 'nvarchar',
    kind: 'nvarchar',
    wire: { name: 'NVarChar' },
    good: texts(utf16),
    any: fc.oneof(
      unit(fc.oneof(ascii, fc.integer({ min: 0xd7f0, max: 0xe010 })), 20),
      unit(fc.integer({ min: 0, max: 0xffff }), 20),
      fc.uint8Array({ maxLength: 20 }),
    ),
  },
  {
    name: 'varchar in UTF-8',
    kind: 'varchar',
    wire: { name: 'VarChar', codepage: 'utf-8' },
    good: texts(utf8),
    any: fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.uint8Array({ maxLength: 40, min: 0x61, max: 0xff }),
      fc
        .array(
          fc.constantFrom(0x61, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5),
          {
            maxLength: 5,
          },
        )
        .map((bytes) => Uint8Array.from(bytes)),
    ),
  },
  {
    name: 'varchar in CP1251',
    kind: 'varchar',
    wire: { name: 'VarChar', codepage: 'CP1251' },
    good: fc.oneof(fc.uint8Array({ max: 0x7f, maxLength: 70 }), fc.uint8Array({ min: 0x41, maxLength: 70 })),
    any: fc.uint8Array({ maxLength: 70 }),
  },
  {
    name: 'varchar in CP1253, which does not assign every byte',
    kind: 'varchar',
    wire: { name: 'VarChar', codepage: 'CP1253' },
    good: fc.uint8Array({ max: 0x7f, maxLength: 70 }),
    any: fc.uint8Array({ maxLength: 70 }),
  },
];

const BYTE_STRINGS = [100, 0xffff].flatMap((dataLength): Case[] => {
  const suffix = dataLength === 0xffff ? ' (max)' : '';
  return [
    ...ENCODINGS.flatMap(({ name, kind, wire, good, any }): Case[] => {
      const one = { type: BYTES, decoder: { kind }, wire: { ...wire, dataLength } };
      return [
        { ...one, name: `${name}${suffix}`, field: good },
        { ...one, name: `any bytes as ${name}${suffix}`, field: any, isRare: true },
      ];
    }),
    {
      name: `varbinary${suffix}`,
      type: BYTES,
      decoder: { kind: 'binary' },
      wire: { name: 'VarBinary', dataLength },
      field: fc.uint8Array({ maxLength: 70 }),
    },
  ];
});

const CASES: readonly Case[] = [
  { name: 'bit', type: { physical: 'BOOLEAN' }, decoder: { kind: 'bit' }, wire: { name: 'Bit' }, field: bytesOf(1) },
  { name: 'tinyint', type: INT32, decoder: { kind: 'tinyint' }, wire: { name: 'TinyInt' }, field: bytesOf(1) },
  { name: 'smallint', type: INT32, decoder: { kind: 'smallint' }, wire: { name: 'SmallInt' }, field: bytesOf(2) },
  { name: 'int', type: INT32, decoder: { kind: 'int' }, wire: { name: 'IntN', dataLength: 4 }, field: bytesOf(4) },
  { name: 'bigint', type: INT64, decoder: { kind: 'bigint' }, wire: { name: 'BigInt' }, field: bytesOf(8) },
  { name: 'real', type: { physical: 'FLOAT' }, decoder: { kind: 'real' }, wire: { name: 'Real' }, field: bytesOf(4) },
  {
    name: 'float',
    type: { physical: 'DOUBLE' },
    decoder: { kind: 'float' },
    wire: { name: 'FloatN', dataLength: 8 },
    field: bytesOf(8),
  },
  { name: 'smallmoney', type: INT64, decoder: { kind: 'smallmoney' }, wire: { name: 'SmallMoney' }, field: bytesOf(4) },
  { name: 'money', type: fixed(9), decoder: { kind: 'money' }, wire: { name: 'Money' }, field: bytesOf(8) },
  {
    name: 'uniqueidentifier',
    type: fixed(16),
    decoder: { kind: 'uniqueidentifier' },
    wire: { name: 'UniqueIdentifier' },
    field: bytesOf(16),
  },
  { name: 'date', type: INT32, decoder: { kind: 'date' }, wire: { name: 'Date' }, field: date },
  {
    name: 'datetime',
    type: INT64,
    decoder: { kind: 'datetime' },
    wire: { name: 'DateTime' },
    // 1753-01-01 to 9999-12-31.
    field: joined(within(-53_690n, 2_958_463n, 4), within(0n, 25_919_999n, 4)),
  },
  {
    name: 'smalldatetime',
    type: INT64,
    decoder: { kind: 'smalldatetime' },
    wire: { name: 'SmallDateTime' },
    field: joined(bytesOf(2), within(0n, 1439n, 2)),
  },
  ...DECIMALS,
  ...TIMES,
  ...BYTE_STRINGS,
];

function wireOf({ wire }: Case): WireType {
  return { dataLength: undefined, precision: undefined, scale: undefined, codepage: undefined, ...wire };
}

/** As the field's layout wants it; a chunked value has been joined already. */
function lengthBefore(one: Case): LengthBefore {
  const layout = fieldLayout(wireOf(one));
  return ({ length }) => {
    if (layout > 0) return new Uint8Array(0);
    return littleEndian(BigInt(length), layout === BYTE_LENGTH ? 1 : layout === CHUNKS ? 4 : 2);
  };
}

function bound(one: Case, memory: Memory) {
  const column = bufferOf(one.type, memory);
  const field = bindField(one.decoder, column, wireOf(one));
  if (field === undefined) throw new Error(`${one.name} has no decoder`);
  return { column, decode: field.decode };
}

function decode(one: Case, fields: readonly Uint8Array[], memory: Memory, dictionary: boolean): Decoded {
  const { column, decode: decodeFields } = bound(one, memory);
  return decodeBatches(column, decodeFields, lay(fields, memory, lengthBefore(one)), { dictionary });
}

describe.each(KERNEL_BUILDS)('kernels for SQL Server (%s)', (build) => {
  it.each(CASES)('decode $name as the TypeScript decoder does', (one) => {
    const kernels = kernelsOf(build);
    fc.assert(
      fc.property(fc.array(often(one.field), { minLength: 1, maxLength: 40 }), fc.boolean(), (fields, dictionary) => {
        kernels.clearColumns();
        expect(decode(one, fields, kernels.columns, dictionary)).toEqual(decode(one, fields, HEAP, dictionary));
      }),
    );
  });

  it.each(CASES.filter(({ isRare }) => isRare !== true))('$name is not left to TypeScript', (one) => {
    const kernels = kernelsOf(build);
    const { column, decode: decodeFields } = bound(one, kernels.columns);
    const batch = lay(fc.sample(one.field, { numRuns: 50, seed: 2 }), kernels.columns, lengthBefore(one));
    expect(decodeBlindly(column, decodeFields, batch)).toBe(50);
  });
});
