import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runExportHere, type ExportRun } from '../../harness/export-run.js';
import { readByForeign, type ReadAnswer, whyNoForeignReaders } from '../../harness/foreign-readers/index.js';
import { readFooter } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/* What people do with the files: whole directories, Spark, Iceberg, columns by their ids. */

const WHOLE = ['polars', 'pyarrow', 'duckdb', 'datafusion', 'clickhouse', 'spark'] as const;

/** Column, type, values; then what Spark is asked for, and what the server is asked for that prints the same. */
const SPARK_COLUMNS = [
  ['b', 'boolean', ["'t'", "'f'"]],
  ['s', 'smallint', ['-32768', '32767']],
  ['i', 'integer', ['-2147483648', '2147483647']],
  ['l', 'bigint', ['-9223372036854775808', '9223372036854775807']],
  ['o', 'oid', ['0', '4294967295']],
  ['n9', 'numeric(9,2)', ['-9999999.99', '0.01']],
  ['n18', 'numeric(18,4)', ['-0.0001', '99999999999999.9999']],
  ['n38', 'numeric(38,10)', ['-1234567890123456789012345678.0123456789', '1.5']],
  ['n', 'numeric', ["'NaN'", "'1.234567890123456789012345678901234567890'"]],
  ['t', 'text', ["'żółć 😀'", "''"]],
  ['x', 'xml', ["'<a/>'", "'<b/>'"]],
  ['j', 'jsonb', [`'{"a": [1, null]}'`, "'null'"]],
  ['da', 'date', ["'0001-01-01'", "'1582-10-10'"]],
  ['ts', 'timestamp', ["'1500-02-28 23:59:59.999999'", "'9999-12-31 23:59:59.999999'"]],
  ['tz', 'timestamptz', ["'1582-10-10 00:00:00+00'", "'2024-03-31 02:30:00+02'"], "v AT TIME ZONE 'UTC'"],
  ['ti', 'time', ["'24:00'", "'12:34:56.789'"]],
  ['ti0', 'time', ["'00:00:00.000001'", "'23:59:59'"]],
  ['tt', 'timetz', ["'24:00:00+15:59'", "'12:34:56.7-02'"]],
  ['u', 'uuid', ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]],
  ['au', 'uuid[]', ["'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11,NULL}'", "'{}'"], 'array_to_json(v)'],
  ['ati', 'time[]', ["'{12:34:56.789,NULL,24:00}'", "'{00:00:00}'"], 'array_to_json(v)'],
  ['ai', 'integer[]', ["'{1,NULL,3}'", "'{}'"], 'array_to_json(v)'],
  ['at', 'text[]', [`'{"a b",NULL,""}'`, "'{NULL}'"], 'array_to_json(v)'],
  ['ada', 'date[]', ["'{1500-02-28,NULL}'", "'{2024-02-29}'"], 'array_to_json(v)'],
] as const;

/** Values that are there, or between others that are. */
const CONDITIONS = ['k = 7919000', "t = 'user 7919'", 'k = 5000001', "t = 'user 50 is not here'"];

const REASON = whyNoForeignReaders();

