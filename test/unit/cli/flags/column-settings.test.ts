import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { afterAll, describe, expect, it, test } from 'vitest';

import { COLUMN_FLAGS } from '../../../../src/cli/flags/column-flags.js';
import { COLUMN_TYPES, MASKS } from '../../../../src/cli/flags/column-settings.js';
import { MASK_FILE } from '../../../../src/cli/flags/mask-file.js';
import { LikePattern, TablePattern } from '../../../../src/export/planning/like-pattern.js';

const REFUSED = expect.objectContaining({ exit: 'usage' }) as Error;
const mask = (value: string) => MASKS.parse({ flag: '--mask', value })[0];
const type = (value: string) => COLUMN_TYPES.parse({ flag: '--column-type', value })[0];

describe('PATTERN:column:METHOD', () => {
  test.each([
    ['sales.customers:email:hash', 'sales.customers', 'email', { method: 'hash' }],
    ['%:%mail%:NULL', '%', '%mail%', { method: 'null' }],
    ['t:c:redact', 't', 'c', { method: 'redact', text: '***' }],
    [`t:c:redact(it's "; $$ \\ :)`, 't', 'c', { method: 'redact', text: `it's "; $$ \\ :` }],
    ['t:c:redact()', 't', 'c', { method: 'redact', text: '' }],
    ['t:c:partial( 2 , 4 )', 't', 'c', { method: 'partial', first: 2, last: 4 }],
    ['"a:b"."c.d":"e:f":hash', 'a:b.c\\.d'.replace(':', '\\:'), 'e\\:f', { method: 'hash' }],
  ])('of %s', (value, pattern, column, expected) => {
    expect(mask(value)).toEqual({ pattern, value: { column, mask: expected } });
    expect(MASKS.restore(JSON.parse(JSON.stringify([mask(value)])))).toEqual([mask(value)]);
  });

  test.each([
    't:c',
    't:c:',
    't:c:md5',
    't:c:partial(1)',
    't:c:partial(-1,2)',
    't:c:partial(1,99999)',
    't:c:redact(',
    't::hash',
    't:c:redact(\0)',
  ])('is refused where there is no such method: %j', (value) => {
    expect(() => mask(value)).toThrow(REFUSED);
  });
});

describe('PATTERN.column:TYPE', () => {
  test.each([
    ['orders.amount:double', 'orders', 'amount', { as: 'double' }],
    ['sales.orders.amount:Decimal(10, 2)', 'sales.orders', 'amount', { as: 'decimal', precision: 10, scale: 2 }],
    ['sales.%.at:timestamp(ns)', 'sales.%', 'at', { as: 'timestamp', unit: 'ns' }],
    ['orders:amount:decimal(5)', 'orders', 'amount', { as: 'decimal', precision: 5, scale: 0 }],
    ['"a.b"."c:d":json', 'a\\.b', 'c\\:d', { as: 'json' }],
  ])('of %s', (value, pattern, column, expected) => {
    expect(type(value)).toEqual({ pattern, value: { column, type: expected } });
    expect(COLUMN_TYPES.restore(JSON.parse(JSON.stringify([type(value)])))).toEqual([type(value)]);
  });

  test.each([
    'amount:text',
    't.c',
    't.c:int',
    't.c:decimal(39,0)',
    't.c:decimal(2,3)',
    't.c:timestamp',
    't.:text',
    '.c:text',
  ])('is refused without a table, or with another type: %j', (value) => {
    expect(() => type(value)).toThrow(REFUSED);
  });

  it('finds quoted names, whatever characters they have, and no others', () => {
    const names = fc.string({ unit: fc.constantFrom(...Array.from('ab"\\%_.:;$\'[]- ')), minLength: 1, maxLength: 6 });
    const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(names, names, names, (schema, name, column) => {
        const { pattern = '', value } = type(`${quoted(schema)}.${quoted(name)}.${quoted(column)}:text`) ?? {};
        expect(new TablePattern(pattern, '').matches({ schema, name })).toBe(true);
        expect(new LikePattern(value?.column ?? '', '').matches(column)).toBe(true);
        expect(new LikePattern(value?.column ?? '', '').matches(`${column}x`)).toBe(false);
      }),
    );
  });
});

describe('--mask_salt', () => {
  const salt = (value: string) => COLUMN_FLAGS.maskSalt.read([value]);

  test.each(['$env{SALT}', '${SALT}', '$file{/run/secrets/salt}'])('takes a reference: %s', (value) => {
    expect(salt(value)).toBe(value);
  });

  test.each(['a-secret-itself', '$env{A}b', '', 'x$env{A}'])(
    'takes nothing else, and does not repeat it: %j',
    (value) => {
      expect(() => salt(value)).toThrow(REFUSED);
      expect(() => salt(value)).not.toThrow(/a-secret-itself/);
      expect(COLUMN_FLAGS.maskSalt.restore(value)).toBeUndefined();
    },
  );
});

describe('a policy', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const policy = (content: string) => {
    const file = path.join(directory, 'masks.yaml');
    writeFileSync(file, content);
    return MASK_FILE.parse({ flag: '--mask-file', value: file });
  };

  it('has its columns in order, in YAML and in JSON', () => {
    const columns = [
      { pattern: 's.customers', value: { column: 'email', mask: { method: 'hash' } } },
      { pattern: 's.customers', value: { column: 'note', mask: { method: 'null' } } },
      { pattern: 's.customers', value: { column: 'id', mask: undefined } },
      { pattern: 'x\\.y', value: { column: '%', mask: { method: 'partial', first: 0, last: 4 } } },
    ];
    const yaml = `# who may see what
unlisted: fail
tables:
  s.customers: { email: hash, note: null, id: none }
  '"x.y"':
    '%': partial(0,4)
`;
    const tables = { 's.customers': { email: 'hash', note: null, id: 'none' }, '"x.y"': { '%': 'partial(0,4)' } };
    for (const content of [yaml, JSON.stringify({ unlisted: 'fail', tables })]) {
      expect(policy(content)).toMatchObject({ unlisted: 'fail', columns });
      expect(MASK_FILE.restore(JSON.parse(JSON.stringify(policy(content))))).toEqual(policy(content));
    }
  });

  test.each([
    ['', 'it must be a mapping'],
    ['- a', 'it must be a mapping'],
    ['tables: {}', 'it masks nothing'],
    ['tables: { t: { c: md5 } }', 'must be none'],
    ['tables: { t: { c: [hash] } }', 'must be none'],
    ['tables: { t: hash }', 'must map columns'],
    ['unlisted: perhaps\ntables: { t: { c: hash } }', '"unlisted" must be'],
    ['tables: { t: { c: hash } }\ntabels: {}', 'unknown "tabels"'],
    ['tables: { t: { c: hash }, t: { d: hash } }', 'unique'],
    ['tables: { t: { c: hash', 'cannot be used'],
  ])('is refused: %j', (content, problem) => {
    expect(() => policy(content)).toThrow(
      expect.objectContaining({ code: 'BAD_MASK_FILE', message: expect.stringContaining(problem) as string }) as Error,
    );
  });

  it('is refused where it does not exist', () => {
    expect(() => MASK_FILE.parse({ flag: '--mask-file', value: path.join(directory, 'none.yaml') })).toThrow(REFUSED);
  });
});
