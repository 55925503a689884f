import { lineitemRows } from '../lineitem/rows.js';

/** The lineitem table in memory, in the form that each writer likes best to begin with. Unscaled decimals, days. */
export interface LineitemColumns {
  readonly rows: number;
  readonly columns: readonly LineitemColumn[];
}

export type LineitemColumn =
  | { readonly name: string; readonly kind: 'int32' | 'date'; readonly values: Int32Array }
  | { readonly name: string; readonly kind: 'int64' | 'decimal'; readonly values: BigInt64Array }
  | {
      readonly name: string;
      readonly kind: 'string';
      readonly values: readonly string[];
      /** UTF-8 of all values, and where each begins; one offset more than values. */
      readonly data: Uint8Array;
      readonly offsets: Int32Array;
    };

const COLUMNS = [
  ['l_orderkey', 'int64'],
  ['l_partkey', 'int32'],
  ['l_suppkey', 'int32'],
  ['l_linenumber', 'int32'],
  ['l_quantity', 'decimal'],
  ['l_extendedprice', 'decimal'],
  ['l_discount', 'decimal'],
  ['l_tax', 'decimal'],
  ['l_returnflag', 'string'],
  ['l_linestatus', 'string'],
  ['l_shipdate', 'date'],
  ['l_commitdate', 'date'],
  ['l_receiptdate', 'date'],
  ['l_shipinstruct', 'string'],
  ['l_shipmode', 'string'],
  ['l_comment', 'string'],
] as const;

/** Scale of the decimals; their precision is 15. */
export const SCALE = 2;

export function lineitemColumns(rows: number): LineitemColumns {
  const fields = COLUMNS.map((): string[] => []);
  const text = Buffer.concat([...lineitemRows(rows)]).toString('utf8');
  for (const line of text.split('\n').slice(0, rows)) {
    line.split('\t').forEach((field, i) => fields[i]?.push(field));
  }
  return { rows, columns: COLUMNS.map(([name, kind], i) => column(name, kind, fields[i] ?? [])) };
}

function column(name: string, kind: LineitemColumn['kind'], fields: readonly string[]): LineitemColumn {
  switch (kind) {
    case 'int32':
      return { name, kind, values: Int32Array.from(fields, Number) };
    case 'date':
      return { name, kind, values: Int32Array.from(fields, (field) => Date.parse(field) / 86_400_000) };
    case 'int64':
      return { name, kind, values: BigInt64Array.from(fields, BigInt) };
    case 'decimal':
      return { name, kind, values: BigInt64Array.from(fields, (field) => BigInt(Math.round(Number(field) * 100))) };
    case 'string': {
      const offsets = new Int32Array(fields.length + 1);
      const encoded = fields.map((field) => Buffer.from(field));
      encoded.forEach((bytes, i) => (offsets[i + 1] = (offsets[i] ?? 0) + bytes.length));
      return { name, kind, values: fields, data: Buffer.concat(encoded), offsets };
    }
    default:
      return kind satisfies never;
  }
}
