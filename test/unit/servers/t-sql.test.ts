import { expect, test } from 'vitest';
import { splitList, toDuckDb } from '../../servers/tds/t-sql.js';

test.each(["SELECT 'open, 1", 'SELECT "open, 1', 'SELECT [open, 1', "CONVERT(int, 'open)"])(
  'a quote that does not close is an error: %s',
  (sql) => {
    expect(() => [splitList(sql), toDuckDb(sql)]).toThrow('does not close');
  },
);

test('commas in quotes, brackets and parentheses separate nothing', () => {
  expect(splitList(`[a,]]'b], 'it''s, ', f(1, ','), "c,"`)).toEqual([`[a,]]'b]`, `'it''s, '`, `f(1, ',')`, '"c,"']);
});
