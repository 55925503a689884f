import { describe, expect, test } from 'vitest';

import { ObjectKeys } from '../../../../src/storage/s3/object-keys.js';

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
