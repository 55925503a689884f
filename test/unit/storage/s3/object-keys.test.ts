import { describe, expect, test } from 'vitest';

import {
  hiddenKeyBeside,
  isHidden,
  ObjectKeys,
  parseNotePath,
  runMarkerPath,
  uploadJournalPath,
} from '../../../../src/storage/s3/object-keys.js';

describe('keys', () => {
  test('lie below the base, or in the bucket itself', () => {
    expect(new ObjectKeys('a/b').keyOf('t/part')).toBe('a/b/t/part');
    expect(new ObjectKeys('').keyOf('t/part')).toBe('t/part');
    expect(new ObjectKeys('a/b').pathOf('a/b/t/part')).toBe('t/part');
    expect(new ObjectKeys('').pathOf('t/part')).toBe('t/part');
  });

  test('of a directory do not match its neighbours', () => {
    expect(new ObjectKeys('base').prefixOf('t')).toBe('base/t/');
    expect(new ObjectKeys('base').prefixOf('')).toBe('base/');
    expect(new ObjectKeys('').prefixOf('')).toBe('');
  });

  test.each(['../x', '/x', 'a//b', 'a/./b', 'a\\b'])('never lead out of the base: %s', (path) => {
    expect(() => new ObjectKeys('base').keyOf(path)).toThrow(expect.objectContaining({ code: 'UNSAFE_PATH' }));
  });
});

describe('hidden names', () => {
  test('stand beside the name that they wait for, and hold the run', () => {
    const key = hiddenKeyBeside('base/t/part-00001.parquet', 'run-1');
    expect(key).toMatch(/^base\/t\/\.lakeport-run-1-part-00001-[0-9a-f]+\.tmp$/);
    expect(isHidden(key)).toBe(true);
  });

  test('are told from tables that look like them', () => {
    expect(isHidden('.lakeport/runs/x/run.json')).toBe(true);
    expect(isHidden('public/.lakeportx/part-00000.parquet')).toBe(false);
    expect(isHidden('public/lakeport/part-00000.parquet')).toBe(false);
  });
});

describe('notes of runs', () => {
  test('are found again by their paths, and nothing else is taken for one', () => {
    expect(parseNotePath(runMarkerPath('r'))).toEqual({ runId: 'r', kind: 'marker' });
    expect(parseNotePath(uploadJournalPath('r', 'abc'))).toEqual({ runId: 'r', kind: 'journal' });
    expect(parseNotePath('.lakeport/runs/r/other.json')).toBeUndefined();
    expect(parseNotePath('.lakeport/write-test')).toBeUndefined();
    expect(parseNotePath('x/.lakeport/runs/r/run.json')).toBeUndefined();
  });
});
