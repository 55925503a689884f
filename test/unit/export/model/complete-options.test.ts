import { describe, expect, it } from 'vitest';

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
    [{ jobs: 0 }, /jobs must be an integer of at least 1/],
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
  ])('%j', (given, message) => {
    expect(() => complete(given)).toThrow(message);
  });
});
