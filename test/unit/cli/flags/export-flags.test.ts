import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';

import type { PostgresInfo } from '../../../../src/sources/postgres/info.js';
import type { DatabaseEntry } from '../../../../src/auth/entries.js';
import { parseCommandLine } from '../../../../src/cli/flags/command-line.js';
import { readExportSettings } from '../../../../src/cli/flags/export-flags.js';
import { parallelism } from '../../../../src/cli/flags/value-types.js';
import type { ExportOptions } from '../../../../src/export/model/options.js';

const REQUIRED = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', 'out'];

const source: DatabaseEntry<PostgresInfo> = {
  kind: 'database',
  id: 'ds_pg',
  engine: 'postgres',
  info: { connectionString: 'postgres://u@h/shop', options: {}, connectTimeoutMs: 1, statementTimeoutMs: undefined },
};

function settings(argv: readonly string[]) {
  return readExportSettings(parseCommandLine(argv).flags);
}

function options(...argv: string[]): ExportOptions {
  return settings([...REQUIRED, ...argv]).optionsFor(source);
}

describe('options', () => {
  it('have the documented defaults', () => {
    expect(options()).toEqual({
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      startedAt: expect.any(Date) as Date,
      sourceId: 'ds_pg',
      databaseName: undefined,
      schemaPatterns: [],
      includePatterns: [],
      excludePatterns: [],
      optIns: [],
      minRows: undefined,
      maxRows: undefined,
      queries: [],
      queryFiles: [],
      columns: [],
      excludedColumns: [],
      skipUnreadableColumns: false,
      where: [],
      samples: [],
      addedColumns: [],
      incremental: [],
      safetyLagMs: undefined,
      nullCursors: 'fail',
      resetWatermarks: false,
      strategy: 'append',
      compactEvery: undefined,
      detectDeletes: false,
      onSchemaChange: 'fail',
      target: { directory: 'out' },
      routes: [],
      subPath: '',
      jobs: 4,
      parallel: 'auto',
      inherited: 'only',
      tableConfig: [],
      partitionBy: [],
      sortBy: [],
      largeTableThreshold: 100_000,
      compat: undefined,
      generateMetadata: false,
      includeEntityFiles: false,
      manifestName: undefined,
      manifest: 'beside',
      ddl: [],
      codec: 'Zstd',
      compressionLevel: undefined,
      encoding: 'plain',
      maxFileBytes: undefined,
      masks: [],
      bloomFilters: [],
      maskPolicy: undefined,
      maskSalt: undefined,
      columnTypes: [],
      rowGroupRows: 1_000_000,
      maxRowsPerFile: undefined,
      unboundedNumeric: { as: 'text' },
      onUnrepresentable: 'error',
      timestampUnit: 'us',
      engineOptions: { sqliteTypes: 'declared' },
      arrays: 'list',
      consistency: 'auto',
      errorAction: 'continue',
      lockTimeoutMs: 30_000,
      rowCheck: 'count',
    });
  });

  it.each<[string[], Partial<ExportOptions>]>([
    [['--source_db_name', 'other'], { databaseName: 'other' }],
    [['--source_schema_name', 'a%, b'], { schemaPatterns: ['a%', 'b'] }],
    [['-i', 'x,y', '-i', 's.%'], { includePatterns: ['x', 'y', 's.%'] }],
    [['-e', '%_tmp'], { excludePatterns: ['%_tmp'] }],
    [
      [
        ...['--incremental_table', 'sales.orders:updated_at:timestamp', '--incremental_table', 't:xmin!upsert'],
        ...[
          '--incremental_table',
          '%.e:"a:b":DateTime:i@2026-01-01 00:00:00!append',
          '--incremental-table',
          'n:id:integer@5',
        ],
      ],
      {
        incremental: [
          {
            pattern: 'sales.orders',
            value: { cursor: { type: 'timestamp', column: 'updated_at' }, isInclusive: false },
          },
          { pattern: 't', value: { cursor: { type: 'xmin' }, isInclusive: false, strategy: 'upsert' } },
          {
            pattern: '%.e',
            value: {
              cursor: { type: 'datetime', column: 'a:b' },
              isInclusive: true,
              start: '2026-01-01 00:00:00',
              strategy: 'append',
            },
          },
          { pattern: 'n', value: { cursor: { type: 'integer', column: 'id' }, isInclusive: false, start: '5' } },
        ],
      },
    ],
    [
      ['--incremental_safety_lag', '3600', '--incremental_nulls', 'include', '--reset-watermarks'],
      { safetyLagMs: 3_600_000, nullCursors: 'include', resetWatermarks: true },
    ],
    [
      ['--strategy', 'upsert', '--compact_every', '24', '--detect_deletes', '--on_schema_change', 'evolve'],
      { strategy: 'upsert', compactEvery: 24, detectDeletes: true, onSchemaChange: 'evolve' },
    ],
    [
      ['--query', '"a=b".[c]]d]=SELECT 1 AS x -- =', '--query', ' q =TABLE t'],
      {
        queries: [
          { id: { schema: 'a=b', name: 'c]d' }, sql: 'SELECT 1 AS x -- =' },
          { id: { schema: '', name: 'q' }, sql: 'TABLE t' },
        ],
      },
    ],
    [['--columns', 'o%:id,"a,b"'], { columns: [{ pattern: 'o%', value: ['id', 'a\\,b'] }] }],
    [['--exclude_columns', 's.t:x%'], { excludedColumns: [{ pattern: 's.t', value: ['x%'] }] }],
    [['--skip-unreadable-columns'], { skipUnreadableColumns: true }],
    [['--where', "t:a = ':'"], { where: [{ pattern: 't', value: "a = ':'" }] }],
    [
      ['--sample', 't:0.5%', '--sample', 'u:10'],
      {
        samples: [
          { pattern: 't', value: { percent: 0.5 } },
          { pattern: 'u', value: { rows: 10 } },
        ],
      },
    ],
    [
      ['--add-column', 'r=run_id', '--add-column', '"x=y"=constant:'],
      {
        addedColumns: [
          { name: 'r', value: { kind: 'run_id' } },
          { name: 'x=y', value: { kind: 'constant', text: '' } },
        ],
      },
    ],
    [['--include-views'], { optIns: ['views'] }],
    [['--min_rows', '0', '--max_rows', '10'], { minRows: 0, maxRows: 10 }],
    [['--n_jobs', '8'], { jobs: 8 }],
    [['-p', '3'], { parallel: 3 }],
    [['-p', '0'], { parallel: availableParallelism() }],
    [['-p', 'auto'], { parallel: 'auto' }],
    [['--compression_type', 'zSTD'], { codec: 'Zstd' }],
    [['--compression_type', 'lz4'], { codec: 'Lz4' }],
    [['--compression_type', 'NONE'], { codec: 'None' }],
    [['--compression_type', 'gzip', '--compression_level', '9'], { codec: 'Gzip', compressionLevel: 9 }],
    [['--compression-level', '22'], { compressionLevel: 22 }],
    [
      ['--bloom_filter', 's.orders:id, "a,b:c"', '--bloom-filter', '%:e%:0.05'],
      {
        bloomFilters: [
          { pattern: 's.orders', value: { column: 'id', falsePositives: 0.01 } },
          { pattern: 's.orders', value: { column: 'a\\,b\\:c', falsePositives: 0.01 } },
          { pattern: '%', value: { column: 'e%', falsePositives: 0.05 } },
        ],
      },
    ],
    [['--encoding', 'Compact'], { encoding: 'compact' }],
    [['--max_file_size', '512MiB'], { maxFileBytes: 512 * 2 ** 20 }],
    [['--max-file-size', '1.5 gb'], { maxFileBytes: 1.5e9 }],
    [['--max-file-size', '65536'], { maxFileBytes: 65_536 }],
    [['--row_group_rows', '1', '--max_rows_per_file', '2'], { rowGroupRows: 1, maxRowsPerFile: 2 }],
    [['--sqlite-types', 'Text'], { engineOptions: { sqliteTypes: 'text' } }],
    [['--arrays', 'JSON'], { arrays: 'json' }],
    [['--unbounded_numeric', 'DOUBLE'], { unboundedNumeric: { as: 'double' } }],
    [['--unbounded_numeric', 'decimal(38, 10)'], { unboundedNumeric: { as: 'decimal', precision: 38, scale: 10 } }],
    [['--unbounded_numeric', 'decimal(5)'], { unboundedNumeric: { as: 'decimal', precision: 5, scale: 0 } }],
    [['--on_unrepresentable', 'null'], { onUnrepresentable: 'null' }],
    [['--consistency', 'none'], { consistency: 'none' }],
    [['--error_action', 'skip'], { errorAction: 'continue' }],
    [['--error_action', 'fail'], { errorAction: 'fail' }],
    [['--lock_timeout', '2m'], { lockTimeoutMs: 120_000 }],
    [['--lock_timeout', '5'], { lockTimeoutMs: 5_000 }],
    [['--row_check', 'none'], { rowCheck: 'none' }],
    [['--large_table_threshold', '0'], { largeTableThreshold: 0 }],
    [['--run_id', '123E4567-e89b-42d3-a456-426614174000'], { runId: '123e4567-e89b-42d3-a456-426614174000' }],
  ])('take %j', (argv, expected) => {
    expect(options(...argv)).toMatchObject(expected);
  });

  it('spread readers by the number of cores', () => {
    const readers = (value: string, cores: number) => parallelism({ flag: '-p', value }, cores);
    expect([readers('0', 8), readers('-2', 8), readers('-3', 8), readers('-100', 8), readers('5', 8)]).toEqual([
      8, 4, 2, 1, 5,
    ]);
  });

  it('take a storage instead of a directory', () => {
    const argv = ['-a', 'x', '--source_db_auth_id', 'y', '--target-storage-id', 's3'];
    expect(settings(argv).target).toEqual({ storageId: 's3' });
  });
});

