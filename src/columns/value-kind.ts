import type { ParquetType } from './column-spec.js';

/** What systems tell apart among Parquet's types. An instant is a timestamp in UTC. */
export type ValueKind =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float'
  | 'double'
  | 'decimal'
  | 'string'
  | 'json'
  | 'bytes'
  | 'date'
  | 'time'
  | 'time_ns'
  | 'timestamp'
  | 'timestamp_ns'
  | 'instant'
  | 'instant_ns'
  | 'uuid';

export function valueKind({ physical, logical }: ParquetType): ValueKind {
  switch (logical?.kind) {
    case 'integer':
      return `${logical.signed ? 'int' : 'uint'}${logical.bitWidth}`;
    case 'time':
      return logical.unit === 'NANOS' ? 'time_ns' : 'time';
    case 'timestamp': {
      const kind = logical.utc ? 'instant' : 'timestamp';
      return logical.unit === 'NANOS' ? `${kind}_ns` : kind;
    }
    case 'decimal':
    case 'string':
    case 'json':
    case 'date':
    case 'uuid':
      return logical.kind;
    case undefined:
      return PHYSICAL[physical];
    default:
      return logical satisfies never;
  }
}

const PHYSICAL: Readonly<Record<ParquetType['physical'], ValueKind>> = {
  BOOLEAN: 'boolean',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT: 'float',
  DOUBLE: 'double',
  BYTE_ARRAY: 'bytes',
  FIXED_LEN_BYTE_ARRAY: 'bytes',
};
