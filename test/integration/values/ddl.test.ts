import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ColumnSpec } from '../../../src/columns/column-spec.js';
import * as types from '../../../src/columns/parquet-types.js';
import type { DdlTable } from '../../../src/export/ddl/map-table.js';
import { ddlText } from '../../../src/export/ddl/statement.js';
import { DDL_DIALECTS, type DdlDialect } from '../../../src/export/model/ddl-dialect.js';
import { PLACES } from '../../harness/ddl-tables.js';
import { runExportHere, type ExportRun } from '../../harness/export-run.js';
import { readByForeign, whyNoForeignReaders, type ReadAnswer } from '../../harness/foreign-readers/index.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/* Statements of --generate-ddl, run by the systems that they are for, or taken by a parser of their SQL. */

const ODD = `o'd"d\`]\\ x`;
const quotedName = (name: string) => `"${name.replaceAll('"', '""')}"`;
const COMMENT = `it's \\ "so" \`x\` ]]\n-- ; DROP TABLE x \${env:HOME} 😀`;
const quotedText = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Type, value, and what the view of DuckDB calls it. */
const COLUMNS = [
  ['b', 'boolean', "'t'", 'BOOLEAN'],
  ['s', 'smallint', '-32768', 'SMALLINT'],
  ['i', 'integer', '2147483647', 'INTEGER'],
  ['l', 'bigint', '-9223372036854775808', 'BIGINT'],
  ['f', 'real', '1.5', 'FLOAT'],
  ['d', 'double precision', '0.1', 'DOUBLE'],
  ['n9', 'numeric(9,2)', '-0.01', 'DECIMAL(9,2)'],
  ['n38', 'numeric(38,10)', '1234567890123456789012345678.0123456789', 'DECIMAL(38,10)'],
  ['t', 'text', `'żółć 😀'`, 'VARCHAR'],
  ['j', 'jsonb', `'{"a": [1, null]}'`, 'JSON'],
  ['x', 'bytea', `'\\x00ff'`, 'BLOB'],
  ['da', 'date', "'2024-02-29'", 'DATE'],
  ['ts', 'timestamp', "'2024-02-29 23:59:59.999999'", 'TIMESTAMP'],
  ['tz', 'timestamptz', "'2024-03-31 02:30:00.5+02'", 'TIMESTAMP WITH TIME ZONE'],
  ['ti', 'time', "'12:34:56.789012'", 'TIME'],
  ['u', 'uuid', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", 'UUID'],
  ['ai', 'integer[]', "'{1,NULL,3}'", 'INTEGER[]'],
  ['select', 'integer', '7', 'INTEGER'],
] as const;

let server: PostgresServer;
let run: ExportRun;
/** Its statements, which Spark can only read with its own types. */
let forSpark: ExportRun;

const fileOf = (table: string, dialect: DdlDialect, of: ExportRun = run) =>
  path.join(of.directory, 'public', `_${table}.${dialect}.sql`);

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE kinds (k int PRIMARY KEY, ${COLUMNS.map(([name, type]) => `"${name}" ${type}`).join(', ')});
    INSERT INTO kinds VALUES (1, ${COLUMNS.map(([, , value]) => value).join(', ')}), (2${', NULL'.repeat(COLUMNS.length)});
    COMMENT ON TABLE kinds IS ${quotedText(COMMENT)};
    COMMENT ON COLUMN kinds.t IS ${quotedText(COMMENT)};
    CREATE TABLE ${quotedName(ODD)} (id int, ${quotedName(ODD)} text); INSERT INTO ${quotedName(ODD)} VALUES (1, 'a');
    CREATE TABLE parted (id int, region text, day date, at timestamp, n int);
    INSERT INTO parted VALUES (1, '007', '2024-02-29', '2024-03-01', 5), (2, 'a/b c', '2024-02-29', '2025-01-01', 5), (3, NULL, '2024-02-29', NULL, 5);
    COMMENT ON COLUMN parted.region IS 'where';
    CREATE TABLE empty (id int, t text)`);
  const args = ['--generate_ddl', DDL_DIALECTS.join(','), '--partition_by', 'parted:region, n, year(at)'];
  run = await runExportHere(server, { args });
  forSpark = await runExportHere(server, { args: ['--compat', 'spark', ...args] });
  expect([run.cli.code, forSpark.cli.code, run.cli.stderr]).toEqual([0, 0, expect.anything()]);
});
afterAll(async () => {
  await run.remove();
  await forSpark.remove();
  await server.stop();
});

describe('statements for DuckDB', () => {
  async function rowsOf(tables: readonly string[], query: string): Promise<unknown[][]> {
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    try {
      for (const table of tables) await connection.run(await readFile(fileOf(table, 'duckdb'), 'utf8'));
      return (await connection.runAndReadAll(query)).getRowsJson();
    } finally {
      connection.closeSync();
    }
  }

  it('make views with the exact types, names and comments', async () => {
    const listed = await rowsOf(
      ['kinds'],
      `SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'kinds' ORDER BY column_index`,
    );
    expect(listed).toEqual([
      ['k', 'INTEGER', null],
      ...COLUMNS.map(([name, , , type]) => [name, type, name === 't' ? COMMENT : null]),
    ]);
    expect(await rowsOf(['kinds'], `SELECT comment FROM duckdb_views() WHERE view_name = 'kinds'`)).toEqual([
      [COMMENT],
    ]);
    expect(await rowsOf(['kinds'], `SELECT k, n38::text, u::text, t FROM public.kinds ORDER BY k`)).toEqual([
      [1, '1234567890123456789012345678.0123456789', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'żółć 😀'],
      [2, null, null, null],
    ]);
  });

  it('take names with quotes, and tables without rows', async () => {
    const [name = ''] = run.result.tables
      .map(({ path: shown }) => path.basename(shown))
      .filter((one) => /^o'd/.test(one));
    expect(await rowsOf([name], `SELECT * FROM public.${quotedName(ODD)}`)).toEqual([[1, 'a']]);
    expect(await rowsOf(['empty'], 'SELECT * FROM public.empty')).toEqual([]);
  });

  it('have directories as columns of their types', async () => {
    expect(
      await rowsOf(['parted'], 'SELECT id, region, n, typeof(n), year, typeof(year) FROM public.parted ORDER BY id'),
    ).toEqual([
      [1, '007', 5, 'INTEGER', 2024, 'INTEGER'],
      [2, 'a/b c', 5, 'INTEGER', 2025, 'INTEGER'],
      [3, null, 5, 'INTEGER', null, 'INTEGER'],
    ]);
  });
});

describe('the report of a run', () => {
  it('names the files of statements, and so does the manifest', async () => {
    const { ddl } = run.table('kinds') as { readonly ddl?: Readonly<Record<string, string>> };
    expect(Object.keys(ddl ?? {}).sort()).toEqual([...DDL_DIALECTS].sort());
    expect(path.resolve(run.directory, ddl?.['duckdb'] ?? '')).toBe(fileOf('kinds', 'duckdb'));
    expect((await run.manifest('kinds'))['ddl']).toEqual(
      DDL_DIALECTS.map((dialect) => ({ dialect, file: `_kinds.${dialect}.sql` })),
    );
  });

  it('says in the file why a system cannot read the table where it is', async () => {
    expect(await readFile(fileOf('kinds', 'athena'), 'utf8')).toContain('Athena reads Amazon S3 only');
  });
});

const REASON = whyNoForeignReaders();

/** Dialects that nothing here can run, where they can read from, and the kinds of their statements. */
const PARSED: Readonly<Record<string, { readonly place: keyof typeof PLACES; readonly kinds: readonly string[] }>> = {
  trino: { place: 's3', kinds: ['Create', 'Command'] },
  athena: { place: 's3', kinds: ['Create', 'Command'] },
  snowflake: { place: 's3', kinds: ['Create', 'Comment'] },
  bigquery: { place: 'gcs', kinds: ['Create'] },
  redshift: { place: 's3', kinds: ['Create', 'Alter'] },
  databricks: { place: 's3', kinds: ['Create', 'Command'] },
  fabric: { place: 'azure', kinds: ['Create'] },
};

describe.skipIf(REASON !== undefined)('statements for other systems', () => {
  const scratch = new ScratchDirectory();
  let answers: Record<string, ReadAnswer>;

  beforeAll(async () => {
    const column = (name: string, type: ColumnSpec['type'], list = false): DdlTable['columns'][number] => ({
      spec: { name, type, list, fieldId: 1, nullable: true, sourceType: name, fidelity: 'exact' },
      comment: COMMENT,
    });
    const table: DdlTable = {
      schema: 'public',
      name: 'orders',
      comment: COMMENT,
      columns: [
        ...[
          column('select', types.INT32),
          column('b', types.BOOLEAN),
          column('i8', types.integerType(8, { signed: true })),
        ],
        ...[column('u8', types.integerType(8, { signed: false })), column('l', types.INT64), column('f', types.FLOAT)],
        ...[column('d', types.DOUBLE), column('n', types.decimalType(38, 10)), column('t', types.STRING)],
        ...[column('j', types.JSON_TEXT), column('x', types.BYTES), column('da', types.DATE), column('u', types.UUID)],
        ...[column('ts', types.timestampType('MICROS', { utc: false })), column('ti', types.timeType('MICROS'))],
        ...[column('tz', types.timestampType('MICROS', { utc: true })), column('ai', types.INT32, true)],
        column('tn', types.timestampType('NANOS', { utc: false })),
      ],
      partitions: [{ name: 'year' }, { name: 'region', type: types.STRING, comment: 'where' }],
      directories: [{ path: 'year=2024/region=EU', values: ['2024', 'EU'] }],
      place: PLACES.s3,
    };
    const texts = Object.entries(PARSED).map(([dialect, { place }]) => {
      // The parser takes neither BigQuery's partition columns nor files in FROM for more than words.
      const partitions = dialect === 'bigquery' ? [] : table.partitions;
      const text = ddlText({ ...table, partitions, place: PLACES[place] }, dialect as DdlDialect);
      return [dialect, text.replace(/OPENROWSET\([^]*\) AS files/, '[rows] AS files')] as const;
    });
    for (const [dialect, text] of texts) await writeFile(path.join(scratch.path, `${dialect}.sql`), text);
    const shown = COLUMNS.filter(([name]) => !['x', 'tz'].includes(name)).map(([name]) => `\`${name}\``);
    answers = await readByForeign({
      ...Object.fromEntries(
        texts.map(([dialect]) => [
          `parsed ${dialect}`,
          { reader: 'sqlglot', path: path.join(scratch.path, `${dialect}.sql`), columns: [dialect] },
        ]),
      ),
      'spark kinds': {
        reader: 'spark_sql',
        path: fileOf('kinds', 'spark', forSpark),
        columns: [
          `SELECT k, CAST(n38 AS STRING), t, CAST(ts AS STRING), CAST(tz AS STRING), \`select\` FROM public.kinds ORDER BY k`,
          'DESCRIBE public.kinds',
          'DROP TABLE public.kinds',
        ],
      },
      'spark parted': {
        reader: 'spark_sql',
        path: fileOf('parted', 'spark'),
        columns: ['SELECT id, region, n, year FROM public.parted ORDER BY id', 'DESCRIBE public.parted'],
      },
      'spark without its types': {
        reader: 'spark_sql',
        path: fileOf('kinds', 'spark'),
        columns: ['SELECT k, t FROM public.kinds ORDER BY k'],
      },
      'spark comments': { reader: 'spark_comments', path: path.join(forSpark.directory, 'public/kinds') },
      'clickhouse kinds': {
        reader: 'clickhouse_sql',
        path: fileOf('kinds', 'clickhouse'),
        columns: [
          `SELECT k, ${shown.join(', ')} FROM public.kinds ORDER BY k`,
          `SELECT name, type, comment FROM system.columns WHERE database = 'public' AND table = 'kinds' ORDER BY position`,
        ],
      },
      'clickhouse parted': {
        reader: 'clickhouse_sql',
        path: fileOf('parted', 'clickhouse'),
        columns: ['SELECT id, region, n, year FROM public.parted ORDER BY id'],
      },
      'clickhouse empty': {
        reader: 'clickhouse_sql',
        path: fileOf('empty', 'clickhouse'),
        columns: ['SELECT * FROM public.empty'],
      },
    });
  }, 900_000);
  afterAll(() => scratch.remove());

  it.each(Object.entries(PARSED))('are SQL of %s', (dialect, { kinds }) => {
    const { rows = [], error } = answers[`parsed ${dialect}`]!;
    expect(error).toBeUndefined();
    expect([...new Set(rows.map(([kind]) => kind))]).toEqual(kinds);
  });

  it('are run by Spark, and keep values, types and comments', () => {
    const [rows, columns] = answers['spark kinds']!.rows as unknown[][][];
    expect(rows).toEqual([
      [
        ...[1, '1234567890123456789012345678.0123456789', 'żółć 😀', '2024-02-29 23:59:59.999999'],
        ...['2024-03-31 00:30:00.5', 7],
      ],
      [2, null, null, null, null, null],
    ]);
    expect(columns).toEqual(answers['spark comments']!.rows);
    expect(columns).toEqual(
      expect.arrayContaining([
        ['n38', 'decimal(38,10)', null],
        ['t', 'string', COMMENT],
        ['ts', 'timestamp_ntz', null],
        ['tz', 'timestamp', null],
        ['u', 'string', null],
        ['ai', 'array<int>', null],
      ]),
    );
  });

  it('are run by Spark, with directories', () => {
    const [rows, columns] = answers['spark parted']!.rows as unknown[][][];
    expect(rows).toEqual([
      [1, '007', 5, 2024],
      [2, 'a/b c', 5, 2025],
      [3, null, 5, null],
    ]);
    expect(columns).toContainEqual(['region', 'string', 'where']);
  });

  it('let Spark read the other columns of a table that it could not open', () => {
    expect(answers['spark without its types']!.rows).toEqual([
      [
        [1, 'żółć 😀'],
        [2, null],
      ],
    ]);
  });

  it('are run by ClickHouse, and keep values, types and comments', () => {
    const [rows, columns] = answers['clickhouse kinds']!.rows as unknown[][][];
    expect(rows?.[0]).toEqual(
      expect.arrayContaining(['żółć 😀', '{"a": [1, null]}', '2024-02-29 23:59:59.999999', true, [1, null, 3]]),
    );
    expect(columns).toEqual(
      expect.arrayContaining([
        ['k', 'Int32', ''],
        ['n38', 'Nullable(Decimal(38, 10))', ''],
        ['t', 'Nullable(String)', COMMENT],
        ['tz', "Nullable(DateTime64(6, 'UTC'))", ''],
        ['u', 'Nullable(UUID)', ''],
      ]),
    );
    expect(answers['clickhouse empty']!.rows).toEqual([[]]);
  });

  it('are run by ClickHouse, with directories', () => {
    expect(answers['clickhouse parted']).toEqual({
      rows: [
        [
          [1, '007', 5, '2024'],
          [2, 'a%2Fb c', 5, '2025'],
          [3, '__HIVE_DEFAULT_PARTITION__', 5, '__HIVE_DEFAULT_PARTITION__'],
        ],
      ],
    });
  });
});
