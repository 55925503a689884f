import pg from 'pg';
import { ensureLineitem, SCHEMA } from './lineitem/table.js';

/** A table to export, and what is special about it. */
export interface BenchTable {
  readonly name: string;
  readonly about: string;
  /** Relative to the rows asked for: tables of wide rows have fewer. */
  readonly share: number;
  /** Expressions over `i`, the row's number; undefined for lineitem, whose rows are generated here. */
  readonly columns?: readonly string[];
}

const times = (count: number, column: (n: number) => string) => Array.from({ length: count }, (_, n) => column(n));
/** A number that looks random, from 0 on, below `limit`. */
const mixed = (n: number, limit: number) => `(hashint8(i * ${2 * n + 3}) & 2147483647) % ${limit}`;

export const TABLES: readonly BenchTable[] = [
  { name: 'lineitem', about: 'TPC-H: 16 columns of numbers, decimals, dates and short texts', share: 1 },
  {
    name: 'narrow',
    about: '40 columns of 2 to 8 bytes',
    share: 0.25,
    columns: [
      ...times(10, (n) => `(${mixed(n, 30_000)})::smallint AS s${n}`),
      ...times(10, (n) => `(${mixed(n + 10, 1_000_000_000)})::int AS i${n}`),
      ...times(10, (n) => `(i * ${n + 1})::bigint AS b${n}`),
      ...times(5, (n) => `(${mixed(n + 20, 2)} = 1) AS f${n}`),
      ...times(5, (n) => `(${mixed(n + 30, 1_000_000)} / 7.0)::float8 AS d${n}`),
    ],
  },
  {
    name: 'wide',
    about: 'texts of 330 bytes, and jsonb',
    share: 0.125,
    columns: [
      'i AS id',
      `repeat(md5(i::text), 10) || substr(md5(i::text), 1, (${mixed(1, 30)})::int) AS body`,
      `jsonb_build_object('id', i, 'name', md5(i::text), 'tags', jsonb_build_array('a', i % 7, true), 'note', md5((i * 3)::text)) AS doc`,
    ],
  },
  {
    name: 'nulls',
    about: 'ten columns, half of whose values are NULL',
    share: 0.5,
    columns: [
      ...times(5, (n) => `CASE WHEN ${mixed(n, 2)} = 0 THEN (${mixed(n + 5, 1_000_000)})::int END AS i${n}`),
      ...times(5, (n) => `CASE WHEN ${mixed(n + 20, 2)} = 0 THEN 'value ' || (${mixed(n, 1000)}) END AS t${n}`),
    ],
  },
  {
    name: 'arrays',
    about: 'int4[] of eight elements, text[] of three',
    share: 0.125,
    columns: [
      `ARRAY[${times(8, (n) => `(${mixed(n, 100_000)})::int`).join(', ')}] AS numbers`,
      `ARRAY['a', 'b' || i % 10, md5((i % 100)::text)] AS words`,
    ],
  },
  {
    name: 'uuids',
    about: 'three uuids',
    share: 0.5,
    columns: times(3, (n) => `md5((i * ${n + 1})::text)::uuid AS u${n}`),
  },
  {
    name: 'numerics',
    about: 'numeric(18,6), numeric(30,10) and numeric(38,8)',
    share: 0.5,
    columns: [
      `(i * 123456.654321)::numeric(18,6) AS n18`,
      `(i * 9876543210987.0123456789)::numeric(30,10) AS n30`,
      `(i * 1234567890123456789.12345678)::numeric(38,8) AS n38`,
    ],
  },
];

/** Creates the table with its share of `rows`, or keeps an existing one. Returns rows, and pages on disk. */
export async function ensureTable(
  url: string,
  table: BenchTable,
  rows: number,
  say: (line: string) => void,
): Promise<{ readonly rows: number; readonly pages: number }> {
  const own = Math.max(1, Math.round(rows * table.share));
  if (table.columns === undefined) return { rows: own, pages: pagesOf(await ensureLineitem(url, own, say)) };
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const target = `${SCHEMA}.${table.name}`;
    const found = await client.query<{ found: boolean }>(`SELECT to_regclass('${target}') IS NOT NULL AS found`);
    const held =
      found.rows[0]?.found === true
        ? await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${target}`)
        : undefined;
    if (Number(held?.rows[0]?.n ?? 0) !== own) {
      const select = `SELECT ${table.columns.join(', ')} FROM generate_series(1, ${own}::bigint) AS i`;
      await client.query(`DROP TABLE IF EXISTS ${target}; CREATE TABLE ${target} AS ${select}`);
      await client.query(`VACUUM (FREEZE, ANALYZE) ${target}`);
      say(`made ${table.name} of ${own.toLocaleString('en')} rows`);
    }
    await client.query('CHECKPOINT');
    const { rows: sizes } = await client.query<{ size: string }>(`SELECT pg_relation_size('${target}') AS size`);
    return { rows: own, pages: pagesOf(Number(sizes[0]?.size)) };
  } finally {
    await client.end();
  }
}

const PAGE_BYTES = 8192;

function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

/** So that ranges of orders are found without a scan of the table. */
export async function indexOrders(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`CREATE INDEX IF NOT EXISTS lineitem_orders ON ${SCHEMA}.lineitem (l_orderkey)`);
    await client.query(`ANALYZE ${SCHEMA}.lineitem`);
  } finally {
    await client.end();
  }
}
