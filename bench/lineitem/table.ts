import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import { lineitemRows } from './rows.js';

export const SCHEMA = 'public';
export const TABLE = 'lineitem';

/** TPC-H 1.4.1: identifiers, decimals of two places, fixed and variable text; every column NOT NULL. */
const COLUMNS = `
  l_orderkey bigint NOT NULL,
  l_partkey integer NOT NULL,
  l_suppkey integer NOT NULL,
  l_linenumber integer NOT NULL,
  l_quantity numeric(15,2) NOT NULL,
  l_extendedprice numeric(15,2) NOT NULL,
  l_discount numeric(15,2) NOT NULL,
  l_tax numeric(15,2) NOT NULL,
  l_returnflag char(1) NOT NULL,
  l_linestatus char(1) NOT NULL,
  l_shipdate date NOT NULL,
  l_commitdate date NOT NULL,
  l_receiptdate date NOT NULL,
  l_shipinstruct char(25) NOT NULL,
  l_shipmode char(10) NOT NULL,
  l_comment varchar(44) NOT NULL`;

/** Creates `public.lineitem` with exactly `rows` rows, or keeps an existing one. Returns its size in bytes. */
export async function ensureLineitem(url: string, rows: number, say: (line: string) => void): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    if ((await countRows(client)) === rows) say(`lineitem with ${rows.toLocaleString('en')} rows is there already`);
    else await load(client, rows, say);
    await client.query('CHECKPOINT');
    const { rows: sizes } = await client.query<{ size: string }>(
      `SELECT pg_relation_size('${SCHEMA}.${TABLE}') AS size`,
    );
    return Number(sizes[0]?.size);
  } finally {
    await client.end();
  }
}

async function countRows(client: pg.Client): Promise<number | undefined> {
  const exists = await client.query<{ found: boolean }>(
    `SELECT to_regclass('${SCHEMA}.${TABLE}') IS NOT NULL AS found`,
  );
  if (exists.rows[0]?.found !== true) return undefined;
  const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${SCHEMA}.${TABLE}`);
  return Number(rows[0]?.n);
}

async function load(client: pg.Client, rows: number, say: (line: string) => void): Promise<void> {
  const start = performance.now();
  await client.query('BEGIN');
  await client.query(`DROP TABLE IF EXISTS ${SCHEMA}.${TABLE}`);
  await client.query(`CREATE TABLE ${SCHEMA}.${TABLE} (${COLUMNS})`);
  // Frozen, so measured reads have no hint bits to write.
  const copy = client.query(from(`COPY ${SCHEMA}.${TABLE} FROM STDIN (FREEZE)`));
  await pipeline(Readable.from(lineitemRows(rows)), copy);
  await client.query('COMMIT');
  await client.query(`VACUUM (ANALYZE) ${SCHEMA}.${TABLE}`);
  say(`loaded ${rows.toLocaleString('en')} rows in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** Rows of the existing table; 0 without one. */
export async function countLineitem(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await countRows(client)) ?? 0;
  } finally {
    await client.end();
  }
}
