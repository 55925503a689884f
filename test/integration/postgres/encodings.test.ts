import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresEntry } from '../../harness/cli.js';
import { runExportHere as runExportHere } from '../../harness/export-run.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { differences } from '../../harness/same-rows.js';
import { serverText } from '../../harness/server-text.js';

/*
 * Databases in other encodings than UTF-8. Values and names are compared with what the server itself makes of them in
 * UTF-8; where it can't, with the kind of failure.
 */

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function createDatabase(encoding: string, name = `in_${encoding.toLowerCase()}`): Promise<string> {
  await server.query(`CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`);
  return name;
}

/** One encoding of each family, with a name that it can hold. */
const SINGLE_BYTE = [
  ['LATIN1', 'café'],
  ['LATIN2', 'łódź'],
  ['LATIN5', 'İş'],
  ['LATIN9', 'œuf €'],
  ['LATIN10', 'școală'],
  ['ISO_8859_5', 'таблица'],
  ['KOI8R', 'таблица'],
  ['WIN1251', 'таблица'],
  ['WIN1252', 'café €'],
] as const;

const SEVERAL_BYTES = [
  ['EUC_JP', '表'],
  ['EUC_KR', '표'],
] as const;

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** A table of texts of every shape, under names that are not ASCII, of these characters. */
const tableOf = (name: string, texts: string) => `
  CREATE TYPE ${quoted(`${name} enum`)} AS ENUM ('${name}', 'plain');
  CREATE DOMAIN ${quoted(`${name} domain`)} AS text;
  CREATE TYPE ${quoted(`${name} pair`)} AS (a text, b int);
  CREATE TABLE ${quoted(name)} AS
  SELECT n::int AS id, t AS ${quoted(`${name}!`)}, t::varchar AS v, t::char(9) AS c, ARRAY[t, NULL, 'x'] AS l,
         '${name}'::${quoted(`${name} enum`)} AS e, t::${quoted(`${name} domain`)} AS d,
         ROW(t, 1)::${quoted(`${name} pair`)} AS r, pg_catalog.json_build_object('${name}', t) AS j,
         pg_catalog.jsonb_build_object(t, '${name}') AS jb, ARRAY['${name}', 'plain']::${quoted(`${name} enum`)}[] AS le
  FROM (${texts}) AS s (n, t);
  COMMENT ON TABLE ${quoted(name)} IS '${name}'`;

async function expectSameAsServer(database: string, name: string): Promise<void> {
  const run = await runExportHere(server, { database });
  try {
    expect(run.cli.stderr + run.cli.stdout).not.toContain('"error"');
    expect(run.cli.code).toBe(0);
    const expected = await serverText(server, `SELECT * FROM ${quoted(name)} ORDER BY id`, { database });
    expect(await differences('DuckDB', await run.files(name), expected)).toEqual([]);
  } finally {
    await run.remove();
  }
}

describe('a database of single bytes is exported as the server converts it, every character of', () => {
  it.each(SINGLE_BYTE)('%s', async (encoding, name) => {
    const database = await createDatabase(encoding);
    // Those bytes that the server converts; the others have tests of their own.
    const client = await server.connect({ database });
    const bytes: number[] = [];
    for (let byte = 128; byte < 256; byte++) {
      const { rows } = await client
        .query<{ there: boolean }>(`SELECT chr(${byte}) <> '' AS there, chr(${byte})`)
        .catch(() => ({ rows: [] }));
      if (rows.length > 0) bytes.push(byte);
    }
    expect(bytes.length).toBeGreaterThan(80);
    await client.query(tableOf(name, `SELECT n, chr(n) || 'a' || chr(n) FROM unnest('{${bytes.join(',')}}'::int[]) n`));
    await client.end();
    await expectSameAsServer(database, name);
  });
});

