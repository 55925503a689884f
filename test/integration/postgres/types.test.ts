import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ColumnDecoder, ReadColumn, Source } from '../../../src/sources/source.js';
import { connectPostgres, type PostgresSettings } from '../../../src/sources/postgres/connection/connection.js';
import { begin } from '../../../src/sources/postgres/connection/transaction.js';
import { describeTable, findTable, openPostgres } from '../../harness/postgres-source.js';
import { postgresVersions, startPostgres, type PostgresServer } from '../../servers/postgres.js';

/** Every type with: a value of it, the Parquet type, how it is decoded, and whether the query casts it to text. */
const TYPES: [type: string, value: string, parquet: string, decoder: string, fidelity?: 'text'][] = [
  ['boolean', 'true', 'BOOLEAN', 'bool'],
  ['smallint', '-32768', 'INT32 INT(16)', 'int2'],
  ['integer', '2147483647', 'INT32', 'int4'],
  ['bigint', '-9223372036854775808', 'INT64', 'int8'],
  ['oid', '4294967295', 'INT64', 'oid'],
  ['real', 'NaN', 'FLOAT', 'float4'],
  ['double precision', '-Infinity', 'DOUBLE', 'float8'],
  ['numeric(9,2)', '1234567.89', 'INT32 DECIMAL(9,2)', 'numeric 9,2'],
  ['numeric(10,0)', '1234567890', 'INT64 DECIMAL(10,0)', 'numeric 10,0'],
  ['numeric(18,18)', '0.1', 'INT64 DECIMAL(18,18)', 'numeric 18,18'],
  ['numeric(19,4)', '1', 'FIXED(9) DECIMAL(19,4)', 'numeric 19,4'],
  ['numeric(38,0)', '1', 'FIXED(16) DECIMAL(38,0)', 'numeric 38,0'],
  ['numeric(39,0)', '1', 'STRING', 'text', 'text'],
  ['numeric', '1.50', 'STRING', 'text', 'text'],
  ['money', '12.34', 'FIXED(9) DECIMAL(19,2)', 'money 2'],
  ['text', 'grüße', 'STRING', 'text'],
  ['character varying(5)', 'abc', 'STRING', 'text'],
  ['character(5)', 'abc', 'STRING', 'text'],
  ['name', 'abc', 'STRING', 'text'],
  ['"char"', 'x', 'STRING (cast)', 'checkedText'],
  ['xml', '<a/>', 'STRING (cast)', 'text'],
  ['public.citext', 'Abc', 'STRING', 'text'],
  ['public.mood', 'happy', 'STRING', 'text'],
  ['bytea', '\\x00ff', 'BYTES', 'bytea'],
  ['uuid', '123e4567-e89b-12d3-a456-426614174000', 'FIXED(16) UUID', 'uuid'],
  ['json', '{"a":1}', 'JSON', 'json'],
  ['jsonb', '{"a":1}', 'JSON', 'jsonb'],
  ['date', '2024-02-29', 'INT32 DATE', 'date'],
  ['timestamp without time zone', '2024-02-29 12:00', 'INT64 TIMESTAMP', 'timestamp'],
  ['timestamp(3) without time zone', '2024-02-29 12:00', 'INT64 TIMESTAMP', 'timestamp'],
  ['timestamp with time zone', '2024-02-29 12:00+01', 'INT64 TIMESTAMP UTC', 'timestamp'],
  ['time without time zone', '24:00:00', 'INT64 TIME', 'time'],
  ['time with time zone', '12:00+01', 'STRING', 'text', 'text'],
  ['interval', '1 year 2 days', 'STRING', 'text', 'text'],
  ['inet', '10.0.0.1/8', 'STRING', 'text', 'text'],
  ['cidr', '10.0.0.0/8', 'STRING', 'text', 'text'],
  ['macaddr', '08:00:2b:01:02:03', 'STRING', 'text', 'text'],
  ['macaddr8', '08:00:2b:01:02:03:04:05', 'STRING', 'text', 'text'],
  ['bit(3)', '101', 'STRING', 'text', 'text'],
  ['bit varying', '10', 'STRING', 'text', 'text'],
  ['int4range', '[1,5)', 'STRING', 'text', 'text'],
  ['tstzrange', '[2024-01-01,)', 'STRING', 'text', 'text'],
  ['public.pair', '(1,"a b")', 'STRING', 'text', 'text'],
  ['public.float_range', '[1.5,2]', 'STRING', 'text', 'text'],
  ['tsvector', 'a b', 'STRING', 'text', 'text'],
  ['tsquery', 'a & b', 'STRING', 'text', 'text'],
  ['point', '(1,2)', 'STRING', 'text', 'text'],
  ['polygon', '((0,0),(1,1))', 'STRING', 'text', 'text'],
  ['public.hstore', 'a=>1', 'STRING', 'text', 'text'],
  ['public.ltree', 'a.b', 'STRING', 'text', 'text'],
  ['jsonpath', '$.a', 'STRING', 'text', 'text'],
  ['pg_lsn', '16/B374D848', 'STRING', 'text', 'text'],
  ['tid', '(0,1)', 'STRING', 'text', 'text'],
  ['xid', '5', 'STRING', 'text', 'text'],
  ['regclass', 'pg_class', 'STRING', 'text', 'text'],
  ['int2vector', '1 2', 'STRING', 'text', 'text'],
  ['aclitem', 'postgres=r/postgres', 'STRING', 'text', 'text'],
  // Domains: their base type, however deep.
  ['public.email', 'a@b', 'STRING', 'text'],
  ['public.price', '9.99', 'INT64 DECIMAL(10,2)', 'numeric 10,2'],
  ['public.discount', '9.99', 'INT64 DECIMAL(10,2)', 'numeric 10,2'],
  ['public.span', '1 day', 'STRING', 'text', 'text'],
  ['public.scores', '{1,2}', 'LIST INT32', 'array int4'],
  ['public.prices', '{1.5}', 'LIST INT64 DECIMAL(10,2)', 'array numeric 10,2'],
  // Arrays: lists of what the element becomes.
  ['integer[]', '{1,NULL}', 'LIST INT32', 'array int4'],
  ['text[]', '{a,NULL}', 'LIST STRING', 'array text'],
  ['character(3)[]', '{a}', 'LIST STRING', 'array text'],
  ['numeric(20,3)[]', '{1.5}', 'LIST FIXED(9) DECIMAL(20,3)', 'array numeric 20,3'],
  ['numeric[]', '{1.50}', 'LIST STRING', 'array text', 'text'],
  ['interval[]', '{1 day}', 'LIST STRING', 'array text', 'text'],
  ['"char"[]', '{x}', 'LIST STRING (cast)', 'array checkedText'],
  ['timestamp with time zone[]', '{2024-01-01}', 'LIST INT64 TIMESTAMP UTC', 'array timestamp'],
  ['jsonb[]', '{"{}"}', 'LIST JSON', 'array jsonb'],
  ['uuid[]', '{123e4567-e89b-12d3-a456-426614174000}', 'LIST FIXED(16) UUID', 'array uuid'],
  ['public.mood[]', '{happy}', 'LIST STRING', 'array text'],
  ['public.pair[]', '{"(1,a)"}', 'LIST STRING', 'array text', 'text'],
  ['public.price[]', '{9.99}', 'LIST INT64 DECIMAL(10,2)', 'array numeric 10,2'],
  ['public.span[]', '{1 day}', 'LIST STRING', 'array text', 'text'],
  ['public.hstore[]', '{a=>1}', 'LIST STRING', 'array text', 'text'],
  ['public.scores[]', '{"{1,2}"}', 'STRING', 'text', 'text'],
];

