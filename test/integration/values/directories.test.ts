import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliStorageRuns } from '../../harness/cli-storage-run.js';
import { startCliS3 } from '../../harness/cli-stores/s3.js';
import { runExportHere, type ExportRun } from '../../harness/export-run.js';
import {
  readByForeign,
  type ReadAnswer,
  type ReadTask,
  whyNoForeignReaders,
} from '../../harness/foreign-readers/index.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/* Hive-style directories, which other readers turn back into columns. */

let server: PostgresServer;
let run: ExportRun;

const LONG = 'long '.repeat(60);
const ODD = [
  'EU',
  'a/b',
  'x=y',
  '50%',
  '%2F',
  'ü',
  'u:v',
  'NULL',
  '__HIVE_DEFAULT_PARTITION__',
  "it's",
  ' a b ',
  '{b}[c]',
  'a.',
  '007x',
  '#?*',
  '.',
  '..',
  '😀',
  'e\u0301',
  'é',
  'tab\t',
  '<>|&',
  '\\u',
  '^a^',
  'q"q',
  '\u007F',
];

beforeAll(async () => {
  server = await startPostgres();
  await server.query(
    `CREATE TABLE odd (id int, region text);
     INSERT INTO odd SELECT (row_number() OVER ())::int, v FROM json_array_elements_text('${JSON.stringify([...ODD, null]).replaceAll("'", "''")}') AS j (v);
     CREATE TABLE empty (id int, region text); INSERT INTO empty VALUES (1, ''), (2, NULL), (3, '${LONG}'), (4, 'EU');
     CREATE TABLE numbers (id int, code int, flag bool NOT NULL, "day" date);
     INSERT INTO numbers SELECT i, nullif(i % 3 - 1, 1), i % 2 = 0, '2024-01-01'::date + i FROM generate_series(1, 12) AS i;
     CREATE TABLE dated (id int, at timestamp, year text, area text);
     INSERT INTO dated SELECT i, '2024-11-15'::timestamp + i * interval '20 days', 'y' || i, 'a' || i % 2 FROM generate_series(1, 6) AS i;
     INSERT INTO dated VALUES (7, NULL, 'y7', 'a0'), (8, '20000-01-01', 'y8', 'a1'), (9, '0044-03-15 BC', 'y9', 'a1');
     CREATE TABLE parted (id int, partition int) PARTITION BY RANGE (id);
     CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (5);
     CREATE TABLE "parted=high" PARTITION OF parted DEFAULT; INSERT INTO parted SELECT i, -i FROM generate_series(1, 9) AS i;
     CREATE TABLE expressed AS SELECT id, "day" FROM numbers;
     CREATE TABLE bare (id int, region text)`,
  );
  run = await runExportHere(server, {
    args: [
      ...[
        'odd:region',
        'empty:region',
        'numbers:code, flag, "day"',
        'dated:year(at), month(at), area',
        'bare:region',
      ].flatMap((value) => ['--partition_by', value]),
      ...['--sort_by', 'numbers:"day" DESC, code', '--sort_by', 'odd:region'],
      ...['--table_config', 'parted:DBPartition;expressed:DataDriven:(EXTRACT(YEAR FROM day))'],
    ],
  });
}, 120_000);
afterAll(async () => {
  await run.remove();
  await server.stop();
});

async function directories(table: string): Promise<string[]> {
  const files = await readdir(path.join(run.directory, 'public', table), { recursive: true });
  const found = files.filter((file) => file.endsWith('.parquet')).map((file) => path.dirname(file));
  return [...new Set(found)].sort();
}

const NULLS = '__HIVE_DEFAULT_PARTITION__';

it('have the values that Hive would give them, and the same levels for every row', async () => {
  expect(run.result.tables.map(({ table, state, error }) => [table, state, error])).toEqual(
    run.result.tables.map(({ table }) => [table, 'completed', undefined]),
  );
  expect(await directories('odd')).toEqual(
    [
      ...['EU', 'a%2Fb', 'x%3Dy', '50%25', '%252F', 'ü', 'u%3Av', '%4EULL', '%5F_HIVE_DEFAULT_PARTITION__'],
      ...['it%27s', ' a b%20', '%7Bb}%5Bc%5D', 'a%2E', '007x', '%23%3F%2A', NULLS],
      ...['%2E', '.%2E', '😀', 'e\u0301', 'é', 'tab%09', '<>|&', '%5Cu', '%5Ea%5E', 'q%22q', '%7F'],
    ]
      .map((value) => `region=${value}`)
      .sort(),
  );
  expect(await directories('parted')).toEqual(['partition_key=parted%3Dhigh', 'partition_key=parted_low']);
  expect(await directories('expressed')).toEqual(['year=2024']);
  expect(await directories('bare')).toEqual([`region=${NULLS}`]);
  expect(new Set((await directories('dated')).map((name) => name.replaceAll(/=[^/]*/g, '')))).toEqual(
    new Set(['year_key/month/area']),
  );
  expect((await directories('dated')).at(-1)).toBe(`year_key=${NULLS}/month=${NULLS}/area=a1`);
  // What a name cannot say stays in the files.
  expect(await directories('empty')).toEqual([
    'region_key=EU',
    `region_key=${NULLS}`,
    expect.stringMatching(/^region_key=(long )+[a-z]*~[0-9a-f]{32}$/),
  ]);
});

