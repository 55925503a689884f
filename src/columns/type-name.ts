import type { ColumnSpec, LogicalType, ParquetType } from './column-spec.js';

/** A column's Parquet type for display, e.g. `INT64 DECIMAL(18,2)`, `LIST<BYTE_ARRAY STRING>`. */
export function parquetTypeName(spec: ColumnSpec): string {
  const value = valueTypeName(spec.type);
  return spec.list ? `LIST<${value}>` : value;
}

function valueTypeName({ physical, length, logical }: ParquetType): string {
  const stored = length === undefined ? physical : `${physical}(${length})`;
  return logical === undefined ? stored : `${stored} ${logicalTypeName(logical)}`;
}

function logicalTypeName(logical: LogicalType): string {
  switch (logical.kind) {
    case 'integer':
      return `${logical.signed ? 'INT' : 'UINT'}(${logical.bitWidth})`;
    case 'decimal':
      return `DECIMAL(${logical.precision},${logical.scale})`;
    case 'time':
    case 'timestamp':
      return `${logical.kind.toUpperCase()}(${logical.unit}${logical.utc ? ', UTC' : ''})`;
    case 'date':
    case 'string':
    case 'json':
    case 'uuid':
      return logical.kind.toUpperCase();
    default:
      return logical satisfies never;
  }
}