/** Types that came with later versions. */
const SINCE: Readonly<Record<number, typeof TYPES>> = {
  14: [
    ['int4multirange', '{[1,5)}', 'STRING', 'text', 'text'],
    ['int4multirange[]', '{}', 'LIST STRING', 'array text', 'text'],
  ],
  15: [
    ['numeric(3,-2)', '12300', 'INT32 DECIMAL(5,0)', 'numeric 5,0'],
    ['numeric(2,5)', '0.00012', 'INT32 DECIMAL(5,5)', 'numeric 5,5'],
    ['numeric(30,-10)', '0', 'STRING', 'text', 'text'],
  ],
};

const SETUP = `
  CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;
  CREATE TYPE mood AS ENUM ('happy', 'sad');
  CREATE TYPE pair AS (a int, b text);
  CREATE TYPE float_range AS RANGE (subtype = float8);
  CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
  CREATE DOMAIN price AS numeric(10,2);
  CREATE DOMAIN discount AS price;
  CREATE DOMAIN span AS interval;
  CREATE DOMAIN scores AS int[];
  CREATE DOMAIN prices AS price[];`;

describe.each(postgresVersions())('PostgreSQL %d', (version) => {
  const types = [...TYPES, ...Object.entries(SINCE).flatMap(([since, more]) => (version >= Number(since) ? more : []))];
  let server: PostgresServer;
  let source: Source;
  let columns: ReadColumn[];

  beforeAll(async () => {
    server = await startPostgres({ version });
    const definitions = types.map(([type], index) => `"column ""${index}" ${type}`).join(', ');
    const values = types.map(([, value]) => `'${value}'`).join(', ');
    await server.query(`${SETUP}
      CREATE TABLE "all ""types" (${definitions});
      INSERT INTO "all ""types" VALUES (${values});
      INSERT INTO "all ""types" DEFAULT VALUES`);
    source = await openPostgres(server);
    const table = await findTable(source, 'all "types');
    await source.pin([table], { consistency: 'run' });
    columns = await describeTable(source, table);
  });
  afterAll(async () => {
    await source.close();
    await server.stop();
  });

  test('every type has its place in the type table', () => {
    const found = columns.map((column) => [
      column.spec.sourceType,
      parquetType(column),
      decoderText(column.decoder),
      column.spec.fidelity,
    ]);
    const expected = types.map(([type, , parquet, decoder, fidelity]) => [type, parquet, decoder, fidelity ?? 'exact']);
    expect(found).toEqual(expected);
  });

  test('binary COPY takes the query of every type', async () => {
    const table = await findTable(source, 'all "types');
    const [slice] = await source.slice(table, columns, { degree: 1, largeTableThreshold: 0 });
    await server.query(`COPY (${slice!.query}) TO '/dev/null' (FORMAT binary)`);
    const [counted] = await server.query(`SELECT count(*)::int AS rows FROM (${slice!.query}) AS q`);
    expect(counted).toEqual({ rows: 2 });
  });
});

