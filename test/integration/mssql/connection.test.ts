import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { MssqlFields, MssqlInfo } from '../../../src/sources/mssql/info.js';
import { LakeportError } from '../../../src/errors.js';
import { connectMssql, type ConnectOptions } from '../../../src/sources/mssql/connection/connection.js';
import { mssqlSettings } from '../../../src/sources/mssql/connection/settings.js';
import { LOCALHOST_CERTIFICATE, OTHER_NAME_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { startBrowser } from '../../servers/tds/browser.js';
import {
  type Admission,
  PASSWORD,
  startTdsServer,
  type TdsServer,
  type TdsServerOptions,
} from '../../servers/tds/server.js';
import { TdsError } from '../../servers/tds/tokens.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options: Partial<TdsServerOptions> = {}): Promise<TdsServer> {
  const server = await startTdsServer({ handler: () => undefined, ...options });
  cleanups.push(() => server.stop());
  return server;
}

function fields(server: { readonly port: number }, overrides: Partial<MssqlFields> = {}): MssqlFields {
  return {
    connectionString: undefined,
    server: '127.0.0.1',
    instance: undefined,
    port: server.port,
    database: 'shop',
    username: 'sa',
    password: PASSWORD,
    domain: undefined,
    encrypt: false,
    trustServerCertificate: false,
    connectTimeoutMs: 3000,
    statementTimeoutMs: undefined,
    ...overrides,
  };
}

async function connect(
  server: { readonly port: number },
  overrides: Partial<MssqlFields> = {},
  options: Partial<ConnectOptions> = {},
): Promise<void> {
  const settings = await mssqlSettings(fields(server, overrides), { entryId: 'ds_ms' });
  const client = await connectMssql(settings, { isolation: 'read committed', ...options });
  client.close();
}

/** The error of an attempt to connect. */
async function failure(...attempt: Parameters<typeof connect>): Promise<LakeportError> {
  const result = await connect(...attempt).catch((error: unknown) => error);
  if (!(result instanceof LakeportError)) throw result instanceof Error ? result : new Error('it connected');
  expect(`${result.message} ${result.hint ?? ''} ${JSON.stringify(result.context)}`).not.toContain(PASSWORD);
  expect(result.context.entry).toBe('ds_ms');
  return result;
}

test('a session counts rows, gives way in a deadlock, and waits no longer for locks than it is told', async () => {
  const server = await serve();
  await connect(server);
  expect(server.statements.at(-1)).toBe(
    'SET NOCOUNT OFF; SET ROWCOUNT 0; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT 30000',
  );
});

describe('a refused login says why', () => {
  const refused: readonly [number: number, message: string, code: string, hint: RegExp][] = [
    [18456, "Login failed for user 'sa'.", 'SOURCE_PASSWORD_REJECTED', /"username" and "password"/],
    [4060, 'Cannot open database "shop" requested by the login.', 'SOURCE_DATABASE_UNKNOWN', /--source-db-name/],
    [
      18488,
      "Login failed for user 'sa'. Reason: The password must be changed.",
      'SOURCE_PASSWORD_EXPIRED',
      /ALTER LOGIN/,
    ],
    [18487, "Login failed for user 'sa'. Reason: The password has expired.", 'SOURCE_PASSWORD_EXPIRED', /ALTER LOGIN/],
    [18470, "Login failed for user 'sa'. Reason: The account is disabled.", 'SOURCE_LOGIN_DISABLED', /ENABLE/],
    [18486, "Login failed for user 'sa' because the account is currently locked out.", 'SOURCE_LOGIN_LOCKED', /UNLOCK/],
    [40615, 'Cannot open server requested by the login. Client is not allowed.', 'SOURCE_ACCESS_DENIED', /firewall/],
    [
      17809,
      'Could not connect because the maximum number of user connections.',
      'SOURCE_TOO_MANY_CONNECTIONS',
      /--n-jobs/,
    ],
    [17142, 'SQL Server service has been paused.', 'SOURCE_PAUSED', /error log/],
    [99999, 'Something that nobody has heard of.', 'SOURCE_UNREACHABLE', /^$/],
  ];
  test.each(refused)('error %i', async (number, message, code, hint) => {
    const server = await serve({
      admit: () => {
        throw new TdsError(number, message, { severity: 14 });
      },
    });
    const error = await failure(server);
    expect(error).toMatchObject({ code, exit: 'unreachable', context: { detail: `error ${number}` } });
    expect(error.message).toBe(`Cannot connect to 127.0.0.1:${server.port}: ${message}`);
    expect(error.hint ?? '').toMatch(hint);
  });

  test('a wrong password is not repeated in it', async () => {
    const error = await failure(await serve(), { password: 'wr0ng-one' });
    expect(error.code).toBe('SOURCE_PASSWORD_REJECTED');
    expect(JSON.stringify(error.toData())).not.toContain('wr0ng-one');
  });
});

