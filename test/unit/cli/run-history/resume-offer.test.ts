import { describe, expect, it } from 'vitest';

import { isWorthResuming } from '../../../../src/cli/run-history/resume-offer.js';

describe('a run is offered to be resumed', () => {
  it.each<[string, (string | undefined)[], 'auto' | 'run', boolean]>([
    ['where tables were not reached', [undefined], 'auto', true],
    ['where a lock, a grant or a row can be mended', ['TABLE_LOCKED'], 'run', true],
    ['where a value could not be written, as the row may be corrected', ['VALUE_UNREPRESENTABLE'], 'auto', true],
    ['where one of several errors may pass', ['TABLE_CHANGED_SINCE', 'SOURCE_CONNECTION_LOST'], 'auto', true],
    ['not where all errors come again', ['TABLE_CHANGED_SINCE', 'TABLE_NOT_FOUND'], 'auto', false],
    ['not where a snapshot is gone that may not be followed by another', ['SNAPSHOT_LOST', undefined], 'run', false],
    ['where it may', ['SNAPSHOT_LOST'], 'auto', true],
    ['not where another process has it', [undefined, 'RUN_TAKEN'], 'auto', false],
  ])('%s', (_, codes, consistency, expected) => {
    const unfinished = codes.map((code) => (code === undefined ? undefined : { code }));
    expect(isWorthResuming(unfinished, { consistency })).toBe(expected);
  });
});