test('columns that may hold what Parquet cannot are nullable where such values become NULL', async () => {
  const server = await startPostgres();
  await server.query(`
    CREATE DOMAIN named AS text NOT NULL;
    CREATE TABLE t (i int NOT NULL, n numeric(5,2) NOT NULL, d date NOT NULL, ts timestamptz NOT NULL,
                    a int[] NOT NULL, s text NOT NULL, x named, y named NOT NULL, z int)`);
  const source = await openPostgres(server);
  const table = await findTable(source, 't');
  const nullable = (columns: ReadColumn[]) => columns.filter(({ spec }) => spec.nullable).map(({ spec }) => spec.name);
  // What a domain forbids it cannot always prevent, e.g. NULLs of an outer join.
  expect(nullable(await describeTable(source, table))).toEqual(['x', 'z']);
  expect(nullable(await describeTable(source, table, 'null'))).toEqual(['n', 'd', 'ts', 'a', 'x', 'z']);
  await source.close();
  await server.stop();
});

test('a server without an encoding hands its text out as bytes that are to be checked', async () => {
  const server = await startPostgres({ encoding: 'SQL_ASCII' });
  await server.query(`
    SET client_encoding = SQL_ASCII;
    CREATE TABLE t (a text NOT NULL, j json, n numeric(5,2), l text[]);
    INSERT INTO t VALUES (E'caf\\xe9', '{}', 1, '{x}')`);
  const source = await openPostgres(server);
  const table = await findTable(source, 't');
  const columns = await describeTable(source, table, 'null');
  expect(columns.map(({ decoder, expression, spec }) => [decoderText(decoder), expression, spec.nullable])).toEqual([
    ['checkedText', '"a"', true],
    ['checkedText', `CASE WHEN "j" IS DISTINCT FROM NULL THEN pg_catalog.format('%s', "j") END`, true],
    ['numeric 5,2', '"n"', true],
    ['array checkedText', '"l"', true],
  ]);
  const [slice] = await source.slice(table, columns, { degree: 1, largeTableThreshold: 0 });
  const settings = source.readerSettings().connection as PostgresSettings;
  const client = await connectPostgres(settings);
  await begin(client, settings, { mode: 'read' });
  await client.query(`COPY (${slice!.query}) TO '/dev/null' (FORMAT binary)`);
  const { rows } = await client.query('SHOW client_encoding');
  expect(rows).toEqual([{ client_encoding: 'SQL_ASCII' }]);
  await client.end();
  await source.close();
  await server.stop();
});

/** `INT32 DECIMAL(9,2)`; with `(cast)` where the query makes exact text of the column. */
function parquetType({ spec, expression }: ReadColumn): string {
  const { physical, length, logical } = spec.type;
  const form = { BYTE_ARRAY: 'BYTES', FIXED_LEN_BYTE_ARRAY: `FIXED(${length})` }[physical as string] ?? physical;
  const cast = spec.fidelity === 'exact' && expression.includes('pg_catalog.format(') ? ' (cast)' : '';
  const list = spec.list ? 'LIST ' : '';
  switch (logical?.kind) {
    case undefined:
      return `${list}${form}`;
    case 'string':
    case 'json':
      return `${list}${logical.kind.toUpperCase()}${cast}`;
    case 'integer':
      return `${list}${form} INT(${logical.bitWidth})`;
    case 'decimal':
      return `${list}${form} DECIMAL(${logical.precision},${logical.scale})`;
    case 'uuid':
    case 'date':
      return `${list}${form} ${logical.kind.toUpperCase()}`;
    case 'time':
    case 'timestamp':
      return `${list}${form} ${logical.kind.toUpperCase()}${logical.utc ? ' UTC' : ''}`;
  }
}

function decoderText({ kind, element, precision, scale }: ColumnDecoder): string {
  const numbers = [precision, scale].filter((number) => number !== undefined).join(',');
  return [kind, element, numbers].filter((part) => part !== undefined && part !== '').join(' ');
}
