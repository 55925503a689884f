import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { runExportHere as runExportHere, type ExportRun } from '../../harness/export-run.js';
import { columnSchemas } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { differences, FULL_READERS } from '../../harness/same-rows.js';

/* Names are the user's: whatever a server takes as a name, its table is exported, under its own name and nowhere else. */

const NAMES = [
  'plain',
  'Upper Case',
  'upper case',
  ' leading and trailing ',
  'double"quote',
  "single'quote",
  'semi;colon -- comment',
  'slash/inside',
  '/absolute',
  'back\\slash',
  '..',
  '.',
  '../up',
  '..\\up',
  '.hidden',
  '_underscore',
  '_SUCCESS',
  '_manifest.json',
  'part-00000.parquet',
  'manifest.json',
  'percent%2Fencoded',
  'percent/encoded',
  '%',
  '100%',
  'line\nbreak',
  'tab\tstop',
  'delete\u007f',
  'żółć łódź',
  'łódź',
  '表格',
  'جدول',
  '😀🇪🇺',
  'e\u0301',
  'é',
  'a.b',
  'a,b',
  'a=b',
  'like_%pattern',
  '$HOME ${x} `id`',
  '*?[]{}',
  'select',
  'CON',
  'x'.repeat(63),
  '字'.repeat(21),
] as const;

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const ROWS = [['1', 'a']];

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

/** Every file below a directory, relative to it. */
async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
}

describe('names of tables', () => {
  let run: ExportRun;
  beforeAll(async () => {
    for (const name of NAMES) await server.query(`CREATE TABLE ${quoted(name)} AS SELECT 1 AS id, 'a' AS t`);
    run = await runExportHere(server, { args: ['--source_schema_name', 'public'] });
  });
  afterAll(() => run.remove());

  it('tables of any name can be exported', () => {
    expect(run.cli.code).toBe(0);
    expect(run.result.tables.map(({ table }) => table).sort()).toEqual([...NAMES].sort());
  });

  it('every table gets its own directory, two levels below the base', async () => {
    const directories = run.result.tables.map(({ path: where }) => path.relative(run.directory, path.resolve(where)));
    expect(new Set(directories.map((name) => name.toLowerCase())).size).toBeGreaterThanOrEqual(NAMES.length - 1);
    expect(new Set(directories).size).toBe(NAMES.length);
    for (const directory of directories) expect(directory).toMatch(/^public\/[^/]+$/);
    for (const file of await filesBelow(run.directory)) {
      expect(file).toMatch(/^public\/([^/]+\/(part-00000\.parquet|_SUCCESS)|_[^/]+\.manifest\.json)$/);
    }
    expect(await filesBelow(path.dirname(run.directory))).toHaveLength(3 * NAMES.length + 1); // and the auth file
  });

  it('no directory name is skipped by readers or misread by a shell', async () => {
    const entries = await readdir(path.join(run.directory, 'public'), { withFileTypes: true });
    for (const { name: directory } of entries.filter((entry) => entry.isDirectory())) {
      expect(directory).not.toMatch(/^[._]|[\p{Cc}/\\=*?[\]{}:#]|[. ]$/u);
      expect(Buffer.byteLength(directory)).toBeLessThanOrEqual(200);
    }
  });

  it.each(NAMES)('%j keeps its real name in the manifest, and its rows', async (name) => {
    expect(await run.manifest(name)).toMatchObject({ schema: 'public', table: name });
    expect(await differences('DuckDB', await run.files(name), ROWS)).toEqual([]);
  });
});

describe('names of schemas', () => {
  const schemas = NAMES.filter((name) => name !== 'plain');

  it('names of schemas are treated like those of tables', async () => {
    for (const name of schemas) {
      await server.query(
        `CREATE SCHEMA ${quoted(name)}; CREATE TABLE ${quoted(name)}."in/schema" AS SELECT 1 AS id, 'a' AS t`,
      );
    }
    const run = await runExportHere(server, { args: ['-i', 'in/schema'] });
    try {
      expect(run.cli.code).toBe(0);
      expect(run.result.tables.map(({ schema }) => schema).sort()).toEqual([...schemas].sort());
      for (const schema of schemas)
        expect(await differences('DuckDB', await run.files('in/schema', schema), ROWS)).toEqual([]);
      expect(await filesBelow(path.dirname(run.directory))).toHaveLength(3 * schemas.length + 1);
    } finally {
      await run.remove();
    }
  });
});

describe('names of columns', () => {
  it('column names are written unchanged, even if they differ only in case', async () => {
    const columns = [...NAMES, 'list', 'element', 'LIST'];
    const list = columns.map((name, i) => `${quoted(name)} ${i % 3 === 0 ? 'integer[]' : 'text'}`).join(', ');
    const values = columns.map((_, i) => (i % 3 === 0 ? `'{${i},NULL}'` : `'v${i}'`)).join(', ');
    await server.query(`CREATE TABLE columns (${list}); INSERT INTO columns VALUES (${values})`);
    const run = await runExportHere(server, { args: ['-i', 'columns'] });
    try {
      expect(run.cli.code).toBe(0);
      const files = await run.files('columns');
      expect((await columnSchemas(files[0]!)).map(({ name }) => name)).toEqual(columns);
      const expected = columns.map((_, i) => (i % 3 === 0 ? [String(i), null] : `v${i}`));
      for (const reader of FULL_READERS) expect(await differences(reader, files, [expected])).toEqual([]);
    } finally {
      await run.remove();
    }
  });
});

describe('names in patterns', () => {
  const found = async (pattern: string) => {
    const run = await runExportHere(server, { args: ['--source_schema_name', 'public', '-i', pattern] });
    try {
      return run.cli.code === 2 ? [] : run.result.tables.map(({ table }) => table);
    } finally {
      await run.remove();
    }
  };

  it('escaped wildcards match literally', async () => {
    expect(await found(String.raw`like\_\%pattern`)).toEqual(['like_%pattern']);
  });

  it('names with a dot are matched by schema and table', async () => {
    expect(await found('a.b')).toEqual([]);
    expect(await found('public.a.b')).toEqual(['a.b']);
  });
});
