import { describe, expect, it } from 'vitest';

import { readFileSync } from 'node:fs';
import { parseCommandLine } from '../../../../src/cli/flags/command-line.js';
import { readExportSettings } from '../../../../src/cli/flags/export-flags.js';
import { completeOptions, type GivenOptions } from '../../../../src/export/model/complete-options.js';

const GIVEN = { sourceId: 'ds_pg', target: { directory: './exports' } } satisfies GivenOptions;

/** What JavaScript may give, whatever the types say. */
function complete(given: object): unknown {
  return completeOptions({ ...GIVEN, ...given });
}

describe('options of an export that are left out', () => {
  it('have the defaults of the flags', () => {
    expect(completeOptions(GIVEN)).toMatchObject({
      ...GIVEN,
      codec: 'Zstd',
      consistency: 'auto',
      includePatterns: [],
      jobs: 4,
      manifest: 'beside',
      ddl: [],
      parallel: 'auto',
      rowCheck: 'count',
    });
  });

  it('have their defaults too where they are undefined', () => {
    expect(completeOptions({ ...GIVEN, jobs: undefined, codec: undefined })).toMatchObject({ jobs: 4, codec: 'Zstd' });
  });

  it('give each run an id of its own', () => {
    expect(completeOptions(GIVEN).runId).not.toBe(completeOptions(GIVEN).runId);
  });
});

it('complete options stay as they are', () => {
  const options = completeOptions({ ...GIVEN, minRows: 5, timestampUnit: 'ns' });
  expect(completeOptions(options)).toEqual(options);
});

it('what flags give is valid, and every option has its place in docs/api.md', () => {
  const words = [
    ...[
      '-a',
      'x',
      '--source-db-auth-id',
      'ds',
      '--output-dir',
      'o',
      '--query',
      'a.b=SELECT 1 AS c',
      '--columns',
      'a:b,c',
    ],
    ...['--exclude-columns', '%:x', '--where', 'a:b > 1', '--sample', 'a:1%', '--add-column', 'c=constant:'],
    ...[
      '--route',
      'a,b=st/x',
      '--table-config',
      'a:Modulo:id:-2;b::x:',
      '--partition-by',
      'c:year(d), e',
      '--sort-by',
      'd:e',
    ],
    ...[
      '--mask',
      'a:b:partial(1,2)',
      '--mask',
      'a:c:redact',
      '--mask-salt',
      '$env{X}',
      '--column-type',
      'a.b:decimal(5)',
    ],
    ...[
      '--bloom-filter',
      'a:b',
      '--unbounded-numeric',
      'decimal(10,2)',
      '--skip-unreadable-columns',
      '--generate-metadata',
      '--include-entity-files',
      '--manifest-name',
      'shop',
      '--n-jobs',
      '1024',
    ],
  ];
  const options = readExportSettings(parseCommandLine(words).flags).optionsFor({
    ...{ kind: 'database', id: 'ds', engine: 'sqlite', info: { filepath: 'x' } },
  });
  expect(completeOptions(options)).toEqual(options);
  const documented = readFileSync('docs/api.md', 'utf8');
  for (const name of Object.keys(options)) expect(documented).toContain(`\`${name}\``);
});

