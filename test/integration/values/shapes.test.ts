import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runExportHere as runExportHere, type ExportRun } from '../../harness/export-run.js';
import { columnSchemas, readFooter } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { ALL_READERS, differences, FULL_READERS, READERS } from '../../harness/same-rows.js';
import { serverText } from '../../harness/server-text.js';

/* Tables of unusual shape, and how rows are laid out over files and row groups. */

const CODECS = ['Zstd', 'Snappy', 'Gzip', 'Lz4', 'None'] as const;

/** Name of each codec in the footer. */
const IN_FOOTER = { Zstd: 'ZSTD', Snappy: 'SNAPPY', Gzip: 'GZIP', Lz4: 'LZ4_RAW', None: 'UNCOMPRESSED' } as const;

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE TABLE empty_table (id integer NOT NULL, t text, a numeric(10,2)[]);
    CREATE TABLE no_columns ();
    INSERT INTO no_columns DEFAULT VALUES;
    CREATE TABLE derived (
      id integer GENERATED ALWAYS AS IDENTITY, gone text, kept text NOT NULL,
      shout text GENERATED ALWAYS AS (upper(kept)) STORED);
    INSERT INTO derived (gone, kept) VALUES ('x', 'a'), ('y', 'b');
    ALTER TABLE derived DROP COLUMN gone;
    ALTER TABLE derived ADD COLUMN later integer DEFAULT 7;
    CREATE TABLE wide (${Array.from({ length: 1600 }, (_, i) => `c${i} integer`).join(', ')});
    INSERT INTO wide SELECT ${Array.from({ length: 1600 }, (_, i) => (i % 7 === 3 ? `NULL` : `n * 10000 + ${i}`)).join(', ')}
      FROM generate_series(1, 50) n;
    CREATE TABLE rows10k AS
      SELECT n AS id, 'row ' || n AS t, n / 3.0::float8 AS f, n % 5 AS few, CASE WHEN n % 2 = 0 THEN n::bigint END AS half
      FROM generate_series(1, 10000) n;
    ANALYZE;`);
});
afterAll(() => server.stop());

describe('tables of unusual shape', () => {
  let run: ExportRun;
  beforeAll(async () => {
    run = await runExportHere(server, { args: ['-e', 'rows10k'] });
  });
  afterAll(() => run.remove());

  it('an empty table is one file with the schema and no row group', async () => {
    const files = await run.files('empty_table');
    expect(files.map((file) => path.basename(file))).toEqual(['part-00000.parquet']);
    const footer = await readFooter(files[0]!);
    expect(footer.row_groups).toEqual([]);
    expect(Number(footer.num_rows)).toBe(0);
    expect((await columnSchemas(files[0]!)).map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id INT32',
      't BYTE_ARRAY STRING',
      'a LIST<INT64 DECIMAL(10,2)>',
    ]);
    for (const reader of FULL_READERS) {
      expect((await READERS[reader](files)).map(({ name, cells }) => [name, cells?.length])).toEqual([
        ['id', 0],
        ['t', 0],
        ['a', 0],
      ]);
    }
  });

  it('a table without columns is skipped with a message, and does not fail the run', () => {
    expect(run.cli.code).toBe(0);
    expect(run.result.skipped).toMatchObject([{ table: 'no_columns', reason: { code: 'TABLE_WITHOUT_COLUMNS' } }]);
    expect(existsSync(path.join(run.directory, 'public', 'no_columns'))).toBe(false);
  });

  it('generated, identity and added columns are exported, dropped ones are not', async () => {
    const files = await run.files('derived');
    expect(await columnSchemas(files[0]!)).toMatchObject([
      { name: 'id', required: true, fieldId: 1 },
      { name: 'kept', required: true, fieldId: 3 },
      { name: 'shout', required: false, fieldId: 4 },
      { name: 'later', required: false, fieldId: 5 },
    ]);
    const printed = await serverText(server, 'SELECT * FROM derived');
    for (const reader of FULL_READERS) expect(await differences(reader, files, printed)).toEqual([]);
  });

  it('1,600 columns are exported', async () => {
    const printed = await serverText(server, 'SELECT * FROM wide');
    expect(await columnSchemas((await run.files('wide'))[0]!)).toHaveLength(1600);
    for (const reader of FULL_READERS) expect(await differences(reader, await run.files('wide'), printed)).toEqual([]);
  });
});

describe.each(CODECS)('codec %s', (codec) => {
  it('the codec is in the footer, and every reader that supports it reads the same rows', async () => {
    const args = ['-i', 'rows10k', '--compression_type', codec.toLowerCase(), '--row_group_rows', '3000'];
    const run = await runExportHere(server, { args });
    try {
      expect(run.cli.code).toBe(0);
      const files = await run.files('rows10k');
      const footer = await readFooter(files[0]!);
      const codecs = footer.row_groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data?.codec));
      expect(new Set(codecs)).toEqual(new Set([IN_FOOTER[codec]]));
      const printed = await serverText(server, 'SELECT * FROM rows10k');
      const readers = ALL_READERS.filter((reader) => reader !== 'parquetjs-lite' || !['Zstd', 'Lz4'].includes(codec));
      for (const reader of readers) expect(await differences(reader, files, printed)).toEqual([]);
    } finally {
      await run.remove();
    }
  });
});

describe('how rows are laid out', () => {
  it('row groups have at most --row-group-rows rows', async () => {
    const run = await runExportHere(server, { args: ['-i', 'rows10k', '--row_group_rows', '3000'] });
    try {
      const footer = await readFooter((await run.files('rows10k'))[0]!);
      expect(footer.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([3000, 3000, 3000, 1000]);
    } finally {
      await run.remove();
    }
  });

  it.each([
    ['one reader', ['-p', '1']],
    ['several readers', ['-p', '3', '--large_table_threshold', '1']],
  ])('files have at most --max-rows-per-file rows and names without gaps (%s)', async (_, parallel) => {
    const args = ['-i', 'rows10k', '--max_rows_per_file', '700', '--row_group_rows', '500', ...parallel];
    const run = await runExportHere(server, { args });
    try {
      expect(run.cli.code).toBe(0);
      const files = await run.files('rows10k');
      expect(files.length).toBeGreaterThanOrEqual(15);
      expect(files.map((file) => path.basename(file))).toEqual(
        files.map((_file, i) => `part-${String(i).padStart(5, '0')}.parquet`),
      );
      const rows = await Promise.all(files.map(async (file) => Number((await readFooter(file)).num_rows)));
      expect(Math.max(...rows)).toBeLessThanOrEqual(700);
      expect(run.table('rows10k')).toMatchObject({ rows: 10_000, files: files.length });
      const printed = await serverText(server, 'SELECT * FROM rows10k');
      expect(await differences('DuckDB', files, printed)).toEqual([]);
    } finally {
      await run.remove();
    }
  });
});
