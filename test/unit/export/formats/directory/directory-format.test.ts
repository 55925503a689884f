import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { manifestSchema } from '../../../../../src/export/formats/directory/manifest-schema.js';
import { tableFormat } from '../../../../../src/export/formats/formats.js';
import type { StagedTable, TableFile, TableFormat } from '../../../../../src/export/formats/table-format.js';
import type { DdlDialect } from '../../../../../src/export/model/ddl-dialect.js';
import type { ManifestPlace } from '../../../../../src/export/model/manifest-place.js';
import { wholeTable } from '../../../../../src/model/dataset.js';
import { openLocalStorage } from '../../../../../src/storage/local/index.js';
import type { Storage } from '../../../../../src/storage/storage.js';
import { ScratchDirectory } from '../../../../harness/scratch.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const DIRECTORY = 's/t';

/** As version 1 wrote it. */
const MANIFEST_1 = {
  format_version: 1,
  tool: { name: 'lakeport', version: '0.1.0' },
  run_id: RUN,
  source: {
    kind: 'postgres',
    product: 'PostgreSQL 17.9',
    server: 'db.example:5432',
    database: 'shop',
    schema: 's',
    table: 't',
    table_kind: 'table',
  },
  consistency: 'run',
  snapshot: { id: '10:20:', taken_at: '2026-01-01T00:00:00.000000Z' },
  storage: { kind: 'local', atomic_publish: true, resumable_stage: true },
  started_at: '2026-01-01T00:00:01.000Z',
  ended_at: '2026-01-01T00:00:03.000Z',
  row_count: 3,
  compat: null,
  directory: '.',
  files: [
    {
      name: 'part-00000.parquet',
      rows: 3,
      bytes: 100,
      sha256: 'ab',
      partition: { index: 2, method: 'Ctid', bounds: 'ctid < (8,0)' },
      row_groups: [
        { rows: 2, bytes: 40 },
        { rows: 1, bytes: 40 },
      ],
    },
  ],
  columns: [
    {
      name: 'price',
      source_type: 'numeric(12,2)',
      parquet_type: 'INT64 DECIMAL(12,2)',
      nullable: true,
      fidelity: 'exact',
      unrepresentable: 2,
    },
  ],
};

let scratch: ScratchDirectory;
let storage: Storage;

beforeEach(async () => {
  scratch = new ScratchDirectory();
  storage = await openLocalStorage({ id: 'test', directory: scratch.path });
});
afterEach(() => scratch.remove());

const format = (manifest: ManifestPlace = 'beside'): TableFormat => tableFormat({ manifest });

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(scratch.path, file)), { recursive: true });
  writeFileSync(path.join(scratch.path, file), text);
}

/** A table of one file for each slice, in its directory; the file's content is the slice's number. */
async function staged(directories: readonly string[] = ['']): Promise<StagedTable> {
  const files: TableFile[] = [];
  for (const [index, directory] of directories.entries()) {
    const slice = { index, method: 'Timepartition', bounds: directory, query: '', estimatedRows: undefined, directory };
    const name = format().stagedName({ slice, isOnlySlice: directories.length === 1 }, 0);
    const writer = await storage.stage(path.posix.join(DIRECTORY, directory, name), { runId: RUN });
    await writer.write([new TextEncoder().encode(String(index))]);
    const part = await writer.end();
    files.push({
      staged: { part, rows: index + 1, rowGroups: [{ rows: index + 1, bytes: 1 }] },
      slice,
      isPublished: false,
    });
  }
  return {
    directory: DIRECTORY,
    files,
    origin: {
      runId: RUN,
      source: { entry: 'ds_pg', product: 'PostgreSQL 17.9', address: 'db.example:5432', database: 'shop' },
      engine: 'postgres',
      dataset: wholeTable({ schema: 's', name: 't' }),
      tableKind: 'table',
      compat: undefined,
      files: { codec: 'Zstd', rowGroupRows: 1_000_000 },
      rowCheck: 'passed',
      snapshot: { consistency: 'table', token: undefined, id: '10:20:', takenAt: '2026-01-01T00:00:00.000000Z' },
      startedAt: new Date('2026-01-01T00:00:01Z'),
      columns: [
        {
          name: 'n',
          fieldId: 1,
          nullable: true,
          list: true,
          type: { physical: 'INT32' },
          sourceType: 'integer[]',
          fidelity: 'exact',
        },
      ],
      unrepresentable: { n: 2 },
      lostBounds: { n: 1 },
    },
  };
}