it('have the same names in S3, with the same rows', async () => {
  const store = await startCliS3();
  const runs = new CliStorageRuns(server, { lake: store });
  try {
    const flags = ['--target_storage_id', 'lake', '-i', 'odd', '--partition_by', 'odd:region'];
    expect(await runs.run('export', ...flags)).toMatchObject({ code: 0 });
    const objects = [...(await store.objects())].filter(([key]) => key.endsWith('.parquet'));
    expect([...new Set(objects.map(([key]) => path.basename(path.dirname(key))))].sort()).toEqual(
      await directories('odd'),
    );
    const downloaded = path.join(runs.directory, 'downloaded');
    for (const [key, bytes] of objects) {
      const file = path.join(downloaded, key);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
    const rowsIn = (directory: string) =>
      queryDuckDb(`SELECT id, region FROM read_parquet(${quote(`${directory}/**/*.parquet`)}) ORDER BY id`);
    expect(await rowsIn(downloaded)).toEqual(await rowsIn(path.join(run.directory, 'public', 'odd')));
  } finally {
    runs.remove();
    await store.stop();
  }
}, 60_000);

it('are in the manifest with their exact values', async () => {
  const manifest = await run.manifest('empty');
  expect(manifest).toMatchObject({ partition_columns: [{ name: 'region_key', source_type: null }] });
  const values = (manifest['files'] as { partition: { region_key: string | null } }[]).map(
    ({ partition }) => partition,
  );
  expect(new Set(values.map(({ region_key: value }) => value))).toEqual(new Set(['', null, LONG, 'EU']));
  expect(await run.manifest('odd')).toMatchObject({ partition_columns: [{ name: 'region', source_type: 'text' }] });
});

it('have files in the order that was asked for, which the footers declare as far as Parquet has the same', async () => {
  const footer = async (table: string) => {
    const files = await readdir(path.join(run.directory, 'public', table), { recursive: true });
    const name = files.find((file) => file.endsWith('.parquet'))!;
    const file = await asyncBufferFromFile(path.join(run.directory, 'public', table, name));
    return (await parquetMetadataAsync(file)).row_groups[0]!;
  };
  // Each of these columns has one value below a directory.
  expect((await footer('numbers')).sorting_columns ?? []).toEqual([]);
  await using sorted = await runExportHere(server, {
    args: ['-i', 'dated', '--sort_by', 'dated:area DESC, AT, year', '--compression_type', 'None'],
  });
  const file = path.join(sorted.directory, 'public/dated/part-00000.parquet');
  const {
    row_groups: [group],
  } = await parquetMetadataAsync(await asyncBufferFromFile(file));
  expect(group!.sorting_columns).toEqual([
    { column_idx: 3, descending: true, nulls_first: true },
    { column_idx: 1, descending: false, nulls_first: false },
    { column_idx: 2, descending: false, nulls_first: false },
  ]);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), columns: ['id'] });
  const expected = await server.query('SELECT id FROM dated ORDER BY area COLLATE "C" DESC, at, year COLLATE "C"');
  expect(rows.map(({ id }) => id as number)).toEqual(expected.map(({ id }) => id));
});

const REASON = whyNoForeignReaders();

describe.skipIf(REASON !== undefined)('are read back with the same rows', () => {
  /** Columns by table, as the readers and the server are asked for them. */
  const COLUMNS: Readonly<Record<string, readonly string[]>> = {
    odd: ['id', 'region'],
    empty: ['id', 'region'],
    numbers: ['id', 'code', 'flag', 'day'],
    dated: ['id', 'year', 'area'],
    parted: ['id', 'partition'],
    expressed: ['id', 'day'],
  };
  /** DuckDB shows NULL as it is called in a name of a directory. */
  const textOf = (value: unknown) =>
    value === null || value === NULLS
      ? null
      : (typeof value === 'string' ? value : JSON.stringify(value)).toLowerCase();
  let answers: Record<string, ReadAnswer>;

  beforeAll(async () => {
    const tasks = Object.entries(COLUMNS).flatMap(([table, columns]): [string, ReadTask][] => {
      const whole = path.join(run.directory, 'public', table);
      return [
        [`duckdb ${table}`, { reader: 'duckdb', path: `${whole}/**/*.parquet`, columns }],
        [`pyarrow ${table}`, { reader: 'pyarrow_hive', path: whole, columns }],
        [`spark ${table}`, { reader: 'spark', path: whole, columns }],
      ];
    });
    answers = await readByForeign(Object.fromEntries(tasks));
  }, 300_000);

  it.each(Object.keys(COLUMNS))('of %s', async (table) => {
    const list = COLUMNS[table]!.map((name) => `${name}::text`).join(', ');
    const expected = (await server.query(`SELECT ${list} FROM ${table} ORDER BY ${table}.id`)).map((row) =>
      Object.values(row),
    );
    for (const reader of ['duckdb', 'pyarrow', 'spark']) {
      const { rows = [], error } = answers[`${reader} ${table}`]!;
      const texts = rows.map((row) => row.map(textOf));
      const sorted = texts.sort((a, b) => Number(a[0]) - Number(b[0]));
      expect([reader, error, sorted]).toEqual([
        reader,
        undefined,
        expected.map((row) => row.map((value) => textOf(value))),
      ]);
    }
  });
});