describe('TLS', () => {
  const tls = { cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY };

  test('carries the session where it is asked for', async () => {
    const server = await serve({ tls });
    await connect(server, { encrypt: true, trustServerCertificate: true });
    expect(server.statements.length).toBeGreaterThan(0);
  });

  test('is not trusted by an authority that nobody knows', async () => {
    const error = await failure(await serve({ tls }), { encrypt: true, server: 'localhost' });
    expect(error).toMatchObject({ code: 'SOURCE_TLS_UNTRUSTED', exit: 'unreachable' });
    expect(error.hint).toContain('"trust_server_certificate"');
  });

  test('may have any name where the certificate is trusted unseen', async () => {
    const server = await serve({ tls: { cert: OTHER_NAME_CERTIFICATE, key: SERVER_KEY } });
    await connect(server, { encrypt: true, trustServerCertificate: true });
  });

  test('is missed where the server has none', async () => {
    let logins = 0;
    const error = await failure(
      await serve({
        admit: () => {
          logins++;
        },
      }),
      { encrypt: true },
    );
    expect(error).toMatchObject({ code: 'SOURCE_TLS_REFUSED', exit: 'unreachable' });
    // The password is not sent for anybody to read.
    expect(logins).toBe(0);
    expect(error.hint).toContain('"encrypt"');
  });

  test('is asked for by the server', async () => {
    const error = await failure(await serve({ tls, requireTls: true }));
    expect(error).toMatchObject({ code: 'SOURCE_TLS_REFUSED', exit: 'unreachable' });
  });
});

describe('a login', () => {
  const admissionOf = async (overrides: Partial<MssqlFields>): Promise<Admission | undefined> => {
    let admitted: Admission | undefined;
    await connect(await serve({ admit: (login) => (admitted = login) }), overrides);
    return admitted;
  };

  test("is one of the server's own", async () => {
    expect(await admissionOf({})).toMatchObject({ user: 'sa', domain: undefined, database: 'shop' });
  });

  test('is one of a Windows domain where the entry has a domain', async () => {
    const admitted = await admissionOf({ domain: 'EXAMPLE', username: 'exporter', password: 'anything' });
    expect(admitted).toMatchObject({ user: 'exporter', domain: 'EXAMPLE', database: 'shop' });
  });

  test('of a domain that is refused names it in its hint', async () => {
    const server = await serve({
      admit: () => {
        throw new TdsError(18452, 'Login failed. The login is from an untrusted domain.', { severity: 14 });
      },
    });
    const error = await failure(server, { domain: 'OTHER', username: 'exporter' });
    expect(error).toMatchObject({ code: 'SOURCE_ACCESS_DENIED', context: { detail: 'error 18452' } });
    expect(error.hint).toContain('"domain"');
  });

  test("without a database gets the login's own", async () => {
    expect(await admissionOf({ database: undefined })).toMatchObject({ database: 'master' });
  });
});

test('an instance is found by its name, whatever its port', async (context) => {
  const server = await serve();
  const browser = await startBrowser({ REPORTS: 1, SALES: server.port });
  if (browser === undefined) return context.skip('something else has the port of the SQL Server Browser');
  cleanups.push(() => browser.stop());
  await connect(server, { port: undefined, instance: 'sales' });
  expect(server.statements.length).toBeGreaterThan(0);
});

test('a connection string connects as it says', async () => {
  let admitted: Admission | undefined;
  const server = await serve({ admit: (login) => (admitted = login) });
  const text = `Server=tcp:127.0.0.1,${server.port};Initial Catalog=shop;User Id=sa;Password=${PASSWORD};Encrypt=no;ApplicationIntent=ReadOnly`;
  const info: MssqlInfo = { connectionString: text, connectTimeoutMs: 3000, statementTimeoutMs: undefined };
  const settings = await mssqlSettings(info, { entryId: 'ds_ms', database: 'other' });
  (await connectMssql(settings, { isolation: 'read committed' })).close();
  expect(admitted).toEqual({ user: 'sa', domain: undefined, database: 'other', readOnlyIntent: true });
});

describe('a server that is not there', () => {
  test('refuses', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const error = await failure({ port });
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', exit: 'unreachable', transient: true });
    expect(error.message).toContain(`Cannot connect to 127.0.0.1:${port}`);
  });

  test('has no name', async () => {
    const error = await failure({ port: 1433 }, { server: 'no-such-host.invalid' });
    expect(error.code).toBe('SOURCE_HOST_UNKNOWN');
  });

  test('does not answer in time', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const error = await failure({ port }, { connectTimeoutMs: 200 });
    expect(error).toMatchObject({ code: 'SOURCE_TIMEOUT', transient: true });
    expect(error.hint).toContain('connect_timeout');
  });

  test('is a web server', async () => {
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => web.close());
    const error = await failure({ port: (web.address() as AddressInfo).port });
    expect(error.exit).toBe('unreachable');
  });

  test('has no instance of that name', async () => {
    const error = await failure({ port: 0 }, { port: undefined, instance: 'SALES', connectTimeoutMs: 700 });
    expect(error).toMatchObject({ exit: 'unreachable' });
    expect(error.message).toContain('127.0.0.1\\SALES');
  });
});

test('an attempt to connect can be given up', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const error = await failure({ port }, { connectTimeoutMs: 20_000 }, { signal: controller.signal });
  expect(error).toMatchObject({ code: 'INTERRUPTED', exit: 'interrupted' });
});
