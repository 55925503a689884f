import type { TestColumn, TestTable } from './test-tables.js';
import { parseDeclaredType } from './types/wire-type.js';

/** A test's tables and columns in the words of the two catalogs. */

export const SYSTEM_TYPES: readonly (readonly [id: number, name: string])[] = [
  [34, 'image'],
  [35, 'text'],
  [36, 'uniqueidentifier'],
  [40, 'date'],
  [41, 'time'],
  [42, 'datetime2'],
  [43, 'datetimeoffset'],
  [48, 'tinyint'],
  [52, 'smallint'],
  [56, 'int'],
  [58, 'smalldatetime'],
  [59, 'real'],
  [60, 'money'],
  [61, 'datetime'],
  [62, 'float'],
  [98, 'sql_variant'],
  [99, 'ntext'],
  [104, 'bit'],
  [106, 'decimal'],
  [108, 'numeric'],
  [122, 'smallmoney'],
  [127, 'bigint'],
  [165, 'varbinary'],
  [167, 'varchar'],
  [173, 'binary'],
  [175, 'char'],
  [189, 'timestamp'],
  [231, 'nvarchar'],
  [239, 'nchar'],
  [241, 'xml'],
];
/** Of CLR types; each has a user_type_id of its own. */

export function schemaOf({ schema = 'dbo' }: Pick<TestTable, 'schema'>): string {
  return schema;
}

export function keyOf(table: TestTable): string {
  return `${schemaOf(table)}.${table.name}`;
}

export function systemType({ type }: TestColumn): number {
  const { name } = parseDeclaredType(type);
  const known = name === 'rowversion' ? 'timestamp' : name === 'sysname' ? 'nvarchar' : name;
  return SYSTEM_TYPES.find(([, one]) => one === known)?.[0] ?? 0;
}

export function maxLength({ type }: TestColumn): number {
  const { name, arguments: given } = parseDeclaredType(type);
  const [length = 1] = given;
  if (length === Infinity) return -1;
  return name.startsWith('n') && name.includes('char') ? length * 2 : length;
}

export function standardColumn(table: TestTable, column: TestColumn, position: number): (string | number)[] {
  const { name, arguments: given } = parseDeclaredType(column.type);
  const isDecimal = name === 'decimal' || name === 'numeric';
  const isTime = name.includes('time') || name === 'date';
  return [
    text(schemaOf(table)),
    text(table.name),
    text(column.name),
    position,
    text(name),
    maxLength(column),
    isDecimal ? (given[0] ?? 18) : 'NULL',
    isDecimal ? (given[1] ?? 0) : 'NULL',
    isTime ? (given[0] ?? 7) : 'NULL',
    column.nullable === false ? "'NO'" : "'YES'",
  ];
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
