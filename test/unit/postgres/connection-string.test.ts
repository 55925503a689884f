import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LakeportError } from '../../../src/errors.js';
import { parseConnectionString } from '../../../src/sources/postgres/connection-string.js';

const parse = (text: string) => parseConnectionString(text, 'ds_pg');
const given = (text: string) =>
  Object.fromEntries(
    Object.entries(parse(text)).filter(([, value]) => value !== undefined && JSON.stringify(value) !== '{}'),
  );

test.each([
  ['postgres://bob@db', { server: 'db', port: 5432, username: 'bob', ssl: 'prefer' }],
  [
    'postgresql://bob:s%40cret%2F@db.example:6543/sales%20data?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=10',
    {
      server: 'db.example',
      port: 6543,
      username: 'bob',
      password: 's@cret/',
      database: 'sales data',
      ssl: 'verify-full',
      sslCa: '/ca.pem',
      connectTimeoutMs: 10_000,
    },
  ],
  [
    'postgres://bob:a:b@[::1]:5433/x',
    { server: '::1', port: 5433, username: 'bob', password: 'a:b', database: 'x', ssl: 'prefer' },
  ],
  ['postgres://bob@%2Fvar%2Frun/x', { server: '/var/run', port: 5432, username: 'bob', database: 'x', ssl: 'prefer' }],
  [
    'postgres:///x?host=/var/run&user=bob',
    { server: '/var/run', port: 5432, username: 'bob', database: 'x', ssl: 'prefer' },
  ],
  [
    'postgres://bob@db/x?sslmode=allow&application_name=me&keepalives=1',
    { server: 'db', port: 5432, username: 'bob', database: 'x', ssl: 'prefer' },
  ],
  [
    'postgres://bob@db/x?options=-c%20search_path%3Da%5C%20b%20--work-mem%3D8MB',
    {
      server: 'db',
      port: 5432,
      username: 'bob',
      database: 'x',
      ssl: 'prefer',
      options: { search_path: 'a b', work_mem: '8MB' },
    },
  ],
  [
    String.raw`host = db user=bob password='it\'s a \\ secret' dbname=x port=1`,
    { server: 'db', port: 1, username: 'bob', password: String.raw`it's a \ secret`, database: 'x', ssl: 'prefer' },
  ],
  [
    String.raw`  user=bob password=a\ b  `,
    { server: 'localhost', port: 5432, username: 'bob', password: 'a b', ssl: 'prefer' },
  ],
])('%s', (text, expected) => {
  expect(given(text)).toEqual(expected);
});

test.each([
  ['postgres://db/x', /names no user/],
  ['postgres://bob@a:1,b:2/x', /cannot be parsed|several hosts/],
  ['host=a,b user=bob', /several hosts/],
  ['postgres://bob@db:99999/x', /port/],
  ['postgres://bob@db/x?sslmode=maybe', /sslmode/],
  ['postgres://bob@db/x?passwrod=pa55word', /unknown parameter, passwrod/],
  ['postgres://bob:pa55word%@db/x', /cannot be parsed/],
  ["host=db user=bob password='pa55word", /cannot be parsed/],
  ['Server=db;User=bob;Password=pa55word', /cannot be parsed/],
])('refuses %s without repeating it', (text, message) => {
  const error = refusal(text);
  expect(error.message).toMatch(message);
  expect(error).toMatchObject({ exit: 'usage', context: { entry: 'ds_pg' } });
  expect(JSON.stringify(error)).not.toContain('pa55word');
});

function refusal(text: string): LakeportError {
  try {
    parse(text);
  } catch (thrown) {
    return LakeportError.from(thrown);
  }
  throw new Error('it was taken');
}

test('any password survives both forms', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (password) => {
      const quoted = password.replaceAll(/[\\']/g, '\\$&');
      expect(parse(`postgres://bob:${encodeURIComponent(password)}@db/x`).password).toBe(password);
      expect(parse(`user=bob password='${quoted}' host=db`).password).toBe(password);
    }),
  );
});
