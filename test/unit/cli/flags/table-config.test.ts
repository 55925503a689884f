import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { tableConfigs } from '../../../../src/cli/flags/table-config.js';
import type { TableConfig } from '../../../../src/export/model/options.js';

const NOTHING = { schema: undefined, method: undefined, key: undefined, degree: undefined };

describe('--table-config', () => {
  it.each<[string, Partial<TableConfig>[]]>([
    ['orders:RangeId:id:8', [{ table: 'orders', method: 'RangeId', key: 'id', degree: 8 }]],
    ['s.orders:Ctid::4', [{ schema: 's', table: 'orders', method: 'Ctid', degree: 4 }]],
    [
      'a:None;b:ntile:k',
      [
        { table: 'a', method: 'None' },
        { table: 'b', method: 'Ntile', key: 'k' },
      ],
    ],
    [' a : None ; ', [{ table: 'a', method: 'None' }]],
    ['a:::2', [{ table: 'a', degree: 2 }]],
    ['a::id:', [{ table: 'a', key: 'id' }]],
    [
      'a:Ctid::-2;b:Ctid::auto',
      [
        { table: 'a', method: 'Ctid', degree: -2 },
        { table: 'b', method: 'Ctid' },
      ],
    ],
    ['a:MODULO:id', [{ table: 'a', method: 'Random', key: 'id' }]],
    [
      'a:physloc;b:DATADRIVEN:c',
      [
        { table: 'a', method: 'Physloc' },
        { table: 'b', method: 'DataDriven', key: 'c' },
      ],
    ],
    [
      'a:Timepartition:(day,year,month):4',
      [{ table: 'a', method: 'Timepartition', key: '(day,year,month)', degree: 4 }],
    ],
    [
      "a:DataDriven:coalesce(x::text, ':;'):2",
      [{ table: 'a', method: 'DataDriven', key: "coalesce(x::text, ':;')", degree: 2 }],
    ],
    ['a:RangeId:"my:id":2', [{ table: 'a', method: 'RangeId', key: '"my:id"', degree: 2 }]],
    ['"s.x"."a:b;c":None', [{ schema: 's.x', table: 'a:b;c', method: 'None' }]],
    ['"say ""hi""":None', [{ table: 'say "hi"', method: 'None' }]],
    ['[dbo].[a]];b]:None', [{ schema: 'dbo', table: 'a];b', method: 'None' }]],
    ['', []],
  ])('%s', (value, expected) => {
    expect(tableConfigs(value)).toEqual(expected.map((one) => ({ ...NOTHING, ...one })));
  });

  it.each([
    ['orders', /asks for nothing/],
    ['orders:::', /asks for nothing/],
    [':None', /table has no name/],
    ['s.:None', /table has no name/],
    ['a.b.c:None', /more than one dot/],
    ['a:Sorted', /no method Sorted/],
    ['a:RangeId:x::int:4', /more than four fields/],
    ['a:RangeId:(x:4', /parentheses do not match/],
    ['a:RangeId:x):4', /parentheses do not match/],
    ['"a:None', /what " opens is not closed/],
    ['a:None::many', /degree must be auto or a whole number/],
  ])('%s is refused', (value, message) => {
    expect(() => tableConfigs(value)).toThrow(message);
  });

  it('lists the methods where there is no such one', () => {
    expect(() => tableConfigs('a:Sorted')).toThrow(
      expect.objectContaining({ exit: 'usage', hint: expect.stringContaining('RangeId, Ntile') as string }) as Error,
    );
  });

  it('takes any name in quotes, of either kind', () => {
    const name = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.trim() === text && text !== '');
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const bracketed = (text: string) => `[${text.replaceAll(']', ']]')}]`;
    const entry = fc.record({
      schema: fc.option(name, { nil: undefined }),
      table: name,
      method: fc.constantFrom<TableConfig['method']>(undefined, 'None', 'Ctid', 'RangeId', 'Timepartition'),
      key: fc.option(fc.constantFrom('id', '(day,year,month)', '"a:b"', "f(x, ';')"), { nil: undefined }),
      degree: fc.integer({ min: 1, max: 64 }),
    });
    fc.assert(
      fc.property(fc.array(entry), fc.boolean(), (entries, brackets) => {
        const quote = brackets ? bracketed : quoted;
        const text = entries
          .map(({ schema, table, method = '', key = '', degree }) => {
            const names = [...(schema === undefined ? [] : [schema]), table].map(quote).join('.');
            return [names, method.toUpperCase(), key, degree].join(':');
          })
          .join(';');
        expect(tableConfigs(text)).toEqual(entries);
      }),
    );
  });

  it('never fails with anything but a usage error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from(`a.:;"'[]() 0-`)) }), (text) => {
        try {
          tableConfigs(text);
        } catch (error) {
          expect(error).toMatchObject({ exit: 'usage' });
        }
      }),
    );
  });
});
