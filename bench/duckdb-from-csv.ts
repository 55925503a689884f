import { DuckDBInstance } from '@duckdb/node-api';

/* A peer: DuckDB reads the table as CSV from its standard input, and writes it as one Parquet file. */

const [file = '', codec = ''] = process.argv.slice(2);

const TYPES = {
  l_orderkey: 'BIGINT',
  l_partkey: 'INTEGER',
  l_suppkey: 'INTEGER',
  l_linenumber: 'INTEGER',
  l_quantity: 'DECIMAL(15,2)',
  l_extendedprice: 'DECIMAL(15,2)',
  l_discount: 'DECIMAL(15,2)',
  l_tax: 'DECIMAL(15,2)',
  l_returnflag: 'VARCHAR',
  l_linestatus: 'VARCHAR',
  l_shipdate: 'DATE',
  l_commitdate: 'DATE',
  l_receiptdate: 'DATE',
  l_shipinstruct: 'VARCHAR',
  l_shipmode: 'VARCHAR',
  l_comment: 'VARCHAR',
};

const columns = Object.entries(TYPES).map(([name, type]) => `'${name}': '${type}'`);
const connection = await (await DuckDBInstance.create()).connect();
await connection.run(`
  COPY (SELECT * FROM read_csv('/dev/stdin', header = false, columns = {${columns.join(', ')}}))
  TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION ${codec})`);
connection.closeSync();
