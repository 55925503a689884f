import { expect, test } from 'vitest';
import { checkExpression, splitExpressions } from '../../../../src/sources/partitioning/expression.js';

test.each([
  ['a, b', ['a', 'b']],
  ['[a, "b]], c], d', ['[a, "b]], c]', 'd']],
  [`lower([x--;'])`, [`lower([x--;'])`]],
  ['tags[1], ARRAY[[1, 2], [3, 4]], (f(x, y))[2]', ['tags[1]', 'ARRAY[[1, 2], [3, 4]]', '(f(x, y))[2]']],
  [`"a, ""b", 'it''s, ' || c`, [`"a, ""b"`, `'it''s, ' || c`]],
])('a list is split at its own commas: %s', (list, items) => {
  expect(splitExpressions(list)).toEqual(items);
});

test.each([
  'a) OR (b',
  'a; DROP TABLE t',
  'a -- b',
  'a /* b */',
  "'open",
  '"open',
  '[open',
  'a]',
  '$$a$$',
  `E'\\''`,
  'tags[1) OR (2]',
])('what could reach beyond its parentheses is refused: %s', (text) => {
  expect(() => checkExpression(text)).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
});
