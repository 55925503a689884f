import { type ColumnSpec, type LogicalType, type ParquetType, PHYSICAL_TYPES } from './column-spec.js';

/** A column's Parquet type for display, e.g. `INT64 DECIMAL(18,2)`, `LIST<BYTE_ARRAY STRING>`. */
export function parquetTypeName({ type, list }: Pick<ColumnSpec, 'type' | 'list'>): string {
  const value = valueTypeName(type);
  return list ? `LIST<${value}>` : value;
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

const LOGICAL_TYPES: readonly (readonly [RegExp, (groups: Readonly<Record<string, string>>) => LogicalType])[] = [
  [
    /^(?<sign>U?)INT\((?<bits>8|16|32|64)\)$/,
    // The pattern takes these widths only.
    ({ sign, bits }) => ({ kind: 'integer', bitWidth: Number(bits) as 8 | 16 | 32 | 64, signed: sign === '' }),
  ],
  [
    /^DECIMAL\((?<precision>\d+),(?<scale>\d+)\)$/,
    ({ precision, scale }) => ({ kind: 'decimal', precision: Number(precision), scale: Number(scale) }),
  ],
  [
    /^(?<name>TIME|TIMESTAMP)\((?<unit>MICROS|NANOS)(?<utc>, UTC)?\)$/,
    ({ name, unit, utc }) => ({
      kind: name === 'TIME' ? 'time' : 'timestamp',
      unit: unit === 'NANOS' ? 'NANOS' : 'MICROS',
      utc: utc !== undefined,
    }),
  ],
  [/^DATE$/, () => ({ kind: 'date' })],
  [/^STRING$/, () => ({ kind: 'string' })],
  [/^JSON$/, () => ({ kind: 'json' })],
  [/^UUID$/, () => ({ kind: 'uuid' })],
];

/** Reads what `parquetTypeName` writes; undefined for anything else. */
export function readParquetTypeName(name: string): Pick<ColumnSpec, 'type' | 'list'> | undefined {
  const [, element] = /^LIST<(.*)>$/.exec(name) ?? [];
  const [, physical = '', length, annotation] = /^([A-Z0-9_]+)(?:\((\d+)\))?(?: (.+))?$/.exec(element ?? name) ?? [];
  const known = PHYSICAL_TYPES.find((one) => one === physical);
  if (known === undefined) return undefined;
  const stored = { physical: known, ...(length !== undefined && { length: Number(length) }) };
  if (annotation === undefined) return { type: stored, list: element !== undefined };
  for (const [pattern, typeOf] of LOGICAL_TYPES) {
    const found = pattern.exec(annotation);
    if (found !== null)
      return { type: { ...stored, logical: typeOf(found.groups ?? {}) }, list: element !== undefined };
  }
  return undefined;
}
