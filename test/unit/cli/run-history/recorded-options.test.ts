import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readAuthFile } from '../../../../src/auth-file.js';
import type { AuthFile } from '../../../../src/auth/auth-file.js';
import { Redactor } from '../../../../src/auth/redaction.js';
import { parseCommandLine } from '../../../../src/cli/flags/command-line.js';
import { readExportSettings } from '../../../../src/cli/flags/export-flags.js';
import {
  placeKey,
  recordedAuthPath,
  recordedSettings,
  refuseOtherPlaces,
  restoredOptions,
} from '../../../../src/cli/run-history/recorded-options.js';
import type { ExportOptions } from '../../../../src/export/model/options.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

const RUN_ID = '123e4567-e89b-42d3-a456-426614174000';

let scratch: ScratchDirectory;
let auth: AuthFile;

beforeAll(async () => {
  scratch = new ScratchDirectory();
  auth = await authFile('exports');
});

afterAll(() => scratch.remove());

/** With the storage `st`. */
async function authFile(directory: string): Promise<AuthFile> {
  const file = path.join(scratch.path, 'auth.json');
  await writeFile(file, JSON.stringify({ st: { storage_type: 'local', info: { directory } } }), { mode: 0o600 });
  return readAuthFile(file);
}

function options(...argv: string[]): ExportOptions {
  const words = ['-a', 'auth.json', '--source_db_auth_id', 'ds', '--run_id', RUN_ID, ...argv];
  const info = { filepath: 'x' };
  return readExportSettings(parseCommandLine(words).flags).optionsFor({
    kind: 'database',
    id: 'ds',
    engine: 'sqlite',
    info,
  });
}

/** As the log gives them back. */
async function recorded(given: ExportOptions, redactor = new Redactor()): Promise<unknown> {
  const settings = await recordedSettings(given, { auth, redactor });
  return JSON.parse(JSON.stringify(redactor.redactData(JSON.parse(JSON.stringify(settings)))));
}

