import { expect, test } from 'vitest';
import { findPassword } from '../../../../src/sources/postgres/connection/password-file.js';

const FILE = String.raw`# comment
db:5432:sales:bob:first
db:*:*:bob:second
localhost:5432:*:bob:by socket
*:*:*:amy:with\:colon and \\
`;

test.each([
  [{ server: 'db', port: 5432, database: 'sales', username: 'bob' }, 'first'],
  [{ server: 'db', port: 6432, database: 'sales', username: 'bob' }, 'second'],
  [{ server: '/run/postgresql', port: 5432, database: 'x', username: 'bob' }, 'by socket'],
  [{ server: 'any', port: 1, database: 'x', username: 'amy' }, 'with:colon and \\'],
  [{ server: 'any', port: 1, database: 'x', username: 'eve' }, undefined],
])('%o', (of, password) => {
  expect(findPassword(FILE, of)).toBe(password);
});
