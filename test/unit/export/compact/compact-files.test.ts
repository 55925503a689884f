import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, expect, it } from 'vitest';

import { readParquetTypeName } from '../../../../src/columns/type-name.js';
import { compactFiles } from '../../../../src/export/compact/compact-files.js';
import type { CompactOutcome, CompactTask } from '../../../../src/export/compact/protocol.js';
import type { MergeableTable } from '../../../../src/export/formats/table-format.js';
import { readFooter } from '../../../../src/parquet-reader/footer.js';
import { typeNameOf } from '../../../../src/parquet-reader/type-name.js';
import { StoredFile } from '../../../../src/storage/stored-file.js';
import { openStorage } from '../../../../src/stores.js';
import { queryDuckDb, quote } from '../../../harness/parquet-readers/duckdb.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());
let tables = 0;

interface Written {
  readonly select: string;
  readonly sync: number;
  readonly directory?: string;
  readonly levels?: Readonly<Record<string, string | null>>;
  readonly options?: string;
}

/** A table whose parts DuckDB has written. Columns are those of the last part. */
async function tableOf(parts: readonly Written[], own: Partial<MergeableTable> = {}): Promise<MergeableTable> {
  const directory = `t${tables++}`;
  const files = [];
  for (const [index, { select, sync, directory: inside = '', levels = {}, options = '' }] of parts.entries()) {
    const name = path.posix.join(
      inside,
      `part-${String(sync).padStart(5, '0')}-${String(index).padStart(5, '0')}.parquet`,
    );
    const file = path.join(scratch.path, directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
    await queryDuckDb(`COPY (${select}) TO ${quote(file)} (FORMAT parquet${options}); SELECT 1`);
    const [{ n } = { n: 0 }] = await queryDuckDb(
      `SELECT count(*) AS n FROM read_parquet(${quote(file)}, hive_partitioning = false)`,
    );
    files.push({ name, sync, rows: Number(n), bytes: statSync(file).size, levels });
  }
  const storage = await openStorage({ kind: 'directory', directory: scratch.path });
  const last = await StoredFile.find(storage, path.posix.join(directory, files.at(-1)!.name));
  const footer = await readFooter(last!);
  return {
    ...{
      schema: 's',
      name: 't',
      directory,
      writtenAs: directory,
      runId: 'r',
      lastNumber: 99,
      lastWhole: 0,
      cursor: { type: 'integer', column: 'v' },
    },
    ...{ key: ['id'], levels: [], files, deleted: [] },
    columns: footer.schema.children.map((node) => {
      const type = readParquetTypeName(typeNameOf(node))!;
      const nullable = node.element.repetition_type !== 'REQUIRED';
      return { name: node.element.name, nullable, ...type, sourceType: '', fidelity: 'exact' as const };
    }),
    fileOptions: { codec: 'Zstd', rowGroupRows: 1000 },
    ...own,
  };
}

/** Merges, and publishes by hand. @returns the new files, for DuckDB */
async function merged(
  table: MergeableTable,
  more: Pick<CompactTask, 'keysAtOnce' | 'stayingBytes'> = {},
): Promise<{ outcome: CompactOutcome; from: string }> {
  const outcome = await compactFiles(
    {
      ...{
        runId: 'compaction',
        target: { kind: 'directory', directory: scratch.path },
      },
      ...{ table, number: 100, result: 'merge', ...more },
    },
    { onProgress: () => undefined, onStaged: () => undefined },
    new AbortController().signal,
  );
  const storage = await openStorage({ kind: 'directory', directory: scratch.path });
  const files = outcome.staying.map(({ name }) => path.join(scratch.path, table.directory, name));
  for (const { staged } of outcome.files) {
    await storage.publish(staged.part, staged.part.path);
    files.push(path.join(scratch.path, staged.part.path));
  }
  return { outcome, from: `read_parquet([${files.map(quote).join(', ')}], hive_partitioning = false)` };
}

/** The last rows as SQL finds them in the parts. */
function expected(table: MergeableTable): string {
  const parts = table.files.map(({ name, sync }, index) => {
    const file = quote(path.join(scratch.path, table.directory, name));
    return `SELECT *, ${sync} AS "_sync", ${index} AS "_file", file_row_number AS "_row" FROM read_parquet(${file}, file_row_number = true, hive_partitioning = false)`;
  });
  return `SELECT * EXCLUDE ("_sync", "_file", "_row", "file_row_number") FROM (${parts.join(' UNION ALL BY NAME ')})
    QUALIFY row_number() OVER (PARTITION BY ${table.key!.map((name) => `"${name}"`).join(', ')}
      ORDER BY "_sync" DESC, v DESC NULLS LAST, "_file" DESC, "_row" DESC) = 1`;
}

async function expectSame(table: MergeableTable, from: string): Promise<void> {
  const names = table.columns.map(({ name }) => `"${name}"`).join(', ');
  const count = async (sql: string) => Number((await queryDuckDb(`SELECT count(*) AS n FROM (${sql})`))[0]!['n']);
  const [wanted, found] = [`SELECT ${names} FROM (${expected(table)})`, `SELECT ${names} FROM ${from}`];
  expect(await count(found)).toBe(await count(wanted));
  expect(await count(`(${wanted}) EXCEPT ALL (${found})`)).toBe(0);
}

it('keeps the row of the latest sync, within one that of the greatest cursor, then the last, of random versions', async () => {
  const version = (sync: number, rows: number) => `SELECT
    (random() * 400)::INT AS id, CASE WHEN random() < 0.2 THEN NULL ELSE (random() * 5)::INT END AS v,
    ${sync} AS sync, 'text ' || (random() * 1e9)::BIGINT AS text, CASE WHEN random() < 0.3 THEN NULL ELSE random() END AS d,
    [(random() * 9)::INT, NULL, i::INT] AS list, (random() * 1e6)::DECIMAL(12, 3) AS m FROM range(${rows}) r(i)`;
  const table = await tableOf([
    { sync: 3, select: version(3, 500) },
    { sync: 1, select: version(1, 3000), options: ', ROW_GROUP_SIZE 2048' },
    { sync: 2, select: version(2, 50) },
    { sync: 3, select: version(3, 200) },
    { sync: 2, select: `${version(2, 1)} WHERE false` },
  ]);
  const { outcome, from } = await merged(table);
  await expectSame(table, from);
  expect(outcome.rowsBefore).toBe(3750);
});

it.each([1_000_000, 300])(
  'keys of every kind are compared by all their bytes, with %i of them in memory',
  async (keysAtOnce) => {
    const version = (rows: number) => `SELECT
    CASE WHEN i % 7 > 0 THEN (random() * 3)::BIGINT END AS a, CASE WHEN i % 5 > 0 THEN repeat('x', (random() * 3)::INT) END AS b,
    (random() * 2)::DECIMAL(30, 1) AS c, random() < 0.5 AS d,
    ['0', '-0', 'NaN', '1.5'][1 + (random() * 3)::INT]::DOUBLE AS e, ['0', '-0', 'NaN'][1 + (random() * 2)::INT]::FLOAT AS f,
    [uuid '00000000-0000-0000-0000-000000000001', uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff', NULL][1 + (random() * 2)::INT] AS g,
    DATE '2000-01-01' + (random() * 1)::INT AS h, encode(repeat('y', (random() * 1)::INT)) AS k,
    (random() * 5)::INT AS v, random() AS value FROM range(${rows}) r(i)`;
    const key = Array.from('abcdefghk');
    const table = await tableOf(
      [1, 2, 3].map((sync) => ({ sync, select: version(1500) })),
      { key },
    );
    const { outcome, from } = await merged(table, { keysAtOnce });
    expect(outcome.rows).toBeLessThan(4500);
    expect(outcome.rows).toBeGreaterThan(300);
    await expectSame(table, from);
  },
);

it('columns of earlier parts become those of the last: wider, or NULL where they were not there', async () => {
  const table = await tableOf([
    {
      sync: 1,
      select: `SELECT i::INT AS id, 0 AS v, (i - 50)::SMALLINT AS small, (i - 50)::INT AS int, (i / 7)::FLOAT AS f,
        (i - 50)::DECIMAL(5, 2) AS m, (i - 50)::DECIMAL(5, 2) AS n, i::UTINYINT AS u, 'gone' AS gone FROM range(100) r(i)`,
    },
    {
      sync: 2,
      select: `SELECT i::INT AS id, 0 AS v, (i - 50)::INT AS small, (i - 50)::BIGINT AS int, (i / 7)::DOUBLE AS f,
        (i - 50)::DECIMAL(12, 2) AS m, (i - 50)::DECIMAL(30, 2) AS n, i::USMALLINT AS u, [i::INT] AS list, i AS more FROM range(5) r(i)`,
    },
  ]);
  const { from } = await merged(table);
  await expectSame(table, from);
  const other = await tableOf([
    { sync: 1, select: `SELECT 1 AS id, 0 AS v, 'x' AS w` },
    { sync: 2, select: 'SELECT 2 AS id, 0 AS v, 2 AS w' },
  ]);
  await expect(merged(other)).rejects.toMatchObject({ code: 'COMPACT_SCHEMA', context: { column: 'w' } });
});

it('rows stay in their directories, of which a key may have moved to another', async () => {
  const part = (sync: number, year: string | null, select: string): Written => ({
    ...{ sync, select, directory: `y=${year ?? '__HIVE_DEFAULT_PARTITION__'}`, levels: { y: year } },
  });
  const parts = [
    part(1, '2024', 'SELECT i::INT AS id, 0 AS v FROM range(10) r(i)'),
    part(1, null, 'SELECT 90 AS id, 0 AS v'),
    part(2, '2025', 'SELECT i::INT AS id, 1 AS v FROM range(3, 12) r(i)'),
    part(2, null, 'SELECT 91 AS id, 0 AS v'),
  ];
  const placesOf = ({ files, staying }: CompactOutcome) => [
    ...files.map(({ staged, directory, levels }) => [staged.rows, directory, levels]),
    ...staying.map(({ name }) => name),
  ];
  const moved = await merged(await tableOf(parts, { levels: ['y'] }));
  expect(placesOf(moved.outcome)).toEqual([
    [3, 'y=2024', { y: '2024' }],
    [2, 'y=__HIVE_DEFAULT_PARTITION__', { y: null }],
    'y=2025/part-00002-00002.parquet',
  ]);
  // The level is a part of the key.
  const apart = await merged(await tableOf(parts, { levels: ['y'], key: ['y', 'id'] }));
  expect(placesOf(apart.outcome)).toEqual([
    [2, 'y=__HIVE_DEFAULT_PARTITION__', { y: null }],
    'y=2024/part-00001-00000.parquet',
    'y=2025/part-00002-00002.parquet',
  ]);
});

it('leaves out keys that are listed as deleted, unless they came back', async () => {
  const all = await tableOf([
    { sync: 3, select: 'SELECT i::INT AS id FROM range(1, 5) r(i)', directory: '_deleted' },
    { sync: 1, select: 'SELECT i::INT AS id, 0 AS v FROM range(10) r(i)' },
    { sync: 4, select: 'SELECT i::INT AS id, 1 AS v FROM range(2, 4) r(i)' },
  ]);
  const [deleted, ...files] = all.files;
  const { from, outcome } = await merged({ ...all, files, deleted: [deleted!] });
  expect((await queryDuckDb(`SELECT id FROM ${from} ORDER BY id`)).map(({ id }) => id)).toEqual([
    0, 2, 3, 5, 6, 7, 8, 9,
  ]);
  expect(outcome).toMatchObject({ rowsBefore: 12, rows: 8 });
});

it('refuses a table without a key, and with one that is not in its files', async () => {
  const table = await tableOf([{ sync: 1, select: 'SELECT 1 AS id, [1] AS list' }]);
  for (const key of [undefined, [], ['x'], ['list']]) {
    await expect(merged({ ...table, key })).rejects.toMatchObject({ code: 'COMPACT_NO_KEY' });
  }
});

it('leaves files alone of which all rows stay, if they are large or alone in their directory', async () => {
  const part = (sync: number, y: string, select: string): Written => {
    return {
      sync,
      select: `SELECT i::INT AS id, ${sync} AS v, md5(i::VARCHAR) AS h FROM ${select} r(i)`,
      directory: `y=${y}`,
      levels: { y },
    };
  };
  const parts = [
    part(1, 'large', 'range(5000)'),
    part(1, 'alone', 'range(5000, 5010)'),
    part(2, 'large', 'range(9000, 9010)'),
    part(2, 'large', 'range(9010, 9020)'),
    part(1, 'changed', 'range(6000, 8000)'),
    part(3, 'changed', 'range(7999, 8010)'),
  ];
  const table = await tableOf(parts, { levels: ['y'], lastWhole: 1 });
  const { outcome, from } = await merged(table, { stayingBytes: 60_000 });
  expect(outcome.staying.map(({ name }) => path.dirname(name))).toEqual(['y=large', 'y=alone']);
  expect(outcome.files.map(({ staged, directory }) => [staged.rows, directory])).toEqual([
    [20, 'y=large'],
    [2010, 'y=changed'],
  ]);
  expect(outcome.staying[0]!.columns[0]).toMatchObject({ nulls: 0 });
  await expectSame(table, from);
  // Not if they lack a column that later ones have, or have one more.
  const evolved = await tableOf([
    { sync: 1, select: 'SELECT i::INT AS id, 1 AS v FROM range(5000) r(i)' },
    { sync: 2, select: 'SELECT -1 AS id, 2 AS v, 3 AS more' },
  ]);
  expect((await merged(evolved, { stayingBytes: 1 })).outcome).toMatchObject({ files: [{}], staying: [{}] });
  // What was merged before is not merged again, however small.
  const settled = { ...table, files: table.files.slice(0, 4), lastWhole: 2 };
  expect((await merged(settled)).outcome).toMatchObject({ files: [], staying: [{}, {}, {}, {}] });
});

it('keeps the bits of every NaN', async () => {
  // DuckDB writes the bits that it is given, in little-endian order: PLAIN pages of both types have one width.
  const table = await tableOf([
    {
      sync: 1,
      select: `SELECT i::INT AS id, 1 AS v, 'NaN'::DOUBLE AS d, 'NaN'::FLOAT AS f FROM range(3) r(i)`,
      options: ', COMPRESSION uncompressed',
    },
    { sync: 2, select: `SELECT 2 AS id, 2 AS v, 1.5::DOUBLE AS d, 2.5::FLOAT AS f` },
  ]);
  const file = path.join(scratch.path, table.directory, table.files[0]!.name);
  const content = readFileSync(file);
  const patched = { double: 0, float: 0 };
  // A signalling NaN with a payload in place of each that the file has.
  for (let at = 4; at < content.length - 8; at++) {
    if (content.readBigUInt64LE(at) === 0x7ff8000000000000n) {
      content.writeBigUInt64LE(0x7ff0dead0000beefn, at);
      patched.double++;
    } else if (content.readUInt32LE(at) === 0x7fc00000) {
      content.writeUInt32LE(0x7f81beef, at);
      patched.float++;
    }
  }
  expect(patched.double).toBeGreaterThan(0);
  expect(patched.float).toBeGreaterThan(0);
  writeFileSync(file, content);
  const { outcome } = await merged({ ...table, fileOptions: { codec: 'None', rowGroupRows: 1000 } });
  const out = readFileSync(path.join(scratch.path, outcome.files[0]!.staged.part.path));
  expect(out.includes(Buffer.from('efbe0000addef07f', 'hex'))).toBe(true);
  expect(out.includes(Buffer.from('efbe817f', 'hex'))).toBe(true);
});
