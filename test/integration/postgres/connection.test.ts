import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, Socket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PostgresFields } from '../../../src/sources/postgres/info.js';
import { LakeportError } from '../../../src/errors.js';
import { openSource } from '../../../src/engines.js';
import type { OpenOptions } from '../../../src/sources/source.js';
import {
  connectPostgres,
  type PostgresSettings,
  type Sockets,
} from '../../../src/sources/postgres/connection/connection.js';
import { begin } from '../../../src/sources/postgres/connection/transaction.js';
import { AUTHORITY, LOCALHOST_CERTIFICATE, OTHER_NAME_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { openPostgres } from '../../harness/postgres-source.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/** All that a session has of its own. */
const STATE = `
  SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'transaction%'
  UNION ALL SELECT 'user', current_user::text UNION ALL SELECT 'tenant', NULLIF(current_setting('app.tenant', true), '')
  UNION ALL SELECT 'locks', count(*)::text FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
  UNION ALL SELECT 'prepared', count(*)::text FROM pg_prepared_statements ORDER BY 1`;

let plain: PostgresServer;
let tls: PostgresServer;
let directory: string;
let authority: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'lakeport-certificates-'));
  authority = path.join(directory, 'ca.pem');
  await writeFile(authority, AUTHORITY);
  [plain, tls] = await Promise.all([
    startPostgres({ settings: { max_connections: 8 } }),
    startPostgres({
      tls: { cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY },
      hba: [
        'hostssl all only_tls all scram-sha-256',
        'hostnossl all only_plain all scram-sha-256',
        'host all only_tls,only_plain all reject',
      ],
    }),
  ]);
  await tls.query(`CREATE ROLE only_tls LOGIN PASSWORD 'secret'; CREATE ROLE only_plain LOGIN PASSWORD 'secret'`);
});
afterAll(async () => {
  await Promise.all([plain.stop(), tls.stop(), rm(directory, { recursive: true })]);
});

/** The error of an attempt to connect. */
async function failure(
  server: PostgresServer,
  overrides: Partial<PostgresFields>,
  options: Omit<OpenOptions, 'entryId'> = {},
): Promise<LakeportError> {
  const result = await openPostgres(server, overrides, options).catch((error: unknown) => error);
  if (!(result instanceof LakeportError)) {
    if (result instanceof Error) throw result;
    throw new Error('it connected');
  }
  expect(`${result.message} ${result.hint} ${JSON.stringify(result.context)} ${result.stack}`).not.toContain(
    'pa55word',
  );
  return result;
}

async function mode(server: PostgresServer, overrides: Partial<PostgresFields>): Promise<string> {
  const source = await openPostgres(server, overrides);
  const settings = source.readerSettings().connection as PostgresSettings;
  const client = await connectPostgres(structuredClone(settings));
  const { rows } = await client.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  await client.end();
  await source.close();
  return `${settings.ssl}, ${rows[0]!.ssl ? 'encrypted' : 'plain'}`;
}

