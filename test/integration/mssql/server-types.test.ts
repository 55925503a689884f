import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMssqlReader } from '../../../src/sources/mssql/reader.js';
import type { DescribeOptions, ReadColumn } from '../../../src/sources/source.js';
import { createMssqlDatabase, mssqlLiteral, mssqlUrl, type MssqlDatabase } from '../../servers/mssql-server.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { differences } from '../../harness/same-rows.js';
import { expectedCell } from '../../servers/tds/expected-cell.js';
import { NO_SNAPSHOT, readRequest, readToParquet, type ParquetRead } from '../../servers/tds/read-table.js';
import { TYPE_VALUES } from '../../servers/tds/type-values.js';

/** Every type, from Microsoft's own server. */

const OPTIONS: DescribeOptions = { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' };

describe.skipIf(mssqlUrl === undefined)('a real SQL Server', () => {
  let database: MssqlDatabase;
  beforeAll(async () => {
    database = await createMssqlDatabase({ collation: 'SQL_Latin1_General_CP1_CI_AS' });
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const describeTable = async (name: string): Promise<ReadColumn[]> => {
    const source = await database.openSource();
    try {
      const table = (await source.listTables()).find(({ id }) => id.name === name);
      if (table === undefined) throw new Error(`no table ${name}`);
      const [described] = await source.describe([table], OPTIONS);
      if (described === undefined || 'error' in described) throw described?.error ?? new Error('not described');
      return described.columns;
    } finally {
      await source.close();
    }
  };

  const readTable = async (name: string): Promise<{ read: ParquetRead; columns: readonly ReadColumn[] }> => {
    const columns = await describeTable(name);
    const reader = await openMssqlReader({ engine: 'mssql', connection: database.settings }, NO_SNAPSHOT);
    try {
      const list = columns.map(({ expression }) => expression).join(', ');
      const request = readRequest(columns);
      const slice = { ...request.slice, query: `SELECT ${list} FROM [dbo].[${name}]` };
      return { columns, read: await readToParquet(reader, { ...request, slice }) };
    } finally {
      await reader.close();
    }
  };

  test.each(TYPE_VALUES.map(([type, values], i) => ({ type, values, i })))('$type', async ({ type, values, i }) => {
    for (const nullability of ['NULL', 'NOT NULL']) {
      const table = `t${i}_${nullability.length}`;
      // A literal has no sign of zero.
      const given = values.filter((value) => !Object.is(value, -0));
      const rows = nullability === 'NULL' ? [...given, null] : given;
      await database.query(`CREATE TABLE ${table} (n int NOT NULL, v ${type} ${nullability})`);
      for (const [n, value] of rows.entries()) {
        await database.query(`INSERT INTO ${table} VALUES (${100 + n}, ${mssqlLiteral(type, value)})`);
      }
      const { read } = await readTable(table);
      await using file = read;
      const expected = rows.map((value, n) => [String(100 + n), expectedCell({ name: 'v', type }, value)]);
      expect(await differences('DuckDB', [file.file], expected)).toEqual([]);
    }
  });

  test('what the server converts', async () => {
    await database.query(`CREATE TYPE dbo.Phone FROM varchar(20) NOT NULL`);
    await database.query(`
      CREATE TABLE converted (
        n int NOT NULL, doc xml, note ntext, old text, picture image, node hierarchyid, place geography,
        phone dbo.Phone, version rowversion, twice AS n * 2, gap int SPARSE, any_value sql_variant)`);
    await database.query(`
      INSERT INTO converted (n, doc, note, old, picture, node, place, phone, gap, any_value) VALUES
        (1, N'<a b="ü"/>', N'ünï', 'café', 0x0102, '/1/2/', geography::Point(1, 2, 4326), '123', 7, CAST(0.1 AS float)),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, CAST(922337203685477.5807 AS money)),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, CAST('2024-02-29T12:34:56.997' AS datetime)),
        (4, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, CAST(0x00FF AS varbinary(4))),
        (5, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, N'text')`);
    const { read } = await readTable('converted');
    await using file = read;
    const rows = await queryDuckDb(
      `SELECT doc, note, old, hex(picture) AS picture, node, octet_length(place) AS place, phone, octet_length(version) AS version,
              twice, gap, any_value FROM ${quote(file.file)} ORDER BY n`,
    );
    expect(rows[0]).toMatchObject({
      doc: '<a b="ü"/>',
      note: 'ünï',
      old: 'café',
      picture: '0102',
      node: '/1/2/',
      place: '22',
      phone: '123',
      version: '8',
      twice: 2,
      gap: 7,
    });
    expect(rows.map((row) => row['any_value'])).toEqual([
      expect.stringMatching(/^1\.0000000000000001e-0?01$/i),
      '922337203685477.5807',
      '2024-02-29T12:34:56.997',
      '0x00FF',
      'text',
    ]);
  });

  test('code pages and UTF-8', async () => {
    await database.query(`
      CREATE TABLE pages (
        n int NOT NULL, greek varchar(20) COLLATE Greek_CI_AS, japanese varchar(20) COLLATE Japanese_CI_AS,
        dos varchar(20) COLLATE SQL_Latin1_General_CP437_CI_AS, utf8 varchar(20) COLLATE Latin1_General_100_CI_AS_SC_UTF8);
      INSERT INTO pages VALUES (1, N'αβγ', N'日本ｶ', N'é│', N'中😀')`);
    const { read } = await readTable('pages');
    await using file = read;
    const [row] = await queryDuckDb(`SELECT greek, japanese, dos, utf8 FROM ${quote(file.file)}`);
    expect(row).toEqual({ greek: 'αβγ', japanese: '日本ｶ', dos: 'é│', utf8: '中😀' });
  });

  test('values of 100 MB', async () => {
    await database.query(`
      CREATE TABLE big (n int NOT NULL, doc nvarchar(max));
      INSERT INTO big VALUES (1, N'before'), (2, REPLICATE(CAST(N'lakeport 😀' AS nvarchar(max)), 5000000)), (3, N'behind')`);
    const { read } = await readTable('big');
    await using file = read;
    const rows = await queryDuckDb(`SELECT strlen(doc) AS bytes FROM ${quote(file.file)} ORDER BY n`);
    expect(rows.map(({ bytes }) => bytes)).toEqual(['6', '65000000', '6']);
  });
});
