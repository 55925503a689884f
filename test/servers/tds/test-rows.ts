import { duckType } from './t-sql.js';
import { schemaOf, text } from './catalog-terms.js';
import type { TestColumn, TestTable } from './test-tables.js';
import type { WireValue } from './types/wire-type.js';

/** The table itself, with its keys' values for conditions: DuckDB's own types, and the number of each row. */
export function tableStatements(table: TestTable): string[] {
  const schema = quote(schemaOf(table));
  const name = `${schema}.${quote(table.name)}`;
  const columns = table.columns.map((column) => `${quote(column.name)} ${duckType(column.type)}${collation(column)}`);
  const rows = (table.rows ?? []).map((row, i) => {
    const values = table.columns.map((column, k) => literal(inUtc(row[k] ?? null, column), duckType(column.type)));
    // Pages of eight rows, all over a file.
    const page = Buffer.alloc(8);
    page.writeUInt32LE(((i >>> 3) * 2_654_435_761) >>> 0);
    page.writeUInt16LE(i & 7, 6);
    return `(${[...values, `'${page.toString('hex').replace(/../g, '\\x$&')}'::BLOB`, i].join(', ')})`;
  });
  return [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    `CREATE TABLE ${name} (${columns.join(', ')}, physloc BLOB, row_number INTEGER)`,
    ...(rows.length === 0 ? [] : [`INSERT INTO ${name} VALUES ${rows.join(', ')}`]),
  ];
}

/** DuckDB's type for instants has no offset, and would drop it. */
function inUtc(value: WireValue, { type }: TestColumn): WireValue {
  if (!type.startsWith('datetimeoffset') || typeof value !== 'string') return value;
  return new Date(value).toISOString().slice(0, 19) + (/\.\d+/.exec(value)?.[0] ?? '');
}

function literal(value: WireValue, type: string): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value).toString('hex').replace(/../g, '\\x$&');
    return type === 'BLOB' ? `'${hex}'::BLOB` : text(Buffer.from(value).toString('latin1'));
  }
  // As comparisons see it: without spaces at the end.
  return `CAST(${text(type === 'VARCHAR' ? String(value).replace(/ +$/, '') : String(value))} AS ${type})`;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** SQL Server's usual collations ignore case. */
function collation({ type, collation: name }: TestColumn): string {
  return duckType(type) === 'VARCHAR' && /_CI_/.test(name ?? '_CI_') ? ' COLLATE NOCASE' : '';
}