describe.skipIf(REASON !== undefined)('readers of other projects', () => {
  let server: PostgresServer;
  const runs: ExportRun[] = [];
  let answers: Record<string, ReadAnswer>;
  /** Directories of compact files: for all readers, and for Spark. */
  let dense: string[];

  const whole = (name: string) => path.join(runs[0]!.directory, 'public', name);

  beforeAll(async () => {
    server = await startPostgres();
    await server.query(`
      CREATE TABLE plain AS SELECT g AS id, 'x' || g AS t FROM generate_series(1, 3) g;
      CREATE TABLE "a=b" AS TABLE plain;
      CREATE TABLE "what*?[x]{y}" AS TABLE plain;
      CREATE TABLE lists (l integer[], n numeric(12,2)[], id integer, m text[], at timestamptz[], s text);
      INSERT INTO lists VALUES ('{1,NULL,3}', '{1.20}', 7, '{a,NULL,"b c"}', '{2024-02-29 12:00:00+00}', 'last'),
        (NULL, NULL, 8, '{}', NULL, NULL);
      CREATE TABLE ids AS SELECT id, l, s FROM lists;
      CREATE TABLE kinds (k integer, ${SPARK_COLUMNS.map(([name, type]) => `${name} ${type}`).join(', ')});
      INSERT INTO kinds VALUES
        ${[0, 1].map((row) => `(${[row, ...SPARK_COLUMNS.map(([, , values]) => values[row])].join(', ')})`).join(', ')},
        (2${', NULL'.repeat(SPARK_COLUMNS.length)});
      CREATE TABLE nothing (LIKE kinds);
      CREATE TABLE dense AS SELECT g AS id, (g % 4)::smallint AS few, 1000000::bigint * g + g % 7 AS key, g * interval '1 s' + '2024-01-01'::timestamp AS at,
          (random() * 1000)::numeric(12,2) AS price, 'https://example.org/' || g AS url, md5(g::text) AS hash, g > 500 AS flag,
          CASE WHEN g % 3 > 0 THEN g END AS some, NULL::integer AS nothing, ARRAY[g, NULL, g + 1] AS pair, ARRAY['a' || g, 'a' || g % 9] AS texts,
          g * 0.07::numeric(9,2) AS small, '2000-01-01'::date + g AS day, g * interval '17 s' + '2024-01-01'::timestamptz AS moment, g::oid AS number,
          jsonb_build_object('id', g, 'name', md5(g::text)) AS doc, convert_to('raw ' || g, 'UTF8') AS raw,
          sin(g) AS wave, sin(g)::real AS ripple, ARRAY[sin(g), NULL, cos(g)] AS waves FROM generate_series(1, 3000) g;
      ALTER TABLE dense ALTER small TYPE numeric(9,2);
      CREATE TABLE keyed AS SELECT (g * 7919::bigint) % 10007 * 1000 AS k, 'user ' || (g * 7919) % 10007 AS t FROM generate_series(1, 4000) g;
      CREATE TABLE refused AS SELECT 1 AS id, '12:00'::time AS t`);
    runs.push(await runExportHere(server, { args: ['-i', 'plain,a=b,what*?[x]{y},lists,ids,refused,dense'] }));
    const spark = (...args: string[]) => runExportHere(server, { args: ['--compat', 'spark', ...args] });
    runs.push(await spark('-i', 'kinds,nothing'), await spark('-i', 'kinds', '--compression_type', 'Lz4'));
    const compact = ['-i', 'dense', '--encoding', 'compact'];
    dense = [await runExportHere(server, { args: compact }), await spark(...compact)].map((run) => {
      runs.push(run);
      return path.join(run.directory, 'public/dense');
    });

    const keyed = ['-i', 'keyed', '--row_group_rows', '1000'];
    const filters = ['--bloom_filter', 'keyed:k,t:0.0001'];
    const [filtered, unfiltered] = [
      await runExportHere(server, { args: [...keyed, ...filters] }),
      await runExportHere(server, { args: keyed }),
    ].map((run) => {
      runs.push(run);
      return path.join(run.directory, 'public/keyed');
    });

    const parquet = {
      duckdb: '/*.parquet',
      clickhouse: '/*.parquet',
      polars: '',
      pyarrow: '',
      datafusion: '',
      spark: '',
    };
    const tables = ['plain', 'a%3Db', 'what%2A%3F%5Bx%5D%7By%7D'];
    const columns = [
      'cast(k as string)',
      ...SPARK_COLUMNS.map(([name, type]) => (type.endsWith('[]') ? `to_json(${name})` : `cast(${name} as string)`)),
    ];
    const file = (name: string) => path.join(whole(name), 'part-00000.parquet');
    answers = await readByForeign({
      ...Object.fromEntries(
        tables.flatMap((table) =>
          WHOLE.map((reader) => [`${reader} ${table}`, { reader, path: whole(table) + parquet[reader] }]),
        ),
      ),
      ...Object.fromEntries(
        WHOLE.flatMap((reader) => {
          // Python's DuckDB would need another package for such times.
          const columns = reader === 'duckdb' ? ['* REPLACE (moment::text AS moment)'] : [];
          const of = (directory: string) => ({ reader, path: directory + parquet[reader], columns });
          return [
            [`${reader} dense`, of(whole('dense'))],
            [`${reader} dense, compact`, of(dense[reader === 'spark' ? 1 : 0]!)],
          ];
        }),
      ),
      ...Object.fromEntries(
        (['spark_scanned', 'datafusion_scanned'] as const).flatMap((reader) => [
          [`${reader} filtered`, { reader, path: filtered!, columns: CONDITIONS }],
          [`${reader} unfiltered`, { reader, path: unfiltered!, columns: CONDITIONS }],
        ]),
      ),
      'spark compact for others': { reader: 'spark', path: dense[0]! },
      'spark by rows, compact for others': { reader: 'spark_by_rows', path: dense[0]! },
      'iceberg lists': { reader: 'iceberg', path: file('lists') },
      'duckdb lists': { reader: 'duckdb', path: file('lists'), columns: ['l', 'n::text', 'id', 'm', 's'] },
      'spark lists': { reader: 'spark', path: whole('lists'), columns: ['to_json(l)', 'id', 'to_json(m)', 's'] },
      'ids of lists': { reader: 'field_ids', path: file('lists') },
      'duckdb by ids': { reader: 'duckdb_by_ids', path: file('ids'), columns: ['INTEGER', 'INTEGER[]', 'VARCHAR'] },
      ...Object.fromEntries(
        runs.slice(1, 3).map((run, at) => {
          return [`spark kinds ${at}`, { reader: 'spark', path: path.join(run.directory, 'public/kinds'), columns }];
        }),
      ),
      'spark refused': { reader: 'spark', path: whole('refused') },
      'spark nothing': { reader: 'spark', path: path.join(runs[1]!.directory, 'public/nothing'), columns },
    });
  }, 900_000);

  afterAll(async () => {
    for (const run of runs) await run.remove();
    await server.stop();
  });

  it.each(WHOLE.flatMap((reader) => ['plain', 'a%3Db', 'what%2A%3F%5Bx%5D%7By%7D'].map((table) => [reader, table])))(
    '%s takes the directory %s as a whole, and finds the columns of the table in it',
    (reader, table) => {
      const { rows = [], error } = answers[`${reader} ${table}`]!;
      expect(error).toBeUndefined();
      expect([...rows].sort()).toEqual([1, 2, 3].map((id) => [id, `x${id}`]));
    },
  );

  it.each(WHOLE)('%s finds the same rows in compact files', (reader) => {
    const { rows = [], error } = answers[`${reader} dense, compact`]!;
    expect(error).toBeUndefined();
    expect(rows).toHaveLength(3000);
    expect(rows).toEqual(answers[`${reader} dense`]!.rows);
  });

  it('compact files have every encoding of values, but what Spark lacks in those for Spark', async () => {
    const [all, forSpark] = await Promise.all(
      dense.map(async (directory) => {
        const { row_groups: groups } = await readFooter(path.join(directory, 'part-00000.parquet'));
        return new Set(groups.flatMap(({ columns }) => columns.flatMap((column) => column.meta_data?.encodings ?? [])));
      }),
    );
    const common = ['DELTA_BINARY_PACKED', 'DELTA_BYTE_ARRAY', 'DELTA_LENGTH_BYTE_ARRAY', 'RLE'];
    expect([...all!]).toEqual(expect.arrayContaining([...common, 'BYTE_STREAM_SPLIT']));
    expect([...forSpark!]).toEqual(expect.arrayContaining(common));
    expect([...forSpark!]).not.toContain('BYTE_STREAM_SPLIT');
  });

  it("only Spark's vectorized reader needs compact files without BYTE_STREAM_SPLIT", () => {
    expect(answers['spark compact for others']!.error).toContain('BYTE_STREAM_SPLIT');
    expect(answers['spark by rows, compact for others']).toEqual(answers['spark dense']);
  });

  it('Spark and DataFusion find values by Bloom filters, and read next to nothing for those that are not there', () => {
    expect(answers['spark_scanned filtered']!.rows).toEqual([
      [1, 1000],
      [1, 1000],
      [0, 0],
      [0, 0],
    ]);
    expect(answers['spark_scanned unfiltered']!.rows).toEqual([
      [1, 4000],
      [1, 4000],
      [0, 4000],
      [0, 4000],
    ]);
    expect(answers['datafusion_scanned filtered']!.rows).toEqual([
      [1, 1],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
    expect(answers['datafusion_scanned unfiltered']!.rows).toEqual([
      [1, 4],
      [1, 4],
      [0, 4],
      [0, 4],
    ]);
  });

  it('Iceberg reads the lists of a file added as is', () => {
    expect(answers['iceberg lists']).toEqual({
      rows: [
        [[1, null, 3], ['1.20'], 7, ['a', null, 'b c'], ['2024-02-29 12:00:00+00:00'], 'last'],
        [null, null, 8, [], null, null],
      ],
    });
  });

  it('DuckDB and Spark read lists by name', () => {
    expect(answers['duckdb lists']).toEqual({
      rows: [
        [[1, null, 3], '[1.20]', 7, ['a', null, 'b c'], 'last'],
        [null, null, 8, [], null],
      ],
    });
    expect(answers['spark lists']!.rows).toEqual(
      expect.arrayContaining([
        ['[1,null,3]', 7, '["a",null,"b c"]', 'last'],
        [null, 8, '[]', null],
      ]),
    );
  });

  it("list elements have the ids after the columns' highest, in order", () => {
    expect(answers['ids of lists']!.rows).toEqual([
      ['l', 1, 7],
      ['n', 2, 8],
      ['id', 3],
      ['m', 4, 9],
      ['at', 5, 10],
      ['s', 6],
    ]);
    expect(answers['duckdb by ids']).toEqual({
      rows: [
        [7, [1, null, 3], 'last'],
        [8, null, null],
      ],
    });
  });

  it('Spark reads files of --compat spark as the server prints them, in every codec', async () => {
    const printed = SPARK_COLUMNS.map(([name, , , form = 'v']) => `(${form.replace(/\bv\b/, name)})::text AS ${name}`);
    const expected = await server.query(`SELECT k::text, ${printed.join(', ')} FROM kinds ORDER BY k`);
    const columns = ['k', ...SPARK_COLUMNS.map(([name]) => name)];
    const rows = expected.map((row) => columns.map((name) => row[name]));
    const byName = (cells: readonly unknown[]) => Object.fromEntries(columns.map((name, i) => [name, cells[i]]));
    for (const at of [0, 1]) {
      const { rows: found = [], error } = answers[`spark kinds ${at}`]!;
      expect(error).toBeUndefined();
      expect(found.map(byName)).toEqual(rows.map(byName));
    }
    expect(answers['spark nothing']).toEqual({ rows: [] });
  });

  it('Spark cannot open a table with uuid and time without --compat spark', () => {
    expect(answers['spark refused']!.error).toMatch(/Illegal Parquet type/);
  });
});
