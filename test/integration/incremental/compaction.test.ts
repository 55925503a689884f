import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { queryDuckDb, quote, readWithDuckDb } from '../../harness/parquet-readers/duckdb.js';
import { SyncedLake } from '../../harness/synced-lake.js';
import { type TypeCase, TYPE_CASES } from '../../harness/type-cases.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** A table with every type, whose files are merged. */

const ROWS = 240;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  for (const { setup } of TYPE_CASES) if (setup !== undefined) await server.query(setup);
}, 120_000);
afterAll(() => server.stop());

/** A column of the case's values and NULL, in turn, and one of arrays of them. */
function columnsOf({ name, type, values }: TypeCase, shift: number): string {
  const typed = values.map((value) => (value.includes(' FROM ') ? `(SELECT ${value})` : `(${value})::${type}`));
  const all = `(ARRAY[${[...typed, 'NULL'].join(', ')}]::${type}[])`;
  const count = values.length + 1;
  return `${all}[1 + (g + ${shift}) % ${count}] AS ${name},
    CASE (g + ${shift}) % 5 WHEN 0 THEN NULL WHEN 1 THEN '{}'::${type}[] ELSE ${all}[1 + g % ${count}:] END AS ${name}_list`;
}

function versionOf(version: number, rows: number): string {
  const columns = TYPE_CASES.map((one) => columnsOf(one, version * 3)).join(', ');
  return `SELECT g::int AS id, ${version} AS version, ${columns} FROM generate_series(1, ${rows}) g`;
}

/** Rows of the files as texts, in some order. */
async function rowsOf(files: readonly string[]): Promise<string[]> {
  const columns = await readWithDuckDb(files);
  return columns[0]!.cells!.map((_, row) => JSON.stringify(columns.map(({ cells }) => cells![row]))).sort();
}

const schemaOf = (file: string) => queryDuckDb(`SELECT * EXCLUDE (file_name) FROM parquet_schema(${quote(file)})`);
const pairsOf = (file: string) =>
  queryDuckDb(`SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${quote(file)})`);

describe('a table of every type is after a compaction what a full export of it is', () => {
  it.each([
    ['as usual', []],
    [
      'compact, with small row groups and files, and a Bloom filter',
      ['--encoding=compact', '--row_group_rows=64', '--max_rows_per_file=100', '--bloom_filter=t:id'],
    ],
    ['for Spark, without compression', ['--compat=spark', '--compression_type=None']],
  ])('%s', async (_, flags) => {
    await server.query(`DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s;
      CREATE TABLE s.t AS ${versionOf(0, ROWS)}; ALTER TABLE s.t ADD PRIMARY KEY (id);
      COMMENT ON TABLE s.t IS 'of every type'`);
    const lake = await SyncedLake.of(server, 's', flags);
    const sync = ['--incremental_table', 's.t:version:integer!upsert'];
    await lake.sync(...sync);
    await server.query(`DELETE FROM s.t WHERE id % 3 = 0;
      INSERT INTO s.t SELECT * FROM (${versionOf(1, ROWS + 30)}) x WHERE id % 3 = 0`);
    expect(await lake.sync(...sync)).toMatchObject([
      { rows: ROWS / 3 + 10, compaction: { number: 3, rows: ROWS + 10, superseded_rows: ROWS / 3 } },
    ]);
    const filesOf = (table: string) =>
      lake
        .names(table)
        .filter((name) => name.endsWith('.parquet'))
        .map((name) => path.join(lake.directory(table), name));
    const merged = filesOf('t');
    const [found, schemas, pairs] = [
      await rowsOf(merged),
      await Promise.all(merged.map(schemaOf)),
      await Promise.all(merged.map(pairsOf)),
    ];
    // Bounds, page indexes and Bloom filters are those of the values.
    const verified = await lake.user.run('verify', lake.directory('t'), '--deep');
    expect(verified.code, verified.stdout).toBe(0);

    await lake.sync();
    const whole = filesOf('t');
    expect(found).toEqual(await rowsOf(whole));
    for (const schema of schemas) expect(schema).toEqual(await schemaOf(whole[0]!));
    for (const one of pairs) expect(one).toEqual(await pairsOf(whole[0]!));
    lake.user.remove();
  });
});
