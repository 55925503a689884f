import { ByteWriter } from '../test/servers/tds/byte-writer.js';
import { ResultEncoder, type WireColumn, type WireValue } from '../test/servers/tds/result-set.js';
import type { EncodedResult } from '../test/servers/tds/session.js';
import { lineitemRows } from './lineitem/rows.js';

/** TPC-H 1.4.1, in SQL Server's types. */
export const LINEITEM: readonly WireColumn[] = [
  { name: 'l_orderkey', type: 'bigint' },
  { name: 'l_partkey', type: 'int' },
  { name: 'l_suppkey', type: 'int' },
  { name: 'l_linenumber', type: 'int' },
  { name: 'l_quantity', type: 'decimal(15,2)' },
  { name: 'l_extendedprice', type: 'decimal(15,2)' },
  { name: 'l_discount', type: 'decimal(15,2)' },
  { name: 'l_tax', type: 'decimal(15,2)' },
  { name: 'l_returnflag', type: 'char(1)' },
  { name: 'l_linestatus', type: 'char(1)' },
  { name: 'l_shipdate', type: 'date' },
  { name: 'l_commitdate', type: 'date' },
  { name: 'l_receiptdate', type: 'date' },
  { name: 'l_shipinstruct', type: 'char(25)' },
  { name: 'l_shipmode', type: 'char(10)' },
  { name: 'l_comment', type: 'varchar(44)' },
].map((column) => ({ ...column, nullable: false }));

/** Rows that the server repeats: enough for columns to look as they do in the whole table. */
const DISTINCT_ROWS = 200_000;
export const ROWS_IN_BLOCK = 1000;

/** The rows in the tokens of a response; `change` turns values into other forms, for comparisons. */
export function encodeLineitem(
  columns: readonly WireColumn[] = LINEITEM,
  change: (value: string, column: number) => WireValue = (value) => value,
): Omit<EncodedResult, 'count'> {
  const encoder = new ResultEncoder(columns);
  const head = new ByteWriter();
  encoder.writeColumns(head);
  const blocks: Uint8Array[] = [];
  const block = new ByteWriter(256 << 10);
  let rows = 0;
  for (const chunk of lineitemRows(DISTINCT_ROWS)) {
    for (const line of chunk.toString('latin1').split('\n')) {
      if (line === '') continue;
      const values = line.split('\t').map((value, i) => change(padded(value, i), i));
      encoder.writeRow(block, values);
      if (++rows % ROWS_IN_BLOCK === 0) blocks.push(block.take());
    }
  }
  return { head: head.take(), blocks, rowsInBlock: ROWS_IN_BLOCK };
}

/** char(n) comes with its padding. */
function padded(value: string, column: number): string {
  const width = /^char\((\d+)\)$/.exec(LINEITEM[column]?.type ?? '')?.[1];
  return width === undefined ? value : value.padEnd(Number(width));
}
