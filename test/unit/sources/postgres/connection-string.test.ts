import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LakeportError } from '../../../../src/errors.js';
import { parseConnectionString } from '../../../../src/sources/postgres/connection/connection-string.js';

const parse = (text: string) => parseConnectionString(text, 'ds_pg');
/** What is not as it is by default. */
const given = (text: string) =>
  Object.fromEntries(
    Object.entries(parse(text)).filter(
      ([, value]) => ![undefined, '{}', '[]', 'false', '{"channelBinding":false}'].includes(JSON.stringify(value)),
    ),
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
  [
    'postgres://bob@a:1,[::1]:2,c/x?target_session_attrs=read-write&load_balance_hosts=random',
    {
      server: 'a',
      port: 1,
      others: [
        { server: '::1', port: 2 },
        { server: 'c', port: 5432 },
      ],
      username: 'bob',
      database: 'x',
      ssl: 'prefer',
      targetSession: 'read-write',
      shuffled: true,
    },
  ],
  [
    'host=db,db2 hostaddr=10.0.0.1,10.0.0.2 port=6432 user=bob channel_binding=require sslmode=require',
    {
      server: 'db',
      hostaddr: '10.0.0.1',
      port: 6432,
      others: [{ server: 'db2', hostaddr: '10.0.0.2', port: 6432 }],
      username: 'bob',
      ssl: 'require',
      authentication: { channelBinding: true },
    },
  ],
  [
    'hostaddr=10.0.0.1 user=bob sslrootcert=system',
    { server: '10.0.0.1', hostaddr: '10.0.0.1', port: 5432, username: 'bob', ssl: 'verify-full', sslCa: 'system' },
  ],
  [
    'host=db user=bob require_auth=!password,!md5,!none passfile=/p sslnegotiation=direct sslmode=verify-ca sslcrl=/c',
    {
      server: 'db',
      port: 5432,
      username: 'bob',
      passwordFile: '/p',
      ssl: 'verify-ca',
      sslCrl: '/c',
      tlsNegotiation: 'direct',
      authentication: { methods: ['scram-sha-256', 'gss', 'sspi', 'oauth'], channelBinding: false },
    },
  ],
])('%s', (text, expected) => {
  expect(given(text)).toEqual(expected);
});

/** "Parameter Key Words" of PostgreSQL 18's manual. */
const PARAMETERS = `host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout client_encoding
  options application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count
  tcp_user_timeout replication gssencmode sslmode requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile
  sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version
  min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key service
  servicefile target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope`;

test.each([
  ['1', 2_000],
  ['90', 90_000],
  ['0', undefined],
  ['-1', undefined],
])('connect_timeout=%s is taken as %s ms', (seconds, milliseconds) => {
  expect(parse(`user=bob connect_timeout=${seconds}`).connectTimeoutMs).toBe(milliseconds);
});

test('every parameter of libpq is known: honoured, without effect, or refused with what to do instead', () => {
  for (const name of PARAMETERS.split(/\s+/)) {
    if (name === 'requiressl') continue; // removed from libpq long ago
    const text = `user=bob ${name}=nonsense`;
    try {
      parse(text);
    } catch (thrown) {
      const { message, hint } = LakeportError.from(thrown);
      expect(message).not.toContain('unknown parameter');
      expect(hint).not.toBe(`remove ${name}`);
    }
  }
});

test.each([
  ['postgres://db/x', /names no user/],
  ['host=a,b hostaddr=::1 user=bob', /2 hosts and 1 hostaddr/],
  ['host=a,b port=1,2,3 user=bob', /3 ports for 2 hosts/],
  ['host=a user=bob target_session_attrs=leader', /unknown target_session_attrs/],
  ['host=a user=bob gssencmode=require', /gssencmode=require/],
  ['host=a user=bob channel_binding=maybe', /unknown channel_binding/],
  ['host=a user=bob sslrootcert=system sslmode=require', /too weak for sslrootcert=system/],
  ['host=a user=bob sslnegotiation=direct', /too weak for sslnegotiation=direct/],
  ['host=a user=bob require_auth=trust', /unknown require_auth/],
  ['host=a user=bob require_auth=md5,!none', /unknown require_auth/],
  ['host=a user=bob service=sales', /service/],
  ['service=sales', /the parameter service/],
  ['host=a user=bob connect_timeout=soon', /connect_timeout that is not a number/],
  ['postgres://bob@db/x?ssl=require', /unknown ssl, require/],
  ['postgres://bob@db/x?sslmode', /cannot be parsed/],
  ['host=a user=bob requirepeer=postgres', /requirepeer/],
  ['host=a user=bob sslcrldir=/crl', /sslcrldir/],
  ['host=a user=bob sslcertmode=require', /sslcertmode=require/],
  ['host=a user=bob sslsni=0', /sslsni=0/],
  ['host=a user=bob replication=database', /replication=database/],
  ['host=a user=bob min_protocol_version=3.2', /min_protocol_version/],
  ['host=a user=bob options=--single', /options/],
  ['host=a user=bob ssl_min_protocol_version=SSLv3', /ssl_min_protocol_version/],
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
