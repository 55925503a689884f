import pg from 'pg';
import { SCHEMA, TABLE } from '../lineitem/table.js';

export type ColumnKind = 'int64' | 'int32' | 'decimal' | 'date' | 'text';

/** One column in the form that suits JavaScript best: what a writer is given before the clock starts. */
export type MemoryColumn =
  | { readonly name: string; readonly kind: 'int64'; readonly values: BigInt64Array }
  /** Decimals of two places, as unscaled integers. */
  | { readonly name: string; readonly kind: 'decimal'; readonly values: BigInt64Array }
  /** Dates are days since 1970-01-01. */
  | { readonly name: string; readonly kind: 'int32' | 'date'; readonly values: Int32Array }
  | { readonly name: string; readonly kind: 'text'; readonly values: readonly string[] };

const KINDS: Readonly<Record<string, ColumnKind>> = {
  bigint: 'int64',
  integer: 'int32',
  numeric: 'decimal',
  date: 'date',
};

const DAY_MS = 86_400_000;

/** The first rows of lineitem, column by column. */
export async function lineitemColumns(url: string, rows: number): Promise<MemoryColumn[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: columns } = await client.query<{ name: string; type: string }>(
      `SELECT column_name AS name, data_type AS type FROM information_schema.columns
       WHERE table_schema = '${SCHEMA}' AND table_name = '${TABLE}' ORDER BY ordinal_position`,
    );
    const filled: MemoryColumn[] = [];
    for (const { name, type } of columns) {
      const { rows: values } = await client.query<[string]>({
        text: `SELECT ${name} FROM ${SCHEMA}.${TABLE} LIMIT ${rows}`,
        rowMode: 'array',
        types: { getTypeParser: () => (text: string) => text },
      });
      filled.push(column(name, KINDS[type] ?? 'text', values.flat()));
    }
    return filled;
  } finally {
    await client.end();
  }
}

function column(name: string, kind: ColumnKind, texts: readonly string[]): MemoryColumn {
  switch (kind) {
    case 'int64':
      return { name, kind, values: BigInt64Array.from(texts, BigInt) };
    case 'decimal':
      return { name, kind, values: BigInt64Array.from(texts, (text) => BigInt(text.replace('.', ''))) };
    case 'int32':
      return { name, kind, values: Int32Array.from(texts, Number) };
    case 'date':
      return { name, kind, values: Int32Array.from(texts, (text) => Date.parse(text) / DAY_MS) };
    case 'text':
      return { name, kind, values: texts };
  }
}
