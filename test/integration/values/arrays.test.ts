import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExportHere as runExportHere, type ExportRun } from '../../harness/export-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { columnSchemas } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { differences } from '../../harness/same-rows.js';
import { serverText } from '../../harness/server-text.js';

/* Arrays of every shape, as JSON and as the server's own text. */

/** Type of the elements, array, and the JSON that it must become. */
const ARRAYS: readonly (readonly [name: string, type: string, array: string, json: string])[] = [
  ['flat', 'integer', '{1,NULL,-3}', '[1,null,-3]'],
  ['empty', 'integer', '{}', '[]'],
  ['nested', 'integer', '{{1,2},{3,NULL}}', '[[1,2],[3,null]]'],
  ['cube', 'integer', '{{{1},{2}},{{3},{4}}}', '[[[1],[2]],[[3],[4]]]'],
  ['ids', 'bigint', '{9223372036854775807}', '[9223372036854775807]'],
  ['oids', 'oid', '{4294967295,NULL}', '[4294967295,null]'],
  [
    'numbers',
    'numeric',
    '{1.50,NaN,12345678901234567890.1234567890123,1e-20}',
    '[1.50,"NaN",12345678901234567890.1234567890123,0.00000000000000000001]',
  ],
  ['doubles', 'double precision', '{0.1,NaN,-Infinity}', '[0.1,"NaN","-Infinity"]'],
  ['flags', 'boolean', '{t,f,NULL}', '[true,false,null]'],
  ['texts', 'text', '{{"a \\"b\\" \\\\ c","żółć 😀"},{"",NULL}}', '[["a \\"b\\" \\\\ c","żółć 😀"],["",null]]'],
  ['padded', 'char(3)', '{a}', '["a  "]'],
  ['dates', 'date', '{2024-01-31,infinity}', '["2024-01-31","infinity"]'],
  ['times', 'time', '{12:00,24:00}', '["12:00:00","24:00:00"]'],
  ['moments', 'timestamptz', '{2024-01-31 01:02:03.456789+02}', '["2024-01-30T23:02:03.456789+00:00"]'],
  ['days', 'interval', '{1 day 02:03}', '["P1DT2H3M"]'],
  ['bytes', 'bytea', '{"\\\\x00ff"}', '["\\\\x00ff"]'],
  ['amounts', 'money', '{1.50,-2}', '[1.50,-2.00]'],
  ['documents', 'jsonb', '{"{\\"a\\": [1.0, null]}"}', '[{"a": [1.0, null]}]'],
  ['addresses', 'inet', '{{10.0.0.1},{10.0.0.0/8}}', '[["10.0.0.1"],["10.0.0.0/8"]]'],
  ['boxes', 'box', '{(2,2),(0,0);NULL}', '["(2,2),(0,0)",null]'],
  ['moods', 'mood', '{sad,"so, so"}', '["sad","so, so"]'],
  ['pairs', 'pair', '{"(1,\\"a b\\")"}', '["(1,\\"a b\\")"]'],
  ['spots', 'spot', '{"(1,2)"}', '["(1,2)"]'],
  ['dots', 'dot', '{(1,2);(3,4)}', '["(1,2)","(3,4)"]'],
  ['of_domain', 'host', '{10.0.0.1}', '["10.0.0.1"]'],
];

/** Arrays whose bounds JSON can't tell. */
const BOUNDED = [
  ['zero_based', 'integer', '[0:1]={5,6}', '[5,6]'],
  ['negative', 'text', '[-3:-3]={x}', '["x"]'],
  ['second_dimension', 'integer', '[1:1][2:3]={{7,8}}', '[[7,8]]'],
  ['bounded_addresses', 'inet', '[0:0]={10.0.0.1}', '["10.0.0.1"]'],
] as const;

const ALL = [...ARRAYS, ...BOUNDED];

