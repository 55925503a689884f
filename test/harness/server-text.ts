import { parse as parseArray } from 'postgres-array';
import { floatText, type Cell } from './parquet-readers/cell.js';
import type { PostgresServer } from '../servers/postgres.js';

/**
 * What the server itself prints for the rows of a query: the output functions' own text, not converted by any client.
 * Only floats are brought to JavaScript's spelling of the same number, and arrays are taken apart.
 */
export async function serverText(
  server: PostgresServer,
  query: string,
  options: { readonly database?: string } = {},
): Promise<Cell[][]> {
  const client = await server.connect(options.database === undefined ? {} : { database: options.database });
  try {
    await client.query(
      `SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601'; SET bytea_output = 'hex';
       SET extra_float_digits = 1; SET lc_monetary = 'C'`,
    );
    const arrays = await client.query<{ oid: number }>(
      "SELECT oid::int4 AS oid FROM pg_type WHERE typcategory = 'A' AND typlen = -1",
    );
    const arrayTypes = new Set(arrays.rows.map(({ oid }) => oid));
    const { rows, fields } = await client.query<(string | null)[]>({
      text: query,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    const cells = fields.map(({ dataTypeID }) => cellOf(dataTypeID, arrayTypes));
    return rows.map((row) => row.map((text, i) => (text === null ? null : cells[i]!(text))));
  } finally {
    await client.end();
  }
}

const FLOAT4 = 700;
const FLOAT8 = 701;
const FLOAT4_ARRAY = 1021;
const FLOAT8_ARRAY = 1022;

const float4 = (text: string) => floatText(Math.fround(Number(text)));
const float8 = (text: string) => floatText(Number(text));

function cellOf(type: number, arrayTypes: ReadonlySet<number>): (text: string) => Cell {
  if (type === FLOAT4) return float4;
  if (type === FLOAT8) return float8;
  if (!arrayTypes.has(type)) return (text) => text;
  const element = type === FLOAT4_ARRAY ? float4 : type === FLOAT8_ARRAY ? float8 : (text: string) => text;
  return (text) => parseArray(text, element);
}