describe('a database of several bytes a character is exported as the server converts it:', () => {
  it.each(SEVERAL_BYTES)('%s', async (encoding, name) => {
    const database = await createDatabase(encoding);
    const client = await server.connect({ database });
    await client.query(tableOf(name, `SELECT 0, '${name}'`));
    // Rows of the character set that the server converts whole, and what else a code of two bytes may be.
    const rows = [0xa3, 0xb0, 0xb1, 0xb2, 0xc0, 0xc8, 0xd6, 0x8e].map((high) => high.toString(16));
    for (const high of rows) {
      for (let low = 0xa1; low <= 0xfe; low += 3) {
        const code = `'\\x${high}${low.toString(16)}'`;
        await client
          .query(
            `INSERT INTO ${quoted(name)} (id, v) SELECT ${parseInt(high, 16) * 256 + low}, convert_from(${code}, '${encoding}')
                  WHERE pg_catalog.convert(${code}, '${encoding}', 'UTF8') IS NOT NULL`,
          )
          .catch(() => undefined);
      }
    }
    const { rows: counted } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${quoted(name)}`);
    expect(Number(counted[0]!.n)).toBeGreaterThan(80);
    await client.end();
    await expectSameAsServer(database, name);
  });
});

describe('text that has no form in UTF-8', () => {
  const CASES = [
    ['WIN1252', 'chr(129)', 'chr(233)', 'é'],
    ['EUC_JP', `convert_from('\\xa9a1', 'EUC_JP')`, `convert_from('\\xc9bd', 'EUC_JP')`, '表'],
    ['SQL_ASCII', `convert_from('\\xe9', 'SQL_ASCII')`, `convert_from('\\xc3a9', 'SQL_ASCII')`, 'é'],
  ] as const;

  beforeAll(async () => {
    for (const [encoding, bad, good] of CASES) {
      const database = await createDatabase(encoding, `bad_${encoding.toLowerCase()}`);
      const client = await server.connect({ database });
      // What the server sends back, it would have to convert.
      await client.query(`SET client_encoding = '${encoding}'`);
      const statements = `
        CREATE TYPE pair AS (a text, b int);
        CREATE DOMAIN words AS varchar(20);
        CREATE TABLE fine AS SELECT 1 AS id, ${good} AS t;
        CREATE TABLE texts AS SELECT n AS id, CASE n WHEN 2 THEN ${bad} ELSE ${good} END AS t FROM generate_series(1, 3) n;
        CREATE TABLE shapes AS SELECT n AS id, CASE n WHEN 2 THEN ARRAY[${bad}] ELSE ARRAY[${good}] END AS l,
          ROW(CASE n WHEN 2 THEN ${bad} ELSE ${good} END, n)::pair AS r, json_build_object('k', CASE n WHEN 2 THEN ${bad} ELSE ${good} END) AS j,
          CASE n WHEN 2 THEN ${bad} ELSE ${good} END::words AS d, CASE n WHEN 2 THEN ${bad} ELSE ${good} END::char(3) AS c
          FROM generate_series(1, 3) n;
        DO $$ BEGIN
          EXECUTE format('CREATE TABLE %I (a int)', 't' || ${bad});
          EXECUTE format('CREATE TABLE has_column (a int, %I int)', 'c' || ${bad});
          EXECUTE format('CREATE TYPE label AS ENUM (''plain'', %L)', 'l' || ${bad});
        END $$;
        CREATE TABLE labels AS SELECT n AS id, (enum_range(NULL::label))[n] AS e FROM generate_series(1, 2) n`;
      await client.query(statements);
      await client.end();
    }
  });

  describe.each(CASES)('in %s', (encoding, _bad, _good, good) => {
    const database = `bad_${encoding.toLowerCase()}`;

    it('stops its table with a code of its own, the column and the way out; other tables are published', async () => {
      const run = await runExportHere(server, { database, args: ['-i', 'fine,texts,shapes,labels'] });
      try {
        expect(run.cli.code).toBe(5);
        expect(run.table('fine').state).toBe('completed');
        for (const [table, column] of [
          ['texts', 't'],
          ['shapes', 'l'],
          ['labels', 'e'],
        ] as const) {
          const { error } = run.table(table);
          expect(error).toMatchObject({ code: 'TEXT_NOT_DECODABLE', context: { column } });
          expect(error?.hint).toContain('--on-unrepresentable null');
          expect(error?.hint?.includes('source_encoding')).toBe(encoding === 'SQL_ASCII');
        }
        expect(await differences('DuckDB', await run.files('fine'), [['1', good]])).toEqual([]);
      } finally {
        await run.remove();
      }
    });

    it('is NULL with --on-unrepresentable null, alone, and counted', async () => {
      const args = ['-i', 'fine,texts,shapes,labels', '--on_unrepresentable', 'null'];
      const run = await runExportHere(server, { database, args });
      try {
        expect(run.cli.code).toBe(0);
        expect(run.table('texts').unrepresentable).toEqual({ t: 1 });
        const rows = [
          ['1', good],
          ['2', null],
          ['3', good],
        ];
        expect(await differences('DuckDB', await run.files('texts'), rows)).toEqual([]);
        expect(run.table('shapes').unrepresentable).toEqual({ l: 1, r: 1, j: 1, d: 1, c: 1 });
        expect(run.table('labels').unrepresentable).toEqual({ e: 1 });
      } finally {
        await run.remove();
      }
    });

    it('in the name of a table or a column stops that table and says so', async () => {
      const run = await runExportHere(server, { database, args: ['-i', 'fine,has_column,t\\\\%'] });
      try {
        expect(run.cli.code).toBe(3);
        expect(run.table('fine').state).toBe('completed');
        const failed = run.result.tables.filter(({ state }) => state === 'failed');
        expect(failed.map(({ error }) => error?.code)).toEqual(['NAME_NOT_READABLE', 'NAME_NOT_READABLE']);
        expect(failed.map(({ table }) => table).join()).toMatch(/has_column/);
        expect(failed.map(({ table }) => table).join()).toMatch(/t\\x/);
        for (const { error } of failed) expect(error?.hint).toContain('ALTER TABLE');
      } finally {
        await run.remove();
      }
    });
  });
});

describe('text in a database without an encoding', () => {
  it.each([
    ['LATIN1', "'\\xe9a4'", 'é¤'],
    ['WIN1252', "'\\x80'", '€'],
    ['KOI8R', "'\\xd4c1'", 'та'],
    ['SJIS', "'\\x955c'", '表'],
    ['UTF8', "'\\xc3a9'", 'é'],
  ])('is decoded as the entry says it is, %s', async (sourceEncoding, bytes, text) => {
    const database = await createDatabase('SQL_ASCII', `ascii_${sourceEncoding.toLowerCase()}`);
    const client = await server.connect({ database });
    const value = `convert_from(${bytes}, 'SQL_ASCII')`;
    await client.query(`CREATE TABLE t AS SELECT 1 AS id, ${value} AS t, ARRAY[${value}, 'x'] AS l, NULL::text AS n`);
    await client.end();
    const run = await runExportHere(server, { database, entry: { source_encoding: sourceEncoding } });
    try {
      expect(run.cli.code).toBe(0);
      expect(await differences('DuckDB', await run.files('t'), [['1', text, [text, 'x'], null]])).toEqual([]);
    } finally {
      await run.remove();
    }
  });

  it('in an encoding that nobody knows is an error of the entry', async () => {
    for (const source_encoding of ['LATIN99', 'utf-16', 'hex']) {
      const run = await runExportHere(server, { entry: { source_encoding } });
      expect(run.cli.code).toBe(2);
      expect(run.result.error).toMatchObject({ code: 'SOURCE_ENCODING_UNKNOWN' });
      await run.remove();
    }
  });
});

describe('a run log in a database that lacks characters', () => {
  it('takes them escaped in every column, and gives them back as they were', async () => {
    const database = await createDatabase('LATIN1', 'log_in_latin1');
    await server.query(
      `CREATE TABLE "表 é \\u0041 😀" AS SELECT 1 AS "列"; CREATE VIEW "bröken 表" AS SELECT 1 / 0 AS x`,
    );
    const user = new LoggedUser(server);
    try {
      await user.authorize({ log: postgresEntry(server, { database }) });
      const { code, stderr } = await user.export('--log_db_auth_id', 'log', '--include_views', '--env_name', 'prod 表');
      expect(stderr).not.toContain('log_in_latin1 cannot');
      expect(code).toBe(3);
      const rows = await server.query(
        'SELECT source_table FROM export_jobs ORDER BY source_table COLLATE "C"',
        [],
        database,
      );
      expect(rows.map(({ source_table }) => source_table)).toEqual([
        '\\u8868 é \\u005cu0041 \\ud83d\\ude00',
        'bröken \\u8868',
      ]);
      const status = await user.status(undefined, '-a', 'auth.json', '--log_db_auth_id', 'log');
      expect(status.tables.map(({ table }) => table).sort()).toEqual(['bröken 表', '表 é \\u0041 😀']);
      expect(status.run.env_name).toBe('prod 表');
    } finally {
      user.remove();
    }
  });
});
