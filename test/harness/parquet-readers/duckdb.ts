import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBTypeId,
  DuckDBUUIDValue,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
  type Json,
} from '@duckdb/node-api';
import {
  booleanText,
  bytesText,
  dateText,
  decimalText,
  floatText,
  timestampText,
  timeText,
  type Cell,
  type ReadColumn,
} from './cell.js';

/** DuckDB: C++, written independently of arrow-rs. Knows every type that lakeport writes. */
export async function readWithDuckDb(files: readonly string[]): Promise<ReadColumn[]> {
  return withDuckDb(async (connection) => {
    const result = await connection.run(`SELECT * FROM read_parquet([${files.map(quote).join(', ')}])`);
    // Names come from the schema: in a query's result DuckDB renames those that differ in case only.
    const names = await columnNames(connection, files[0]!);
    const types = result.columnTypes();
    const columns = await result.getColumns();
    return names.map((name, i) => {
      const values = columns[i] ?? [];
      return { name, cells: values.map((value) => cellText(value, types[i]!)) };
    });
  });
}

/** Rows of a query, numbers beyond 2^53 as strings. */
export async function queryDuckDb(sql: string): Promise<Record<string, Json>[]> {
  return withDuckDb(async (connection) => {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  });
}

/** A text as SQL literal. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

let instance: Promise<DuckDBInstance> | undefined;

/** One instance for the whole test file: to start one takes longer than most queries. */
async function withDuckDb<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  instance ??= DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await (await instance).connect();
  try {
    return await use(connection);
  } finally {
    connection.closeSync();
  }
}

async function columnNames(connection: DuckDBConnection, file: string): Promise<string[]> {
  // Elements stand in depth-first order; the root and the inner elements of a LIST are no columns.
  const rows = await connection.runAndReadAll(`SELECT name, num_children FROM parquet_schema(${quote(file)})`);
  const elements = rows.getRowsJson().map(([name, children]) => ({ name: name as string, children: Number(children) }));
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < elements[at]!.children; child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < elements.length; at = skip(at)) names.push(elements[at]!.name);
  return names;
}

function cellText(value: DuckDBValue, type: DuckDBType): Cell {
  if (value === null) return null;
  if (value instanceof DuckDBListValue && type.typeId === DuckDBTypeId.LIST) {
    return value.items.map((item) => cellText(item, type.valueType));
  }
  if (value instanceof DuckDBDecimalValue) return decimalText(value.value, value.scale);
  if (value instanceof DuckDBDateValue) return dateText(value.days);
  if (value instanceof DuckDBTimestampValue) return timestampText(value.micros, { utc: false });
  if (value instanceof DuckDBTimestampTZValue) return timestampText(value.micros, { utc: true });
  if (value instanceof DuckDBTimeValue) return timeText(value.micros);
  if (value instanceof DuckDBUUIDValue) return value.toString();
  if (value instanceof DuckDBBlobValue) return bytesText(value.bytes);
  switch (typeof value) {
    case 'boolean':
      return booleanText(value);
    case 'bigint':
      return value.toString();
    case 'number':
      return type.typeId === DuckDBTypeId.FLOAT || type.typeId === DuckDBTypeId.DOUBLE
        ? floatText(value)
        : String(value);
    case 'string':
      return value;
    default:
      throw new Error(`DuckDB read a ${type.toString()}, which is not expected in a file`);
  }
}