describe('recorded settings', () => {
  it.each([
    [['--output_dir', '/data/out']],
    [['--output_dir', '/o', '-i', 'a,b', '-e', 'c', '--min_rows', '1', '--sub_path', '{timestamp}/x', '-p', '3']],
    [['--target_storage_id', 'st', '--route', 'a=st/cold', '--unbounded_numeric', 'decimal(10,2)', '--arrays', 'json']],
    [['--output_dir', '/o', '--sqlite_types', 'text']],
    [
      [
        '--output_dir',
        '/o',
        '--compression_level',
        '19',
        '--max_file_size',
        '512MiB',
        '--encoding',
        'compact',
        '--bloom_filter',
        'a:b,c:0.1',
      ],
    ],
    [
      [
        ...[
          '--output_dir',
          '/o',
          '--query',
          '"a.b"."c"=SELECT 1 AS a -- $$; x',
          '--columns',
          'a:b%,"c,d"',
          '--exclude_columns',
          '%:x',
        ],
        ...['--skip_unreadable_columns', '--where', `a:b = 'it''s' OR c > 1`, '--sample', 'a:0.5%', '--sample', 'b:7'],
        ...['--add_column', 'r=run_id', '--add_column', 't=constant:$$ {x}', '--mask', '%:m:partial(1,2)'],
        ...['--mask', 'a:[x]]y]:redact(it)', '--mask', 'a:b:null', '--column_type', 'a.b:decimal(10,2)'],
        ...['--column_type', 'a.c:timestamp(ns)', '--partition_by', 'a:year(d), "e"', '--sort_by', 'a:b, c DESC'],
        ...['--inherited', 'include', '--on_unrepresentable', 'text'],
      ],
    ],
    [['--output_dir', '/o', '--include_foreign_tables', '--include-extension-tables']],
    [['--output_dir', '/o', '--table_config', 'a:RangeId:id:4', '--consistency', 'run', '--max_rows_per_file', '9']],
  ])('give back the options of %j', async (argv) => {
    const given = options(...argv);
    expect(restoredOptions(await recorded(given), RUN_ID)).toEqual(given);
  });

  it('of runs that knew a flag for views only mean what these runs exported: foreign tables too', () => {
    const { optIns, ...older } = options('--output_dir', '/o');
    expect(optIns).toEqual([]);
    const record = (includeViews: boolean): unknown =>
      JSON.parse(JSON.stringify({ format: 1, options: { ...older, includeViews } }));
    expect(restoredOptions(record(true), RUN_ID)).toMatchObject({ optIns: ['views', 'foreign_tables'] });
    const restored = restoredOptions(record(false), RUN_ID);
    expect(restored).toMatchObject({ optIns: ['foreign_tables'] });
    expect(restored).not.toHaveProperty('includeViews');
  });

  it('of versions without a flag have its default, or what they did before there was one', () => {
    const options = {
      ...{ runId: RUN_ID, startedAt: '2026-01-02T03:04:05.000Z', sourceId: 'ds', target: { directory: '/o' } },
      ...{ routes: [], subPath: '', jobs: 2, codec: 'Snappy', schemaPatterns: [], includePatterns: ['a%'] },
    };
    expect(restoredOptions({ format: 1, options }, RUN_ID)).toMatchObject({
      jobs: 2,
      codec: 'Snappy',
      includePatterns: ['a%'],
      excludePatterns: [],
      optIns: ['foreign_tables'],
      parallel: 'auto',
      inherited: 'include',
      tableConfig: [],
      partitionBy: [],
      sortBy: [],
      manifest: 'inside',
      ddl: [],
      arrays: 'list',
      timestampUnit: 'us',
      engineOptions: { sqliteTypes: 'declared' },
      rowCheck: 'count',
      lockTimeoutMs: 30_000,
    });
  });

  it.each<[string, unknown, object?]>([
    ['codec', 'Brotli'],
    ['jobs', 0],
    ['jobs', '4'],
    ['includePatterns', 'a'],
    ['unboundedNumeric', { as: 'decimal', precision: 99, scale: 0 }],
    ['tableConfig', [{ method: 'RangeId' }]],
    ['sqliteTypes', 'none', { engineOptions: { sqliteTypes: 'none' } }],
    ['routes', [{ storageId: 'x' }]],
    ['target', {}],
    ['subPath', undefined],
  ])(
    'with %s %j, which no version wrote, are refused rather than guessed',
    async (name, value, record = { [name]: value }) => {
      const settings = JSON.parse(JSON.stringify(await recorded(options('--output_dir', '/o')))) as { options: object };
      const changed = { ...settings, options: { ...settings.options, ...record } };
      expect(() => restoredOptions(changed, RUN_ID)).toThrow(new RegExp(`its record has a ${name} that this version`));
    },
  );

  it('name the auth file for the command that resumes the run, also where a job file named it', async () => {
    const settings = (await recorded(options('--output_dir', '/o'))) as object;
    expect(recordedAuthPath(settings)).toBe(auth.path);
    expect(recordedAuthPath({ ...settings, cwd: '/elsewhere', authFile: 'auth.json' })).toBe('/elsewhere/auth.json');
    expect(recordedAuthPath({ ...settings, authFile: undefined })).toBeUndefined();
  });

  it('make a relative directory absolute: the run may be resumed from anywhere', async () => {
    const { target } = restoredOptions(await recorded(options('--output_dir', 'out')), RUN_ID);
    expect(target).toEqual({ directory: path.resolve('out') });
  });

  it('that hold a secret hold it hidden, and say which it is', async () => {
    const redactor = new Redactor();
    redactor.add('s3cret-word');
    const settings = await recorded(options('--output_dir', '/o', '-i', 's3cret-word'), redactor);
    expect(JSON.stringify(settings)).not.toContain('s3cret-word');
    expect(() => restoredOptions(settings, RUN_ID)).toThrow(/its settings \(includePatterns\) contain a credential/);
  });

  it.each([[undefined], [{}], [{ format: 2, options: {} }], [{ format: 1, options: 'x' }]])(
    'of another format can not be resumed: %j',
    (settings) => {
      expect(() => restoredOptions(settings, RUN_ID)).toThrow(/another version of lakeport/);
    },
  );

  it('tell when a storage leads elsewhere than before', async () => {
    const given = options('--target_storage_id', 'st');
    const settings = await recorded(given);
    const changed = await authFile('other');
    expect(() => refuseOtherPlaces(settings, given, auth)).not.toThrow();
    expect(() => refuseOtherPlaces(settings, given, changed)).toThrow(/storage st leads to .*other/);
  });

  it('tell the same place by whatever name it goes', async () => {
    const table = { storageId: '--output_dir', path: 'exports/s/t' };
    const byEntry = await recorded(options('--target_storage_id', 'st'));
    expect(placeKey(await recorded(options('--output_dir', 'exports')), table)).toBe(
      placeKey(byEntry, { storageId: 'st', path: path.resolve('exports/s/t') }),
    );
    expect(placeKey({}, table)).toBeUndefined();
  });
});
