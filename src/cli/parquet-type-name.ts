import type { ColumnSpec, LogicalType, ParquetType } from '../columns/column-spec.js';

/** A column's type in Parquet, as people write it: `INT64 TIMESTAMP(MICROS, UTC)`, `LIST<BYTE_ARRAY STRING>`. */
export function parquetTypeName(column: ColumnSpec): string {
  const name = elementName(column.type);
  return column.list ? `LIST<${name}>` : name;
}

function elementName({ physical, length, logical }: ParquetType): string {
  const storage = length === undefined ? physical : `${physical}(${length})`;
  return logical === undefined ? storage : `${storage} ${logicalName(logical)}`;
}

function logicalName(logical: LogicalType): string {
  switch (logical.kind) {
    case 'integer':
      return `${logical.signed ? 'INT' : 'UINT'}(${logical.bitWidth})`;
    case 'decimal':
      return `DECIMAL(${logical.precision},${logical.scale})`;
    case 'date':
      return 'DATE';
    case 'time':
      return `TIME(${logical.unit}${logical.utc ? ', UTC' : ''})`;
    case 'timestamp':
      return `TIMESTAMP(${logical.unit}${logical.utc ? ', UTC' : ''})`;
    case 'string':
      return 'STRING';
    case 'json':
      return 'JSON';
    case 'uuid':
      return 'UUID';
  }
}
