import { describe, expect, test } from 'vitest';

import {
  claimPath,
  isOwnPath,
  markerPath,
  parseOwnPath,
  partPath,
  uploadsPath,
} from '../../../../src/storage/lease/own-paths.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const NONCE = '0123456789abcdef';

describe('paths of what a run keeps in a store', () => {
  test('are found again, with the run and what they are, and nothing else is taken for one', () => {
    expect(parseOwnPath(markerPath(RUN))).toEqual({ runId: RUN, kind: 'marker' });
    expect(parseOwnPath(claimPath(RUN, NONCE))).toEqual({ runId: RUN, kind: 'claim' });
    expect(parseOwnPath(partPath(RUN, NONCE))).toEqual({ runId: RUN, kind: 'part' });
    expect(parseOwnPath(uploadsPath(RUN, NONCE))).toEqual({ runId: RUN, kind: 'uploads' });
    for (const path of [
      '.lakeport/runs/r/other.json',
      '.lakeport/write-test',
      '.lakeport/probe-0123456789abcdef.tmp',
      `.lakeport-${RUN}-part-00000-0123456789ab.tmp`,
      `x/${markerPath(RUN)}`,
      'x/.lakeport/runs/r/run.json',
    ]) {
      expect(parseOwnPath(path)).toBeUndefined();
    }
  });

  test.each([
    ['.lakeport/runs/r/run.json', 'marker'],
    [`.lakeport/runs/r/claim-${NONCE}.json`, 'claim'],
    ['.lakeport/runs/r/uploads-0123456789ab.json', 'uploads'],
    ['.lakeport-run-r.json', 'marker'],
    [`.lakeport-claim-r-${NONCE}.json`, 'claim'],
  ])('of version 0.1 are known as well: %s', (path, kind) => {
    expect(parseOwnPath(path)).toEqual({ runId: 'r', kind });
  });

  test('are told from tables that look like them', () => {
    expect(isOwnPath('.lakeport/run-x.json')).toBe(true);
    expect(isOwnPath('public/orders/.lakeport-x-part-00001-abc.tmp')).toBe(true);
    expect(isOwnPath('public/.lakeportx/part-00000.parquet')).toBe(false);
    expect(isOwnPath('public/lakeport/part-00000.parquet')).toBe(false);
  });
});
