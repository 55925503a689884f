import { expect, test } from 'vitest';
import { queryParts, sqlTokens } from '../../../../src/sources/mssql/sql-text.js';

test.each([
  'SELECT 1 AS a',
  "SELECT ')' AS a, [)] FROM t -- )\n WHERE (a = N'it''s (')",
  'SELECT /* ( /* nested */ ( */ (1) AS a',
  'SELECT "a)""b" FROM [x]](y]',
])('parentheses that match: %s', (sql) => {
  expect(sqlTokens(sql)).toBeDefined();
});

test.each(['a) OR (b', '(a', "'open", '[open', '"open', '/* open', '/* /* half */', 'a) DROP TABLE t --'])(
  'parentheses, quotes or comments that do not match: %s',
  (sql) => {
    expect(sqlTokens(sql)).toBeUndefined();
  },
);

test.each([
  ['SELECT 1 AS a', '', 'SELECT 1 AS a'],
  ['WITH a AS (SELECT 1 AS x) SELECT x FROM a', 'WITH a AS (SELECT 1 AS x) \n', 'SELECT x FROM a'],
  [
    "with [a b] (x, y) as (select ')' , 2), /* c */ c AS (SELECT (1) AS z) SELECT * FROM c",
    "with [a b] (x, y) as (select ')' , 2), /* c */ c AS (SELECT (1) AS z) \n",
    'SELECT * FROM c',
  ],
  ['WITH a AS SELECT', '', 'WITH a AS SELECT'],
])('common table expressions come before the SELECT: %s', (sql, prefix, select) => {
  expect(queryParts(sql)).toEqual({ prefix, select });
});
