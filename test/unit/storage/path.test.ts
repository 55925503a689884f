import path from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import { assertSafePath, checkSubPath, encodeSegment, joinPath, tableDirectory } from '../../../src/storage/path.js';

/** Any string that SQL Server would take as a name, lone surrogates and control characters included. */
const anyName = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 130 }),
  fc.string({ unit: fc.constantFrom('.', '/', '\\', '_', '%', '2', 'F', '~', 'a', '\ud800', '\udc00', '\0', 'é') }),
  fc.constantFrom('.', '..', '...', '../x', '_SUCCESS', '%2F', '/', 'manifest.json', 'a.cdm.json', 'CON', ' '),
);

describe('names as path segments', () => {
  it.each([
    ['orders', 'orders'],
    ['Bestellungen 2024', 'Bestellungen 2024'],
    ['zażółć.jaźń', 'zażółć.jaźń'],
    ['a/b', 'a%2Fb'],
    ['a\\b', 'a%5Cb'],
    ['a%2Fb', 'a%252Fb'],
    ['a=b', 'a%3Db'],
    ['a%3Db', 'a%253Db'],
    ['*?[]{}', '%2A%3F%5B%5D%7B%7D'],
    ['s3://a#b', 's3%3A%2F%2Fa%23b'],
    ['dot.', 'dot%2E'],
    [' both ', ' both%20'],
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['_SUCCESS', '%5FSUCCESS'],
    ['_', '%5F'],
    ['a_b.c', 'a_b.c'],
    ['tab\there', 'tab%09here'],
    ['\u0085next', '%C2%85next'],
    ['half\ud83d', 'half%uD83D'],
    ['whole😀', 'whole😀'],
    ['manifest.json', 'manifest%2Ejson'],
    ['😀.CDM.json', '😀.CDM%2Ejson'],
  ])('%j becomes %j', (name, segment) => {
    expect(encodeSegment(name)).toBe(segment);
  });

  it('lead to a place below the base, whatever they are', () => {
    fc.assert(
      fc.property(anyName, anyName, (schema, name) => {
        const directory = tableDirectory('', { schema, name });
        expect(() => assertSafePath(directory)).not.toThrow();
        expect(directory.split('/')).toHaveLength(2);
        const absolute = path.resolve('/base', directory);
        expect(path.relative('/base', absolute)).toBe(directory);
      }),
      { numRuns: 2000 },
    );
  });

  it('are never hidden, never one of our own files, and fit every file system', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const segment = encodeSegment(name);
        expect(segment).not.toMatch(/^[._]/);
        expect(segment).not.toMatch(/[/\\=*?[\]{}:#\p{Cc}]|[. ]$/u);
        expect(segment.toLowerCase()).not.toMatch(/^manifest\.json$|\.cdm\.json$/);
        expect(Buffer.byteLength(segment)).toBeLessThanOrEqual(200);
        expect(Buffer.from(segment).toString()).toBe(segment);
      }),
      { numRuns: 2000 },
    );
  });

  it('stay different where the names are different', () => {
    const alphabet = fc.string({
      unit: fc.constantFrom('.', '/', '_', '%', '2', 'F', 'E', '5', '~', 'u'),
      maxLength: 8,
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(alphabet, anyName), { minLength: 2, maxLength: 60 }), (names) => {
        const distinct = new Set(names);
        expect(new Set(Array.from(distinct, encodeSegment)).size).toBe(distinct.size);
      }),
      { numRuns: 1000 },
    );
  });

  it('stay different where long names differ only at their end', () => {
    const start = 'x'.repeat(250);
    expect(encodeSegment(`${start}a`)).not.toBe(encodeSegment(`${start}b`));
    expect(encodeSegment('/'.repeat(70))).toMatch(/^(%2F)+%~[0-9a-f]{32}$/);
    expect(encodeSegment('€'.repeat(67))).toMatch(/^€+%~[0-9a-f]{32}$/);
    expect(encodeSegment('x'.repeat(200))).toBe('x'.repeat(200));
  });

  it('of other case are told apart by the names alone, not by the encoding', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        fc.pre(a.toLowerCase() !== b.toLowerCase());
        expect(encodeSegment(a).toLowerCase()).not.toBe(encodeSegment(b).toLowerCase());
      }),
    );
  });
});

describe('paths', () => {
  it('are joined without empty segments', () => {
    expect(joinPath('', 'a', '', 'b/c')).toBe('a/b/c');
    expect(tableDirectory('daily/2024-01-01', { schema: 'public', name: 'a/b' })).toBe('daily/2024-01-01/public/a%2Fb');
  });

  it.each(['../x', 'a/../b', '..', '/abs', '\\abs', 'a//b', 'a/', '.', 'a/./b', 'a\\..\\b', 'a\nb', 'a\u0000b'])(
    'of --sub-path %j are a usage error',
    (subPath) => {
      const refused = catchError(() => checkSubPath(subPath));
      expect(refused).toMatchObject({ code: 'BAD_SUB_PATH', exit: 'usage' });
      expect(refused.message).toContain('--sub-path');
      expect(refused.hint).toBeDefined();
    },
  );

  it.each(['', 'daily', 'daily/2024-01-01', 'a b/ü', '...', '_x/.y', 'a..b'])(
    'of --sub-path %j are taken',
    (subPath) => {
      expect(() => checkSubPath(subPath)).not.toThrow();
    },
  );
});

function catchError(operation: () => void): LakeportError {
  try {
    operation();
  } catch (error) {
    if (error instanceof LakeportError) return error;
  }
  throw new Error('no LakeportError was thrown');
}
