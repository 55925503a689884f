import { describe, expect, it } from 'vitest';

import { wholeTable } from '../../../../../src/model/dataset.js';
import type { ColumnSpec, ParquetType } from '../../../../../src/columns/column-spec.js';
import {
  manifestBytes,
  type ManifestInput,
  tableManifest,
} from '../../../../../src/export/formats/directory/manifest.js';
import { manifestSchema } from '../../../../../src/export/formats/directory/manifest-schema.js';
import type { TableFile, TableOrigin } from '../../../../../src/export/formats/table-format.js';
import type { ColumnSummary } from '../../../../../src/parquet/column-summary.js';
import type { Slice } from '../../../../../src/sources/source.js';
import type { StagedPart } from '../../../../../src/storage/storage.js';
import { parquetTypeName } from '../../../../../src/columns/type-name.js';
import { VERSION } from '../../../../../src/version.js';

function column(name: string, type: ParquetType, overrides: Partial<ColumnSpec> = {}): ColumnSpec {
  return {
    name,
    fieldId: 1,
    nullable: true,
    list: false,
    type,
    sourceType: 'integer',
    fidelity: 'exact',
    ...overrides,
  };
}

function file(index: number, rows: number, columns?: readonly ColumnSummary[]): TableFile {
  const part: StagedPart = { storageId: 'x', path: 'x', bytes: 100 + index, sha256: `ab${index}`, token: {} };
  const bounds = `ctid in ${index}`;
  const slice: Slice = { index, method: 'Ctid', bounds, query: 'SELECT secret', estimatedRows: undefined };
  return { staged: { part, rows, rowGroups: [{ rows, bytes: 80 }], columns }, slice, isPublished: false };
}

function summary(name: string, nulls: number): ColumnSummary {
  return { name, compressedBytes: 10, uncompressedBytes: 20, values: 5, nulls };
}

const ORIGIN: TableOrigin = {
  runId: 'run',
  source: { entry: 'ds_pg', product: 'PostgreSQL 17.9', address: 'db.example:5432', database: 'shop' },
  engine: 'postgres',
  dataset: wholeTable({ schema: 'sales/eu', name: '_orders' }),
  tableKind: 'table',
  compat: undefined,
  files: { codec: 'Zstd', rowGroupRows: 1_000_000 },
  rowCheck: 'passed',
  snapshot: { consistency: 'run', token: 'secret-token', id: '10:20:', takenAt: '2026-01-01T00:00:00.000000Z' },
  startedAt: new Date('2026-01-01T00:00:01Z'),
  columns: [
    column('id', { physical: 'INT32' }, { nullable: false }),
    column('price', { physical: 'INT64', logical: { kind: 'decimal', precision: 12, scale: 2 } }),
    column('constructor', { physical: 'INT32' }),
  ],
  lostBounds: {},
  unrepresentable: { price: 2 },
};

const INPUT: ManifestInput = {
  origin: ORIGIN,
  directory: '.',
  storage: { kind: 'local', capabilities: { atomicPublish: true, resumableStage: true, ignoresCase: false } },
  endedAt: new Date('2026-01-01T00:00:02Z'),
  files: [file(0, 3), file(1, 4)],
  names: ['part-00000.parquet', 'part-00001.parquet'],
};

/** The manifest with something else about the table's origin. */
const manifestOf = (origin: Partial<TableOrigin>) => tableManifest({ ...INPUT, origin: { ...ORIGIN, ...origin } });

