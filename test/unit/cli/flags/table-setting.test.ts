import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { NAME_PATTERNS, tableSettings, takePattern } from '../../../../src/cli/flags/table-setting.js';
import { TEXT } from '../../../../src/cli/flags/value-types.js';
import { LikePattern, TablePattern } from '../../../../src/export/planning/like-pattern.js';

const FORM = { form: 'PATTERN:CONDITION', example: 'orders:amount > 0' };
const CONDITIONS = tableSettings(TEXT, FORM);

function parsed(value: string): { readonly pattern: string; readonly value: string } | undefined {
  return CONDITIONS.parse({ flag: '--where', value })[0];
}

describe('PATTERN:VALUE', () => {
  test.each([
    ['orders:id > 1', 'orders', 'id > 1'],
    ["sales.%:note <> ':' AND t::date > now()", 'sales.%', "note <> ':' AND t::date > now()"],
    ['a\\:b:x', 'a\\:b', 'x'],
    ['"a:b"."c.d":x', 'a\\:b.c\\.d', 'x'],
    ['"100%_""":x', '100\\%\\_\\"', 'x'],
    ['[a:b].[c]]d]:x', 'a\\:b.c]d', 'x'],
    ['x[1]:y', 'x[1]', 'y'],
    ['"b\\c":x', 'b\\\\c', 'x'],
    [' orders : x ', 'orders', 'x'],
    ['orders\\ :x', 'orders\\ ', 'x'],
  ])('of %s', (value, pattern, rest) => {
    expect(parsed(value)).toEqual({ pattern, value: rest });
  });

  test.each(['', ':x', 'orders', '"orders:x', 'orders\\', '.orders:x', 'public.:x', 'orders:', 'orders:  '])(
    'is refused without one of the two, or if a quote is not closed: %j',
    (value) => {
      expect(() => parsed(value)).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
    },
  );

  it('keeps a quoted name apart from all others, whatever characters it has', () => {
    const names = fc.string({
      unit: fc.constantFrom(...Array.from('ab"\\%_.:,;$\'[]é-\n ')),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(names, names, names, (schema, name, other) => {
        const quoted = [schema, name].map((one) => `"${one.replaceAll('"', '""')}"`).join('.');
        const { pattern, rest } = takePattern({ flag: '--where', value: `${quoted}:a:b` }, ':');
        const matcher = new TablePattern(pattern, '--where');
        expect(rest).toBe('a:b');
        expect(matcher.matches({ schema, name })).toBe(true);
        expect(matcher.matches({ schema, name: other })).toBe(other === name);
      }),
    );
  });

  it('is restored from the record of a run as it was given', () => {
    const settings = CONDITIONS.parse({ flag: '--where', value: '"a.b":x = $$;--' });
    expect(CONDITIONS.restore(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
    expect(CONDITIONS.restore([{ pattern: 'a' }])).toBeUndefined();
    expect(CONDITIONS.restore('a:b')).toBeUndefined();
  });
});

describe('names with commas between them', () => {
  const patterns = (value: string) => NAME_PATTERNS.parse({ flag: '--columns', value });

  it('are LIKE patterns, or in quotes the names themselves', () => {
    expect(patterns('id, name_%,"a,b", "c_d"')).toEqual(['id', 'name_%', 'a\\,b', 'c\\_d']);
    expect(new LikePattern(patterns('"a,b"')[0] ?? '', '--columns').matches('a,b')).toBe(true);
  });

  test.each(['', 'a,', ',a', 'a,,b', '"a'])('are refused where one is missing: %j', (value) => {
    expect(() => patterns(value)).toThrow(expect.objectContaining({ code: 'BAD_PATTERN' }) as Error);
  });
});
