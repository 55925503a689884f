import { describe, expect, it } from 'vitest';

import { DirectorySet } from '../../../../src/storage/lease/directory-set.js';

describe('directories overlap', () => {
  it.each([
    ['the same', 'a/b', 'a/b', true],
    ['one above', 'a/b', 'a', true],
    ['one below', 'a', 'a/b/c', true],
    ['the base itself', 'a/b', '', true],
    ['anything with the base', '', 'a', true],
    ['a neighbour', 'a/b', 'a/c', false],
    ['a name that begins alike', 'a/b', 'a/bc', false],
    ['a name that begins alike above', 'ab/c', 'a', false],
    ['another case', 'a/B', 'a/b', false],
  ])('with %s', (_, own, other, overlaps) => {
    expect(new DirectorySet([own]).firstOverlap([other])).toBe(overlaps ? other : undefined);
  });

  it('in any case where the file system takes no notice of it', () => {
    const set = new DirectorySet(['s/Orders\u00e9'], { ignoresCase: true });
    expect(set.firstOverlap(['s/ORDERSe\u0301'])).toBe('s/ORDERSe\u0301');
    expect(set.firstOverlap(['s/other'])).toBeUndefined();
  });

  it('and the first one is named', () => {
    expect(new DirectorySet(['a', 'b/c']).firstOverlap(['x', 'b', 'a/d'])).toBe('b');
    expect(new DirectorySet([]).firstOverlap(['', 'a'])).toBeUndefined();
  });
});
