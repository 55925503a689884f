import type { ParquetType } from '../src/columns/column-spec.js';
import { BYTE_LENGTH, CHUNKS, fieldLayout, type WireType } from '../src/sources/mssql/tds/wire-type.js';
import type { ColumnDecoder } from '../src/sources/source.js';

/** Values of SQL Server's types on the wire, for each kernel of its own. */

export interface TdsBench {
  readonly name: string;
  readonly type: ParquetType;
  readonly decoder: ColumnDecoder;
  readonly wire: WireType;
  readonly field: () => Buffer;
}

/** What precedes a field: its length, as the type wants it. */
export function tdsLength(wire: WireType, { length }: Uint8Array): Uint8Array {
  const layout = fieldLayout(wire);
  if (layout > 0) return new Uint8Array(0);
  return littleEndian(length, layout === BYTE_LENGTH ? 1 : layout === CHUNKS ? 4 : 2);
}

function littleEndian(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, rest = value; i < length; i++, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

const INT32: ParquetType = { physical: 'INT32' };
const INT64: ParquetType = { physical: 'INT64' };
const TEXT: ParquetType = { physical: 'BYTE_ARRAY', logical: { kind: 'string' } };
const fixed = (length: number): ParquetType => ({ physical: 'FIXED_LEN_BYTE_ARRAY', length });

const wireType = (wire: Partial<WireType> & { readonly name: string }): WireType => ({
  dataLength: undefined,
  precision: undefined,
  scale: undefined,
  codepage: undefined,
  ...wire,
});

/** @param random an integer from 0 on, below the limit */
export function tdsBenches(random: (limit: number) => number): readonly TdsBench[] {
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random(256)));
  const letters = (length: number) => String.fromCharCode(...Array.from({ length }, () => 97 + random(26)));
  const day = () => littleEndian(700_000 + random(40_000), 3);
  const ticks = () => littleEndian(random(864_000_000) * 1000, 5);
  const decimal = (precision: number, type: ParquetType, length: number): TdsBench => ({
    name: `decimal(${precision},2)`,
    type: { ...type, logical: { kind: 'decimal', precision, scale: 2 } },
    decoder: { kind: 'decimal', precision, scale: 2 },
    wire: wireType({ name: 'DecimalN', precision, scale: 2, dataLength: length }),
    field: () => Buffer.concat([Buffer.of(random(2)), littleEndian(random(1e8), length - 1)]),
  });
  const simple = (name: string, type: ParquetType, wire: string, field: () => Buffer): TdsBench => ({
    name,
    type,
    decoder: { kind: name },
    wire: wireType({ name: wire }),
    field,
  });
  const time = (name: string, wire: string, field: () => Buffer): TdsBench => ({
    name: `${name}(7)`,
    type: INT64,
    decoder: { kind: name, scale: 7, unit: 'MICROS' },
    wire: wireType({ name: wire, scale: 7 }),
    field,
  });
  const text = (name: string, wire: Parameters<typeof wireType>[0], encode: (text: string) => Buffer): TdsBench => ({
    name,
    type: TEXT,
    decoder: { kind: name.replace(/[ (].*/, '') },
    wire: wireType({ dataLength: 200, ...wire }),
    field: () => encode(letters(10 + random(34))),
  });
  return [
    simple('bit', { physical: 'BOOLEAN' }, 'Bit', () => Buffer.of(random(2))),
    simple('tinyint', INT32, 'TinyInt', () => bytes(1)),
    simple('smallint', INT32, 'SmallInt', () => bytes(2)),
    simple('int', INT32, 'Int', () => bytes(4)),
    simple('bigint', INT64, 'BigInt', () => bytes(8)),
    simple('smallmoney', INT64, 'SmallMoney', () => bytes(4)),
    simple('money', fixed(9), 'Money', () => bytes(8)),
    decimal(9, INT32, 5),
    decimal(18, INT64, 9),
    decimal(38, fixed(16), 17),
    simple('uniqueidentifier', fixed(16), 'UniqueIdentifier', () => bytes(16)),
    simple('date', INT32, 'Date', day),
    simple('smalldatetime', INT64, 'SmallDateTime', () => Buffer.concat([bytes(2), littleEndian(random(1440), 2)])),
    simple('datetime', INT64, 'DateTime', () =>
      Buffer.concat([littleEndian(random(60_000), 4), littleEndian(random(25_920_000), 4)]),
    ),
    time('time', 'Time', ticks),
    time('datetime2', 'DateTime2', () => Buffer.concat([ticks(), day()])),
    time('datetimeoffset', 'DateTimeOffset', () => Buffer.concat([ticks(), day(), littleEndian(60, 2)])),
    text('nvarchar of 10 to 43', { name: 'NVarChar' }, (value) => Buffer.from(value, 'utf16le')),
    text('varchar of 10 to 43, UTF-8', { name: 'VarChar', codepage: 'utf-8' }, (value) => Buffer.from(value)),
    text('varchar of 10 to 43, CP1252', { name: 'VarChar', codepage: 'CP1252' }, (value) => Buffer.from(value)),
    text('nvarchar(max) of 10 to 43', { name: 'NVarChar', dataLength: 0xffff }, (value) =>
      Buffer.from(value, 'utf16le'),
    ),
    {
      ...text('binary', { name: 'VarBinary' }, (value) => Buffer.from(value)),
      name: 'varbinary of 10 to 43',
      type: { physical: 'BYTE_ARRAY' },
    },
  ];
}