describe('options that cannot be', () => {
  it('name the one that is near a misspelled one', () => {
    expect(() => complete({ includePattern: ['a%'] })).toThrow(
      /no export option includePattern; did you mean includePatterns/,
    );
  });

  it.each([
    [{ sourceId: undefined }, /sourceId must be a string/],
    [{ target: undefined }, /target must be/],
    [{ target: { directory: '' } }, /target must be/],
    [{ target: { directory: 'a', storageId: 'b' } }, /target must be/],
    [{ runId: 'my-run' }, /runId must be a UUID/],
    [{ jobs: 0 }, /jobs must be an integer from 1 to 1024/],
    [{ jobs: '4' }, /jobs must be an integer/],
    [{ maxRowsPerFile: 1.5 }, /maxRowsPerFile must be an integer/],
    [{ maxFileBytes: 1000 }, /maxFileBytes must be an integer of at least 65536/],
    [{ codec: 'Gzip', compressionLevel: 10 }, /compressionLevel is wrong: Gzip has the compression levels 1 to 9/],
    [{ parallel: 'all' }, /parallel must be 'auto' or an integer/],
    [{ codec: 'zip' }, /codec must be one of Zstd, Snappy/],
    [{ consistency: 'table' }, /consistency must be one of auto, run, none/],
    [{ includePatterns: 'shop.%' }, /includePatterns must be a list of strings/],
    [{ engineOptions: 'text' }, /engineOptions must be an object/],
    [{ engineOptions: { mysqlTypes: 'text' } }, /engineOptions has no mysqlTypes, but only .*sqliteTypes/],
    [{ engineOptions: { sqliteTypes: 'Text' } }, /engineOptions has a sqliteTypes that must be one of declared, text/],
    [{ optIns: ['indexes'] }, /optIns must be a list of views/],
    [{ jobs: 1025 }, /jobs must be an integer from 1 to 1024/],
    [{ startedAt: '2026-01-01' }, /startedAt must be a Date/],
    [{ inherited: 'yes' }, /inherited must be one of only, include/],
    [{ queries: ['q=SELECT 1'] }, /queries must be a list of \{ id: \{ schema, name \}, sql \}/],
    [{ queries: [{ id: { schema: '', name: 'q' }, sql: 'SELECT 1 AS a;' }] }, /queries must be .* without a semicolon/],
    [{ queryFiles: [{ id: { schema: '', name: '' }, sql: 'SELECT 1 AS a' }] }, /queryFiles must be/],
    [{ columns: ['orders:id'] }, /columns must be a list of \{ pattern, value \}/],
    [{ excludedColumns: [{ pattern: 'a', value: 'id' }] }, /excludedColumns must be/],
    [{ skipUnreadableColumns: 'yes' }, /skipUnreadableColumns must be true or false/],
    [{ where: [{ pattern: 'a', value: '' }] }, /where must be/],
    [{ samples: [{ pattern: 'a', value: { percent: 101 } }] }, /samples must be .*\{ percent \}/],
    [{ samples: [{ pattern: 'a', value: { rows: 0.5 } }] }, /samples must be/],
    [{ addedColumns: [{ name: 'a', value: { kind: 'now' } }] }, /addedColumns must be .*exported_at/],
    [{ routes: [{ patterns: 'a', storageId: 'b', subPath: '' }] }, /routes must be a list of/],
    [
      { tableConfig: [{ table: 'a', method: 'Rnage' }] },
      /tableConfig has the method "Rnage", but there are only .*RangeId/,
    ],
    [{ tableConfig: [{ table: 'a', degree: '4' }] }, /tableConfig has a degree that is no integer/],
    [{ partitionBy: [{ pattern: 'a', value: 'b) OR (c' }] }, /partitionBy is wrong: The partition key b\) OR/],
    [{ sortBy: [{ pattern: 'a', value: 'id' }] }, /sortBy must be/],
    [{ unboundedNumeric: { as: 'decimal', precision: 39, scale: 1 } }, /unboundedNumeric must be/],
    [{ masks: [{ pattern: 'a', value: { column: 'b', mask: 'hash' } }] }, /masks must be .*\{ method: 'hash' \}/],
    [{ masks: [{ pattern: 'a', value: { column: 'b', mask: { method: 'partial', first: '1' } } }] }, /masks must be/],
    [{ maskPolicy: './policy.yaml' }, /maskPolicy must be .* readMaskPolicy/],
    [{ maskSalt: 'pepper' }, /maskSalt must refer to a secret/],
    [{ columnTypes: [{ pattern: 'a', value: { column: 'b', type: 'text' } }] }, /columnTypes must be/],
    [{ bloomFilters: [{ pattern: 'a', value: { column: 'b', falsePositives: 1 } }] }, /bloomFilters must be .*0.00001/],
    [{ minRows: 5, maxRows: 4 }, /minRows is more than maxRows, 4/],
    [{ compat: 'spark', timestampUnit: 'ns' }, /timestampUnit cannot be ns/],
  ])('%j', (given, message) => {
    expect(() => complete(given)).toThrow(message);
  });
});