function ownType(name: string, options = ''): string {
  return `CREATE TYPE ${name};
    CREATE FUNCTION ${name}_in(cstring) RETURNS ${name} IMMUTABLE STRICT LANGUAGE internal AS 'point_in';
    CREATE FUNCTION ${name}_out(${name}) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'point_out';
    CREATE TYPE ${name} (INPUT = ${name}_in, OUTPUT = ${name}_out, LIKE = point${options});
    CREATE FUNCTION ${name}_text(${name}) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS 'SELECT ''of the cast''::text';
    CREATE CAST (${name} AS text) WITH FUNCTION ${name}_text(${name})`;
}

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`CREATE TYPE mood AS ENUM ('sad', 'so, so'); CREATE TYPE pair AS (n integer, t text);
    CREATE DOMAIN host AS inet; ${ownType('spot')}; ${ownType('dot', ", DELIMITER = ';'")};
    CREATE FUNCTION spot_json(spot) RETURNS json IMMUTABLE STRICT LANGUAGE sql AS 'SELECT ''"of the cast"''::json';
    CREATE CAST (spot AS json) WITH FUNCTION spot_json(spot)`);
  for (const [name, type, array] of ALL) {
    await server.query(`CREATE TABLE ${name} (id integer NOT NULL, v ${type}[]);
      INSERT INTO ${name} VALUES (1, ${quote(array)}), (2, NULL)`);
  }
  await server.query("CREATE TABLE no_arrays AS SELECT 1 AS id, '1 2'::int2vector AS v");
});
afterAll(() => server.stop());

describe('--arrays json', () => {
  let run: ExportRun;
  beforeAll(async () => {
    run = await runExportHere(server, { args: ['--arrays', 'json'] });
  });
  afterAll(() => run.remove());

  it('exports arrays of every shape', () => {
    expect(run.cli.code).toBe(0);
    expect(run.result.totals.failed).toBe(0);
  });

  it.each(ALL)('%s: %s[] %s becomes %s', async (name, _type, _array, json) => {
    const files = await run.files(name);
    expect((await columnSchemas(files[0]!))[1]).toMatchObject({ name: 'v', type: 'BYTE_ARRAY JSON', required: false });
    const expected = [
      ['1', json],
      ['2', null],
    ];
    for (const reader of ['DuckDB', 'parquet-wasm', 'hyparquet'] as const) {
      expect(await differences(reader, files, expected)).toEqual([]);
    }
    const [valid] = await queryDuckDb(
      `SELECT json_valid(v) AS valid FROM read_parquet(${quote(files[0]!)}) WHERE id = 1`,
    );
    expect(valid).toEqual({ valid: true });
  });

  it('counts arrays that do not start at 1', () => {
    for (const [name] of ARRAYS) expect([name, run.table(name).lost_bounds]).toEqual([name, undefined]);
    for (const [name] of BOUNDED) expect([name, run.table(name).lost_bounds]).toEqual([name, { v: 1 }]);
  });

  it('text that looks like an array is unchanged', async () => {
    expect(await differences('DuckDB', await run.files('no_arrays'), [['1', '1 2']])).toEqual([]);
  });
});

describe('--arrays text', () => {
  it('arrays keep the text the server prints, including bounds', async () => {
    await using run = await runExportHere(server, { args: ['--arrays', 'text'] });
    expect(run.cli.code).toBe(0);
    for (const [name] of ALL) {
      const printed = await serverText(
        server,
        `SELECT id, format('%s', v) FROM ${name} WHERE id = 1 UNION ALL SELECT 2, NULL`,
      );
      expect(await differences('DuckDB', await run.files(name), printed)).toEqual([]);
      expect([name, run.table(name).lost_bounds]).toEqual([name, undefined]);
    }
  });
});

it("a plan shows the arrays' types", async () => {
  await using run = await runExportHere(server, { args: ['--arrays', 'json', '--dry_run', '-i', 'nested'] });
  expect(run.cli.stdout).toMatch(/"parquet_type": *"BYTE_ARRAY JSON"/);
  expect(run.cli.stdout).toContain('"ARRAY_BOUNDS"');
  expect(run.cli.stdout).toContain('arrays that do not start at 1 lose their bounds in');
  await using text = await runExportHere(server, { args: ['--arrays', 'text', '--dry_run', '-i', 'nested'] });
  expect(text.cli.stdout).not.toContain('ARRAY_BOUNDS');
});