describe('a published table', () => {
  it('is told of as it was published', async () => {
    const table = await staged(['year=2025', 'year=2026']);
    const names = await format().publish(table, storage);
    expect(names).toEqual(['year=2025/part-00000.parquet', 'year=2026/part-00001.parquet']);
    expect(names).toEqual(format().fileNames(['year=2025', 'year=2026']));
    expect(await scratch.files()).toEqual([
      's/_t.manifest.json',
      's/t/_SUCCESS',
      ...names.map((name) => `s/t/${name}`),
    ]);

    const published = await format().published({ directory: DIRECTORY, runId: RUN }, storage);
    expect(published).toMatchObject({
      files: table.files.map(({ staged: { part, rows } }, index) => ({
        ...{ name: names[index], slice: index, rows, bytes: 1, sha256: part.sha256, rowGroups: 1 },
      })),
      rows: 3,
      consistency: 'table',
      rowCheck: 'passed',
      startedAt: table.origin.startedAt,
      unrepresentable: { n: 2 },
      lostBounds: { n: 1 },
    });
    const { startedAt } = table.origin;
    expect(await format().previous(DIRECTORY, storage)).toEqual([{ runId: RUN, startedAt }]);
    const described = readFileSync(path.join(scratch.path, format().descriptionPath(DIRECTORY)!), 'utf8');
    expect(manifestSchema.parse(JSON.parse(described))).toMatchObject({ directory: 't', row_count: 3 });
  });

  it('is none of another run, and none without _SUCCESS', async () => {
    await format().publish(await staged(), storage);
    expect(await format().published({ directory: DIRECTORY, runId: 'other' }, storage)).toBeUndefined();
    rmSync(path.join(scratch.path, 's/t/_SUCCESS'));
    expect(await format().published({ directory: DIRECTORY, runId: RUN }, storage)).toBeUndefined();
    expect(await format().previous(DIRECTORY, storage)).toHaveLength(1);
  });

  it('without a manifest is not told of', async () => {
    await format('none').publish(await staged(), storage);
    expect(format('none').descriptionPath(DIRECTORY)).toBeUndefined();
    expect(await scratch.files()).toEqual(['s/t/_SUCCESS', 's/t/part-00000.parquet']);
    expect(await format('none').published({ directory: DIRECTORY, runId: RUN }, storage)).toBeUndefined();
    expect(await format('none').previous(DIRECTORY, storage)).toEqual([]);
  });

  it.each(['beside', 'inside'] as const)(
    'with its manifest %s is seen by runs that put theirs elsewhere',
    async (place) => {
      await format(place).publish(await staged(), storage);
      for (const other of ['beside', 'inside', 'none'] as const)
        expect(await format(other).previous(DIRECTORY, storage)).toMatchObject([{ runId: RUN }]);
    },
  );

  it('is nothing where another program has a file of that name', async () => {
    for (const text of ['{"mine": true}', 'not JSON', '[]', 'null', '{"format_version": 3}']) {
      write('s/_t.manifest.json', text);
      write('s/t/_SUCCESS', '');
      expect(await format().published({ directory: DIRECTORY, runId: RUN }, storage)).toBeUndefined();
      expect(await format().previous(DIRECTORY, storage)).toEqual([]);
    }
  });
});

const bound = (target: object, value: unknown): unknown =>
  typeof value === 'function' ? (...given: unknown[]): unknown => Reflect.apply(value, target, given) : value;

describe('files of statements', () => {
  const withDdl = (...ddl: readonly DdlDialect[]): TableFormat => tableFormat({ manifest: 'beside', ddl });
  const described = ['s/_t.manifest.json', 's/t/_SUCCESS', 's/t/part-00000.parquet'];

  it('are beside the table, and in its manifest', async () => {
    await withDdl('duckdb', 'athena').publish(await staged(), storage);
    expect(await scratch.files()).toEqual(['s/_t.athena.sql', 's/_t.duckdb.sql', ...described].sort());
    const manifest: unknown = JSON.parse(readFileSync(path.join(scratch.path, 's/_t.manifest.json'), 'utf8'));
    expect(manifestSchema.parse(manifest).ddl).toEqual([
      { dialect: 'duckdb', file: '_t.duckdb.sql' },
      { dialect: 'athena', file: '_t.athena.sql' },
    ]);
    expect(readFileSync(path.join(scratch.path, 's/_t.duckdb.sql'), 'utf8')).toContain(`${scratch.path}/s/t/*.parquet`);
  });

  it('go with a later export that has none, but not those of others', async () => {
    await withDdl('duckdb', 'athena').publish(await staged(), storage);
    write('s/_t.spark.sql', 'mine');
    await withDdl('athena').publish(await staged(), storage);
    expect(await scratch.files()).toEqual(['s/_t.athena.sql', 's/_t.spark.sql', ...described].sort());
    await format('inside').publish(await staged(), storage);
    expect(await scratch.files()).toEqual([
      ...['s/_t.spark.sql', 's/t/_SUCCESS', 's/t/_manifest.json', 's/t/part-00000.parquet'],
    ]);
  });

  it('are gone where publication has failed after files were replaced', async () => {
    await withDdl('duckdb').publish(await staged(), storage);
    const full = new Proxy(storage, {
      get: (target, property) =>
        property === 'put'
          ? (file: string, ...rest: [Uint8Array]) =>
              file.endsWith('.sql') ? Promise.reject(new Error('the disk is full')) : target.put(file, ...rest)
          : bound(target, Reflect.get(target, property, target)),
    });
    await expect(withDdl('duckdb').publish(await staged(), full)).rejects.toThrow(/Publishing stopped/);
    expect(await scratch.files()).toEqual(['s/t/part-00000.parquet']);
  });
});

describe('a table with a manifest of version 1', () => {
  beforeEach(() => {
    write('s/t/_manifest.json', JSON.stringify(MANIFEST_1));
    write('s/t/part-00000.parquet', 'earlier');
    write('s/t/part-00001.parquet', 'earlier');
    write('s/t/_SUCCESS', '');
  });

  it('is found by the resume of its run', async () => {
    expect(await format('inside').published({ directory: DIRECTORY, runId: RUN }, storage)).toEqual({
      files: [{ name: 'part-00000.parquet', slice: 2, rows: 3, bytes: 100, sha256: 'ab', rowGroups: 2 }],
      rows: 3,
      consistency: 'run',
      rowCheck: undefined,
      startedAt: new Date('2026-01-01T00:00:01Z'),
      endedAt: new Date('2026-01-01T00:00:03Z'),
      unrepresentable: { price: 2 },
      lostBounds: {},
    });
    expect(await format().previous(DIRECTORY, storage)).toEqual([
      { runId: RUN, startedAt: new Date('2026-01-01T00:00:01Z') },
    ]);
  });

  it('is replaced, and its manifest removed', async () => {
    await format().publish(await staged(), storage);
    expect(await scratch.files()).toEqual(['s/_t.manifest.json', 's/t/_SUCCESS', 's/t/part-00000.parquet']);
  });
});
