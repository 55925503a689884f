import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import { ERROR_CODES, ERROR_GROUPS, errorAnchor, type ErrorCode, isErrorCode } from '../../src/error-codes/index.js';
import { EXIT_CODES, LakeportError } from '../../src/errors.js';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

const SOURCES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('error-codes'))
  .map((name) => readFileSync(path.join('src', name), 'utf8'))
  .join('\n');

/** Named in full, or as a family: `${prefix}_CONNECTION_LOST`. */
function isThrown(code: string): boolean {
  return SOURCES.includes(`'${code}'`) || SOURCES.includes(`}_${code.replace(/^(?:S3|GCS|AZURE)_/, '')}\``);
}

describe('the catalogue of error codes', () => {
  it('has only codes that the program throws', () => {
    expect(CODES.filter((code) => !isThrown(code))).toEqual([]);
  });

  it('says of each in one sentence what it means', () => {
    for (const code of CODES) expect(ERROR_CODES[code].meaning, code).toMatch(/^(?:--|"|[A-Z])[^\n]{10,110}[^.]$/);
  });

  it('has each code in one group', () => {
    expect(
      Object.values(ERROR_GROUPS)
        .flatMap((group) => Object.keys(group))
        .sort(),
    ).toEqual([...CODES].sort());
  });

  it('has an anchor in the documentation for each', () => {
    const page = readFileSync('docs/errors.md', 'utf8');
    for (const code of CODES) {
      const [file, anchor = ''] = errorAnchor(code).split('#');
      expect(file).toBe('docs/errors.md');
      expect(page).toContain(`<a id="${anchor}"></a>`);
    }
  });
});

it('no error repeats the exit class of its code where it is thrown', () => {
  const repeats = [...SOURCES.matchAll(/code: '(\w+)',\s+exit: '([a-z-]+)'/g)]
    .filter(([, code = '', exit]) => isErrorCode(code) && ERROR_CODES[code].exit === exit)
    .map(([, code]) => code);
  expect(repeats).toEqual([]);
});

describe('an error', () => {
  it('has exit class and transience of its code, unless it is told otherwise', () => {
    const plain = new LakeportError({ code: 'SOURCE_DEADLOCK', message: 'x' });
    expect(plain).toMatchObject({ exit: 'tables-failed', transient: true });
    const told = new LakeportError({ code: 'SOURCE_DEADLOCK', exit: 'unreachable', transient: false, message: 'x' });
    expect(told).toMatchObject({ exit: 'unreachable', transient: false });
    expect(new LakeportError({ code: 'SOURCE_TIMEOUT', message: 'x' })).toMatchObject({ transient: false });
    expect(EXIT_CODES[plain.exit]).toBe(3);
  });

  it('keeps what it was told on its way through threads', () => {
    const told = new LakeportError({ code: 'SOURCE_DEADLOCK', transient: false, message: 'x' });
    expect(LakeportError.fromData(told.toData()).within({ table: 't' })).toMatchObject({ transient: false });
  });
});