describe('a mistake', () => {
  it.each<[string[], RegExp]>([
    [[], /--auth-file and --source-db-auth-id must be given/],
    [['-a', 'x'], /^--source-db-auth-id must be given/],
    [['-a', 'x', '--source_db_auth_id', 'y'], /Either --output-dir or --target-storage-id must be given/],
    [[...REQUIRED, '--target_storage_id', 'z'], /--output-dir and --target-storage-id exclude each other/],
    [['-a', '', '--source_db_auth_id', 'y', '--output_dir', 'z'], /--auth-file is empty/],
    [['-a', 'x', '--source_db_auth_id', 'y', '--output_dir', ' '], /--output-dir is empty/],
  ])('in %j names the flags', (argv, message) => {
    expect(() => settings(argv)).toThrow(message);
  });

  it.each<[string[], RegExp]>([
    [['--n_jobs', '0'], /--n-jobs must be a whole number from 1 to 1024, not "0"/],
    [['--n_jobs', '-1'], /--n-jobs must be/],
    [['--n_jobs', '1.5'], /--n-jobs must be/],
    [['--n_jobs', 'NaN'], /--n-jobs must be/],
    [['--n_jobs', 'Infinity'], /--n-jobs must be/],
    [['--n_jobs', '1e3'], /--n-jobs must be/],
    [['--n_jobs', '0x10'], /--n-jobs must be/],
    [['--n_jobs', ''], /--n-jobs must be/],
    [['--n_jobs', '99999999999999999999'], /--n-jobs must be/],
    [['-p', '1.5'], /--parallel must be auto or a whole number/],
    [['-p', 'NaN'], /--parallel must be/],
    [['-p', '99999'], /--parallel must be/],
    [['--min_rows', '-1'], /--min-rows must be a whole number of at least 0/],
    [['--min_rows', '5', '--max_rows', '4'], /--min-rows 5 is more than --max-rows 4/],
    [['--row_group_rows', '0'], /--row-group-rows must be/],
    [['--row_group_rows', '4294967296'], /--row-group-rows must be/],
    [['--max_rows_per_file', '0'], /--max-rows-per-file must be/],
    [['--large_table_threshold', '-1'], /--large-table-threshold must be/],
    [['--compression_type', 'zst'], /one of Zstd, Snappy, Gzip, Lz4, None \(did you mean Zstd\?\)/],
    [['--bloom_filter', 'orders'], /--bloom-filter must be PATTERN:COLUMN/],
    [['--bloom_filter', 'orders:'], /--bloom-filter must be PATTERN:COLUMN/],
    [['--bloom_filter', 'orders:id,,x'], /holds an empty pattern/],
    [['--where', 'orders:'], /--where must be PATTERN:CONDITION, not "orders:"/],
    [['--where', 'orders: '], /--where must be PATTERN:CONDITION/],
    [['--sort_by', 'orders:'], /--sort-by must be PATTERN:COLUMN/],
    [['--columns', 'orders:'], /--columns must be PATTERN:COLUMN/],
    [['--partition_by', 'orders:'], /--partition-by must be PATTERN:EXPRESSION/],
    [['--mask', 'orders:'], /--mask must be PATTERN:column:METHOD/],
    [['--bloom_filter', 'orders:id:2'], /rate of false positives from 0.00001 to 0.5, not "2"/],
    [['--bloom_filter', 'orders:id:often'], /rate of false positives/],
    [['--encoding', 'delta'], /--encoding must be one of plain, compact/],
    [['--compression_level', '0'], /--compression-level must be a whole number from 1 to 22/],
    [['--compression_level', '23'], /--compression-level must be/],
    [['--compression_level', 'high'], /--compression-level must be/],
    [['--compression_type', 'Gzip', '--compression_level', '10'], /Gzip has the compression levels 1 to 9, not 10/],
    [['--compression_type', 'Snappy', '--compression_level', '1'], /Snappy has no compression levels/],
    [['--compression_type', 'None', '--compression_level', '1'], /None has no compression levels/],
    [['--compression_type', 'Lz4', '--compression_level', '1'], /Lz4 has no compression levels/],
    [['--max_file_size', '0'], /--max-file-size must be a size of at least 64 KiB/],
    [['--max_file_size', '-1MiB'], /--max-file-size must be/],
    [['--max_file_size', '10 rows'], /--max-file-size must be/],
    [['--max_file_size', '9999999999GiB'], /--max-file-size must be/],
    [['--arrays', 'jsonb'], /list, json, text/],
    [['--unbounded_numeric', 'int'], /text, double or decimal\(p,s\)/],
    [['--unbounded_numeric', 'decimal(39,2)'], /p from 1 to 38/],
    [['--unbounded_numeric', 'decimal(0,0)'], /p from 1 to 38/],
    [['--unbounded_numeric', 'decimal(5,6)'], /s from 0 to p/],
    [['--unbounded_numeric', 'decimal(5,-1)'], /text, double or decimal/],
    [['--on_unrepresentable', 'skip'], /one of error, null/],
    [['--consistency', 'table'], /one of run, none/],
    [['--error_action', 'stop'], /one of continue, fail, skip/],
    [['--lock_timeout', '0'], /--lock-timeout must be a time/],
    [['--lock_timeout', '-5s'], /--lock-timeout must be a time/],
    [['--lock_timeout', 'soon'], /--lock-timeout must be a time/],
    [['--run_id', 'x'], /--run-id must be a UUID/],
    [['-i', ''], /--include holds an empty pattern/],
    [['-i', 'a,,b'], /--include holds an empty pattern/],
    [['-i', 'a\\'], /ends in a single backslash/],
    [['-i', '"a'], /--include holds a " that nothing closes/],
    [['-e', '.x'], /--exclude holds a pattern with nothing before or after its dot/],
    [['-e', 'x.'], /nothing before or after its dot/],
    [['--sub_path', '../x'], /leads upwards/],
    [['--sub_path', 'a/../../x'], /leads upwards/],
    [['--sub_path', '/x'], /is absolute/],
    [['--sub_path', 'a//b'], /empty segment/],
    [['--sub_path', 'a\u0000b'], /control character/],
    [['--sub_path', '{day}'], /unknown token \{day\}/],
    [['--sub_path', 'a{date'], /brace without its other half/],
    [['--sub_path', ''], /--sub-path is empty/],
  ])('in %j is told', (argv, message) => {
    expect(() => options(...argv)).toThrow(message);
    expect(() => options(...argv)).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
  });
});

describe('flags of metadata', () => {
  it('are options of the run', () => {
    expect(options('--generate_metadata', '--include_entity_files', '--manifest_name', 'shop')).toMatchObject({
      generateMetadata: true,
      includeEntityFiles: true,
      manifestName: 'shop',
    });
    expect(options()).toMatchObject({ generateMetadata: false, includeEntityFiles: false, manifestName: undefined });
  });

  it.each<[string[], RegExp]>([
    [['--include_entity_files'], /--include-entity-files needs --generate-metadata/],
    [['--manifest_name', 'shop'], /--manifest-name needs --generate-metadata/],
    [['--generate_metadata', '--manifest', 'none'], /--generate-metadata and --manifest none exclude each other/],
    [['--generate_metadata', '--manifest_name', ' '], /--manifest-name is empty/],
  ])('%j is refused', (argv, message) => {
    expect(() => options(...argv)).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
    expect(() => options(...argv)).toThrow(message);
  });
});

describe('flags of LakeXpress without a meaning', () => {
  it('are taken, and listed for the notice', () => {
    const argv = ['--fastbcp_dir_path', '/x', '--license', 'y', '--license-file', 'z', '--quiet_fbcp'];
    expect(settings([...REQUIRED, ...argv]).ignoredFlags).toEqual([
      '--fastbcp-dir-path',
      '--license',
      '--license-file',
      '--quiet-fbcp',
    ]);
  });
});

describe('patterns', () => {
  it.each<[string, string[]]>([
    ['a', ['a']],
    [' a , b% ', ['a', 'b%']],
    ['a\\,b,c', ['a\\,b', 'c']],
    ['a\\\\,b', ['a\\\\', 'b']],
    ['sales.%,_x', ['sales.%', '_x']],
    ["it's", ["it's"]],
    ['Größe,表', ['Größe', '表']],
    ['x\\.', ['x\\.']],
    ['"Odd.Name", s."50%"', ['Odd\\.Name', 's.50\\%']],
    ['[dbo].[a,b]', ['dbo.a\\,b']],
    ['x[1]', ['x[1]']],
    ['"say ""hi"""', ['say\\ \\"hi\\"']],
  ])('%j are %j', (list, expected) => {
    expect(options('-i', list).includePatterns).toEqual(expected);
    expect(options('-e', list).excludePatterns).toEqual(expected);
    expect(options('--route', `${list}=eu/x=y`).routes).toEqual([
      { patterns: expected, storageId: 'eu', subPath: 'x=y' },
    ]);
  });

  it('of --route may have an equals sign in quotes', () => {
    expect(options('--route', '"a=b".t=eu').routes).toEqual([{ patterns: ['a\\=b.t'], storageId: 'eu', subPath: '' }]);
    expect(() => options('--route', 'a,b')).toThrow(/must be PATTERN=STORAGE_ID/);
    expect(() => options('--route', '=eu')).toThrow(/an empty pattern/);
  });
});

describe('--sub_path', () => {
  const run = '123e4567-e89b-42d3-a456-426614174000';

  it('has its tokens replaced, all of one moment', () => {
    const { subPath, startedAt } = options('--run_id', run, '--sub_path', 'x/{date}/{timestamp}/{run_id}/{database}');
    const iso = startedAt.toISOString();
    const stamp = `${iso.slice(0, 10).replaceAll('-', '')}T${iso.slice(11, 19).replaceAll(':', '')}Z`;
    expect(subPath).toBe(`x/${iso.slice(0, 10)}/${stamp}/${run}/shop`);
  });

  it('lets nanoseconds and Spark not stand together', () => {
    expect(options('--compat', 'SPARK').compat).toBe('spark');
    expect(options('--compat', 'spark', '--timestamp_unit', 'us').compat).toBe('spark');
    expect(() => options('--compat', 'spark', '--timestamp_unit', 'ns')).toThrow(
      expect.objectContaining({ code: 'FLAG_CONFLICT', exit: 'usage' }) as Error,
    );
    expect(() => options('--compat', 'sparks')).toThrow(/did you mean spark/);
  });

  it('takes the name of the database from the flag first', () => {
    expect(options('--source_db_name', 'other', '--sub_path', '{database}').subPath).toBe('other');
  });

  it('lets no name of a database lead elsewhere', () => {
    expect(options('--source_db_name', '../../etc', '--sub-path', 'a/{database}').subPath).toMatch(/^a\/[^/]+$/);
    expect(options('--source_db_name', '..', '--sub_path', 'a/{database}').subPath).not.toContain('..');
  });

  it('says which flag names the database where nothing does', () => {
    const nameless = { ...source, info: { ...source.info, connectionString: 'postgres://u@h' } } as DatabaseEntry;
    expect(() => settings([...REQUIRED, '--sub_path', '{database}']).optionsFor(nameless)).toThrow(
      expect.objectContaining({ hint: 'Name it with --source-db-name.', exit: 'usage' }) as Error,
    );
  });
});