describe('a connection that cannot be made says why, and what helps', () => {
  test.each<[string, Partial<PostgresFields>, string, RegExp]>([
    ['wrong password', { password: 'pa55word' }, 'SOURCE_PASSWORD_REJECTED', /password/],
    ['no password', { password: undefined }, 'SOURCE_PASSWORD_MISSING', /"password"/],
    ['unknown user', { username: 'nobody', password: 'pa55word' }, 'SOURCE_PASSWORD_REJECTED', /username/],
    ['unknown database', { database: 'nowhere' }, 'SOURCE_DATABASE_UNKNOWN', /--source-db-name/],
    ['unknown host', { server: 'no-such-host.invalid' }, 'SOURCE_HOST_UNKNOWN', /"server"/],
    ['no socket', { server: '/nonexistent', connectTimeoutMs: 300 }, 'SOURCE_REFUSED', /directory/],
    ['TLS wanted, none there', { ssl: 'require' }, 'SOURCE_TLS_REFUSED', /"prefer"/],
    ['authority that is no file', { sslCa: '/nonexistent/ca.pem' }, 'CERTIFICATE_NOT_READABLE', /path/],
    ['unknown setting', { options: { no_such_setting: '1' } }, 'SOURCE_OPTION_REFUSED', /auth file/],
    ['bad value of a setting', { options: { work_mem: 'much' } }, 'SOURCE_OPTION_REFUSED', /auth file/],
  ])('%s', async (_, overrides, code, hint) => {
    const error = await failure(plain, overrides);
    // What may pass was waited for.
    expect(error).toMatchObject({ code, transient: false, context: { entry: 'ds_pg' } });
    expect(error.hint).toMatch(hint);
    expect(error.exit).toBe(code.startsWith('SOURCE_OPTION') || code.startsWith('CERT') ? 'usage' : 'unreachable');
  });

  test('closed port', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    const { port } = await new Promise<AddressInfo>((resolve) =>
      listener.once('listening', () => resolve(listener.address() as AddressInfo)),
    );
    await new Promise((resolve) => listener.close(resolve));
    const waits: string[] = [];
    const onWait = (message: string) => waits.push(message);
    const error = await failure(plain, { port, connectTimeoutMs: 800 }, { onWait });
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', exit: 'unreachable', transient: false });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.message).toMatch(/\([2-9] attempts within 0\.\d s\)/);
    expect(waits).toEqual([expect.stringContaining('retrying for 0.8 s')]);
  });

  test('nobody answers', async () => {
    const listener = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as AddressInfo;
    const error = await failure(plain, { port, connectTimeoutMs: 200 });
    expect(error).toMatchObject({ code: 'SOURCE_TIMEOUT', exit: 'unreachable', transient: true });
    const signal = AbortSignal.timeout(100);
    await expect(openPostgres(plain, { port }, { signal })).rejects.toMatchObject({ exit: 'interrupted' });
    listener.close();
  });

  test.each([
    [7, /requests authentication by GSSAPI \(Kerberos\), which is not supported$/],
    [99, /requests authentication by method 99, which is not supported$/],
  ])('a server asks for a login that the driver does not speak (%i)', async (method, says) => {
    const listener = createServer((socket) => {
      const request = Buffer.alloc(9);
      request.write('R');
      request.writeInt32BE(8, 1);
      request.writeInt32BE(method, 5);
      socket.once('data', () => socket.write(request)).on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as AddressInfo;
    const error = await failure(plain, { port, ssl: 'disable' });
    expect(error).toMatchObject({ code: 'SOURCE_AUTHENTICATION_NOT_SUPPORTED', exit: 'unreachable' });
    expect(error.message).toMatch(says);
    expect(error.hint).toContain('pg_hba.conf');
    listener.close();
  });

  test('an answer that breaks off within its own message ends the connection, and not the program', async () => {
    const hello = Buffer.from('520000000800000000' + '5a0000000549', 'hex'); // AuthenticationOk, ReadyForQuery
    const brokenRow = Buffer.from('44000000060005', 'hex'); // DataRow of five values, and none of them
    const listener = createServer((socket) => {
      socket.once('data', () => {
        socket.write(hello);
        socket.once('data', () => socket.write(brokenRow));
      });
      socket.on('error', () => undefined);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as AddressInfo;
    const error = await failure(plain, { port, ssl: 'disable' });
    expect(error).toMatchObject({ code: 'SOURCE_ANSWER_UNKNOWN', exit: 'unreachable' });
    expect(error.message).toContain(`The response of 127.0.0.1:${port} cannot be read`);
    listener.close();
  });

  test('all connections taken', async () => {
    await plain.query(`CREATE ROLE crowd LOGIN PASSWORD 'secret' CONNECTION LIMIT 1`);
    const first = await plain.connect({ user: 'crowd' });
    const error = await failure(plain, { username: 'crowd', connectTimeoutMs: 500 });
    expect(error).toMatchObject({ code: 'SOURCE_TOO_MANY_CONNECTIONS', exit: 'unreachable', transient: false });
    expect(error.hint).toContain('connection limit of "crowd"');
    const patient = openPostgres(plain, { username: 'crowd' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await first.end();
    await (await patient).close();
  });
});

describe('TLS', () => {
  test.each<[string, 'plain' | 'tls', Partial<PostgresFields>, string]>([
    ['prefer takes it where it is', 'tls', {}, 'require, encrypted'],
    ['prefer goes without where it is not', 'plain', {}, 'disable, plain'],
    ['prefer goes without where the server wants that', 'tls', { username: 'only_plain' }, 'disable, plain'],
    ['prefer takes it where the server insists', 'tls', { username: 'only_tls' }, 'require, encrypted'],
    ['disable goes without', 'tls', { ssl: 'disable' }, 'disable, plain'],
    ['require trusts anybody', 'tls', { ssl: 'require' }, 'require, encrypted'],
  ])('%s', async (_, which, overrides, expected) => {
    expect(await mode(which === 'tls' ? tls : plain, overrides)).toBe(expected);
  });

  test('the server is verified as far as the mode says', async () => {
    expect(await mode(tls, { ssl: 'verify-full', sslCa: authority })).toBe('verify-full, encrypted');
    expect(await mode(tls, { ssl: 'verify-full', sslCa: authority, server: 'localhost' })).toBe(
      'verify-full, encrypted',
    );
    for (const ssl of ['verify-ca', 'verify-full'] as const) {
      expect(await failure(tls, { ssl })).toMatchObject({ code: 'SOURCE_TLS_UNTRUSTED', exit: 'unreachable' });
    }
    const otherName = await startPostgres({ tls: { cert: OTHER_NAME_CERTIFICATE, key: SERVER_KEY } });
    expect(await mode(otherName, { ssl: 'verify-ca', sslCa: authority })).toBe('verify-ca, encrypted');
    const { code, hint } = await failure(otherName, { ssl: 'verify-full', sslCa: authority });
    expect(code).toBe('SOURCE_TLS_UNTRUSTED');
    expect(hint).toMatch(/The certificate is for [\w.-]+: connect by one of these names/);
    expect(hint).not.toContain('ssl_ca');
    await otherName.stop();
  });

  test('a user that the server lets in with TLS only is refused without', async () => {
    const error = await failure(tls, { username: 'only_tls', ssl: 'disable' });
    expect(error.code).toBe('SOURCE_ACCESS_DENIED');
    expect(error.hint).toContain('pg_hba.conf');
  });

  test("a reader's own socket is used only without TLS", async () => {
    let made = 0;
    const sockets: Sockets = {
      plain: () => {
        made++;
        return new Socket();
      },
      tls: () => {
        throw new Error('not asked for');
      },
    };
    for (const [server, expected] of [
      [plain, 1],
      [tls, 1],
    ] as const) {
      const source = await openPostgres(server);
      const client = await connectPostgres(source.readerSettings().connection as PostgresSettings, { sockets });
      expect(made).toBe(expected);
      await client.end();
      await source.close();
    }
  });
});

test('settings in the environment of the program are those of other programs', async () => {
  vi.stubEnv('PGOPTIONS', '-c work_mem=7MB -c nosuch=1');
  vi.stubEnv('PGREPLICATION', 'database');
  vi.stubEnv('PGSSLNEGOTIATION', 'direct');
  try {
    await expect(mode(tls, {})).resolves.toBe('require, encrypted');
    await expect(mode(plain, {})).resolves.toBe('disable, plain');
  } finally {
    vi.unstubAllEnvs();
  }
});

describe('a transaction', () => {
  test('has the settings that values are written by, whatever the entry, the user or the database says', async () => {
    await plain.query(`
      CREATE ROLE odd LOGIN SUPERUSER PASSWORD 'secret';
      ALTER ROLE odd SET datestyle = 'German'; ALTER ROLE odd SET intervalstyle = 'sql_standard';
      ALTER ROLE odd SET timezone = 'Asia/Kathmandu'; ALTER ROLE odd SET extra_float_digits = -5;
      ALTER ROLE odd SET bytea_output = 'escape'; ALTER ROLE odd SET transaction_timeout = '1s';
      ALTER ROLE odd SET idle_in_transaction_session_timeout = '1s'; ALTER ROLE odd SET row_security = on`);
    const options = { DateStyle: 'SQL, DMY', search_path: 'a, b', client_encoding: 'LATIN1', work_mem: '8MB' };
    const source = await openPostgres(plain, { username: 'odd', options, statementTimeoutMs: 60_000 });
    const settings = source.readerSettings().connection as PostgresSettings;
    const client = await connectPostgres(settings);
    await begin(client, settings, { mode: 'read' });
    const { rows } = await client.query<{ name: string; setting: string }>(`
      SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name IN ('DateStyle', 'IntervalStyle',
        'TimeZone', 'extra_float_digits', 'bytea_output', 'transaction_timeout', 'idle_in_transaction_session_timeout',
        'row_security', 'search_path', 'client_encoding', 'work_mem', 'statement_timeout', 'application_name', 'lock_timeout')`);
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      DateStyle: 'ISO, YMD',
      IntervalStyle: 'iso_8601',
      TimeZone: 'UTC',
      application_name: 'lakeport',
      bytea_output: 'hex',
      client_encoding: 'UTF8',
      extra_float_digits: '3',
      idle_in_transaction_session_timeout: '0',
      lock_timeout: '30s',
      row_security: 'off',
      search_path: 'a, b',
      statement_timeout: '1min',
      transaction_timeout: '0',
      work_mem: '8MB',
    });
    await client.end();
    await source.close();
  });

  test('of a reader keeps watch on its client, and leaves nothing behind in the session', async () => {
    const source = await openPostgres(plain, { options: { search_path: 'a', 'app.tenant': 'x' } });
    const settings = source.readerSettings().connection as PostgresSettings;
    await source.close();
    const client = await connectPostgres(settings);
    const all = async () => (await client.query<{ name: string }>(STATE)).rows;
    const before = await all();
    await begin(client, settings, { mode: 'snapshot' });
    const { rows } = await client.query(`SELECT current_setting('tcp_keepalives_idle') AS idle,
      current_setting('tcp_keepalives_interval') AS interval, current_setting('tcp_keepalives_count') AS count`);
    expect(rows).toEqual([{ idle: '60', interval: '10', count: '6' }]);
    expect(await all()).not.toEqual(before);
    await client.query('COMMIT');
    expect(await all()).toEqual(before);
    await client.end();
  });

  test('takes nothing over that others have set in a session', async () => {
    const source = await openPostgres(plain, { username: 'odd' });
    const settings = source.readerSettings().connection as PostgresSettings;
    await source.close();
    const client = await connectPostgres(settings);
    await plain.query('CREATE ROLE weak');
    await client.query(`SET search_path = nowhere; SET lc_monetary = 'C'; SET enable_seqscan = off; SET zero_damaged_pages = on;
      SET xmloption = document; SET default_transaction_read_only = on; SET role = weak`);
    await begin(client, settings, { mode: 'write' });
    const { rows } = await client.query(`SELECT current_setting('search_path') AS path, current_user::text AS user,
      current_setting('enable_seqscan') AS seqscan, current_setting('xmloption') AS xml,
      current_setting('transaction_read_only') AS readonly, current_setting('zero_damaged_pages') AS zero`);
    expect(rows).toEqual([
      { path: '"$user", public', user: 'odd', seqscan: 'on', xml: 'content', readonly: 'off', zero: 'off' },
    ]);
    await client.query('COMMIT');
    const after = await client.query(`SELECT current_setting('search_path') AS path, current_user::text AS user`);
    expect(after.rows).toEqual([{ path: 'nowhere', user: 'weak' }]);
    await client.end();
  });

  test('is reached by a connection string, or through a socket', async () => {
    const { host, port, password, socketDirectory } = plain;
    const session = { options: {}, connectTimeoutMs: 5000, statementTimeoutMs: undefined };
    for (const [connectionString, address] of [
      [`postgres://postgres:${password}@${host}:${port}/postgres?sslmode=disable`, `${host}:${port}`],
      [`host=${host} port=${port} user=postgres password='${password}' dbname=postgres`, `${host}:${port}`],
      [
        `postgresql://postgres:${password}@${encodeURIComponent(socketDirectory)}:${port}/postgres`,
        `${socketDirectory}/.s.PGSQL.${port}`,
      ],
    ] as const) {
      const entry = { kind: 'database', id: 'x', engine: 'postgres', info: { ...session, connectionString } } as const;
      const source = await openSource(entry);
      expect(source.server).toMatchObject({ address, database: 'postgres', product: 'PostgreSQL 17.9' });
      await source.close();
    }
  });

  test('may have another database than the entry says', async () => {
    await plain.query('CREATE DATABASE other');
    const source = await openPostgres(plain, {}, { database: 'other' });
    expect(source.server.database).toBe('other');
    await source.close();
  });

  test('that the server ends is an error of the next question, and closing it is none', async () => {
    const source = await openPostgres(plain);
    await plain.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lakeport'`);
    await expect(source.listTables()).rejects.toMatchObject({ exit: 'unreachable', transient: true });
    await source.close();
  });
});