describe('the manifest', () => {
  it('names a query without a schema', () => {
    const dataset = { kind: 'query', id: { schema: '', name: 'daily_sums' }, sql: 'SELECT 1' } as const;
    const manifest = manifestOf({ dataset, tableKind: 'query' });
    expect(manifest).toMatchObject({ table: 'daily_sums', kind: 'query' });
    expect(manifest).not.toHaveProperty('schema');
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
  });

  it('describes the origin and content of the files', () => {
    expect(tableManifest(INPUT)).toEqual({
      format_version: 2,
      tool: { name: 'lakeport', version: VERSION },
      run_id: 'run',
      engine: 'postgres',
      source: { entry: 'ds_pg', product: 'PostgreSQL 17.9', address: 'db.example:5432', database: 'shop' },
      schema: 'sales/eu',
      table: '_orders',
      kind: 'table',
      consistency: 'run',
      snapshot: { id: '10:20:', taken_at: '2026-01-01T00:00:00.000000Z' },
      storage: { kind: 'local', atomic_publish: true, resumable_stage: true },
      started_at: '2026-01-01T00:00:01.000Z',
      ended_at: '2026-01-01T00:00:02.000Z',
      row_count: 7,
      row_check: 'passed',
      compat: null,
      file_options: {
        compression: 'Zstd',
        compression_level: null,
        encoding: 'plain',
        row_group_rows: 1_000_000,
        max_rows_per_file: null,
        max_file_bytes: null,
      },
      directory: '.',
      files: [
        {
          name: 'part-00000.parquet',
          rows: 3,
          bytes: 100,
          sha256: 'ab0',
          slice: { index: 0, method: 'Ctid', bounds: 'ctid in 0' },
          row_groups: [{ rows: 3, bytes: 80 }],
        },
        {
          name: 'part-00001.parquet',
          rows: 4,
          bytes: 101,
          sha256: 'ab1',
          slice: { index: 1, method: 'Ctid', bounds: 'ctid in 1' },
          row_groups: [{ rows: 4, bytes: 80 }],
        },
      ],
      columns: [
        {
          name: 'id',
          source_type: 'integer',
          parquet_type: 'INT32',
          nullable: false,
          fidelity: 'exact',
          unrepresentable: 0,
        },
        {
          name: 'price',
          source_type: 'integer',
          parquet_type: 'INT64 DECIMAL(12,2)',
          nullable: true,
          fidelity: 'exact',
          unrepresentable: 2,
        },
        {
          name: 'constructor',
          source_type: 'integer',
          parquet_type: 'INT32',
          nullable: true,
          fidelity: 'exact',
          unrepresentable: 0,
        },
      ],
    });
  });

  it('sums what the footers say of each column over the files', () => {
    const columns = (nulls: number) => ORIGIN.columns.map(({ name }) => summary(name, nulls));
    const manifest = tableManifest({ ...INPUT, files: [file(0, 3, columns(1)), file(1, 4, columns(2))] });
    const sums = { compressed_bytes: 20, uncompressed_bytes: 40, null_count: 3 };
    expect(manifest.columns).toMatchObject([sums, sums, sums]);
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
  });

  it('has no such sums if a file was staged by a version that did not keep them', () => {
    const columns = ORIGIN.columns.map(({ name }) => summary(name, 1));
    const manifest = tableManifest({ ...INPUT, files: [file(0, 3, columns), file(1, 4)] });
    for (const one of manifest.columns) expect(one).not.toHaveProperty('null_count');
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
  });

  it('is JSON with fields in a fixed order, without the snapshot token', () => {
    const text = new TextDecoder().decode(manifestBytes(tableManifest(INPUT)));
    expect(JSON.parse(text)).toEqual(tableManifest(INPUT));
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      'format_version',
      'tool',
      'run_id',
      'engine',
      'source',
      'schema',
      'table',
      'kind',
      'consistency',
      'snapshot',
      'storage',
      'started_at',
      'ended_at',
      'row_count',
      'row_check',
      'compat',
      'file_options',
      'directory',
      'files',
      'columns',
    ]);
    expect(text).not.toContain('secret-token');
    expect(text.endsWith('}\n')).toBe(true);
  });

  it('has a null id for a snapshot without one', () => {
    const snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: 'now' } as const;
    expect(manifestOf({ snapshot }).snapshot).toEqual({ id: null, taken_at: 'now' });
  });
});

describe('names of Parquet types', () => {
  it.each<[string, ParquetType, boolean]>([
    ['BOOLEAN', { physical: 'BOOLEAN' }, false],
    ['INT32 INT(16)', { physical: 'INT32', logical: { kind: 'integer', bitWidth: 16, signed: true } }, false],
    ['INT32 UINT(8)', { physical: 'INT32', logical: { kind: 'integer', bitWidth: 8, signed: false } }, false],
    [
      'FIXED_LEN_BYTE_ARRAY(16) UUID',
      { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16, logical: { kind: 'uuid' } },
      false,
    ],
    [
      'INT64 TIMESTAMP(MICROS, UTC)',
      { physical: 'INT64', logical: { kind: 'timestamp', unit: 'MICROS', utc: true } },
      false,
    ],
    ['INT64 TIME(NANOS)', { physical: 'INT64', logical: { kind: 'time', unit: 'NANOS', utc: false } }, false],
    ['LIST<BYTE_ARRAY STRING>', { physical: 'BYTE_ARRAY', logical: { kind: 'string' } }, true],
    ['INT32 DATE', { physical: 'INT32', logical: { kind: 'date' } }, false],
    ['BYTE_ARRAY JSON', { physical: 'BYTE_ARRAY', logical: { kind: 'json' } }, false],
  ])('%s', (name, type, list) => {
    expect(parquetTypeName(column('x', type, { list }))).toBe(name);
  });
});
