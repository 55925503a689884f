import type { ConvertedType, SchemaElement, TimeUnit } from 'hyparquet';

/** What a column's stored values mean, from either of the two forms that the footer has for it (LogicalTypes.md). */
export type Annotation =
  | { readonly kind: 'integer'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly unit: TimeUnit; readonly utc: boolean }
  | {
      readonly kind:
        | 'date'
        | 'string'
        | 'json'
        | 'uuid'
        | 'enum'
        | 'bson'
        | 'interval'
        | 'float16'
        | 'null'
        | 'geometry'
        | 'geography';
    };

/** Undefined for a column that is annotated in no way that is known. */
export function annotationOf(element: SchemaElement): Annotation | undefined {
  return fromLogicalType(element) ?? fromConvertedType(element);
}

function fromLogicalType({ logical_type: logical }: SchemaElement): Annotation | undefined {
  switch (logical?.type) {
    case 'INTEGER':
      return { kind: 'integer', bits: logical.bitWidth, signed: logical.isSigned };
    case 'DECIMAL':
      return { kind: 'decimal', precision: logical.precision, scale: logical.scale };
    case 'TIME':
      return { kind: 'time', unit: logical.unit, utc: logical.isAdjustedToUTC };
    case 'TIMESTAMP':
      return { kind: 'timestamp', unit: logical.unit, utc: logical.isAdjustedToUTC };
    case 'STRING':
      return { kind: 'string' };
    case 'ENUM':
      return { kind: 'enum' };
    case 'DATE':
      return { kind: 'date' };
    case 'INTERVAL':
      return { kind: 'interval' };
    case 'NULL':
      return { kind: 'null' };
    case 'JSON':
      return { kind: 'json' };
    case 'BSON':
      return { kind: 'bson' };
    case 'UUID':
      return { kind: 'uuid' };
    case 'FLOAT16':
      return { kind: 'float16' };
    case 'GEOMETRY':
      return { kind: 'geometry' };
    case 'GEOGRAPHY':
      return { kind: 'geography' };
    default:
      return undefined;
  }
}

/** The legacy times and timestamps are in UTC. */
const CONVERTED: Readonly<Partial<Record<ConvertedType, Annotation>>> = {
  UTF8: { kind: 'string' },
  ENUM: { kind: 'enum' },
  DATE: { kind: 'date' },
  TIME_MILLIS: { kind: 'time', unit: 'MILLIS', utc: true },
  TIME_MICROS: { kind: 'time', unit: 'MICROS', utc: true },
  TIMESTAMP_MILLIS: { kind: 'timestamp', unit: 'MILLIS', utc: true },
  TIMESTAMP_MICROS: { kind: 'timestamp', unit: 'MICROS', utc: true },
  UINT_8: { kind: 'integer', bits: 8, signed: false },
  UINT_16: { kind: 'integer', bits: 16, signed: false },
  UINT_32: { kind: 'integer', bits: 32, signed: false },
  UINT_64: { kind: 'integer', bits: 64, signed: false },
  INT_8: { kind: 'integer', bits: 8, signed: true },
  INT_16: { kind: 'integer', bits: 16, signed: true },
  INT_32: { kind: 'integer', bits: 32, signed: true },
  INT_64: { kind: 'integer', bits: 64, signed: true },
  JSON: { kind: 'json' },
  BSON: { kind: 'bson' },
  INTERVAL: { kind: 'interval' },
};

function fromConvertedType({ converted_type: converted, precision, scale }: SchemaElement): Annotation | undefined {
  if (converted === undefined) return undefined;
  if (converted === 'DECIMAL') return { kind: 'decimal', precision: precision ?? 0, scale: scale ?? 0 };
  return CONVERTED[converted];
}
