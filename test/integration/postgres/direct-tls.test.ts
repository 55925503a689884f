import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSource } from '../../../src/engines.js';
import { LakeportError } from '../../../src/errors.js';
import { abandon } from '../../../src/sources/postgres/connection/cancel.js';
import { connectPostgres, type PostgresSettings } from '../../../src/sources/postgres/connection/connection.js';
import type { PostgresFields } from '../../../src/sources/postgres/info.js';
import { openPostgres } from '../../harness/postgres-source.js';
import { saySkipped } from '../../harness/skipped.js';
import { writeAuthority } from '../../harness/authority.js';
import { LOCALHOST_TLS, OTHER_NAME_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { type PostgresServer, type PostgresVersion, postgresVersions, startPostgres } from '../../servers/postgres.js';

/** `sslnegotiation=direct`: connections that start with TLS, as PostgreSQL takes them from version 17 on. */

const DIRECT = { ssl: 'require', tlsNegotiation: 'direct' } as const;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Passes on connections that start with a TLS handshake and cuts all others, as a proxy that routes by name does. */
async function startTlsOnlyProxy(server: PostgresServer): Promise<number> {
  const proxy = createServer((client) => {
    client.on('error', () => undefined);
    client.once('data', (first: Buffer) => {
      if (first[0] !== 0x16) return client.destroy();
      const upstream = connect(server.port, server.host);
      upstream.on('error', () => undefined);
      upstream.write(first);
      return client.pipe(upstream).pipe(client);
    });
  });
  return listen(proxy);
}

async function listen(listener: ReturnType<typeof createServer>): Promise<number> {
  const open = new Set<Socket>();
  listener.on('connection', (socket: Socket) => open.add(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  cleanups.push(() => {
    for (const socket of open) socket.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}

async function failure(server: PostgresServer, overrides: Partial<PostgresFields>): Promise<LakeportError> {
  const thrown = await openPostgres(server, { ...DIRECT, ...overrides }).catch((error: unknown) => error);
  if (!(thrown instanceof LakeportError)) throw new Error('it connected');
  return thrown;
}

/** What the server says of a session of this entry. */
async function session(server: PostgresServer, overrides: Partial<PostgresFields>) {
  const source = await openPostgres(server, overrides);
  cleanups.push(() => source.close());
  const client = await connectPostgres(structuredClone(source.readerSettings().connection as PostgresSettings));
  cleanups.push(() => client.end());
  const { rows } = await client.query<{ ssl: boolean; version: string }>(
    'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
  );
  return rows[0];
}

describe.each([17, 18] as const)('PostgreSQL %d', (version) => {
  let server: PostgresServer;
  let plain: PostgresServer;
  beforeAll(async () => {
    [server, plain] = await Promise.all([startPostgres({ version, tls: LOCALHOST_TLS }), startPostgres({ version })]);
  });
  afterAll(() => Promise.all([server.stop(), plain.stop()]));

  it('is connected to by TLS alone', async () => {
    const port = await startTlsOnlyProxy(server);
    expect(await session(server, { ...DIRECT, port })).toEqual({ ssl: true, version: 'TLSv1.3' });
    // The usual request for TLS does not get through.
    await expect(openPostgres(server, { ssl: 'require', port })).rejects.toMatchObject({
      code: 'SOURCE_CONNECTION_LOST',
    });
  });

  it('has its name and certificate verified', async () => {
    const sslCa = await writeAuthority(cleanups);
    const verified = { ...DIRECT, ssl: 'verify-full', sslCa } as const;
    expect(await session(server, { ...verified, server: 'localhost' })).toMatchObject({ ssl: true });
    expect(await session(server, verified)).toMatchObject({ ssl: true });
    expect(await failure(server, { ssl: 'verify-full' })).toMatchObject({ code: 'SOURCE_TLS_UNTRUSTED' });
    const { host, port, user, password } = server;
    const byAddress = (name: string) => {
      const connectionString = `host=${name} hostaddr=${host} port=${port} user=${user} password=${password} dbname=postgres sslmode=verify-full sslrootcert=${sslCa} sslnegotiation=direct channel_binding=require`;
      const info = { options: {}, connectTimeoutMs: 5000, statementTimeoutMs: undefined, connectionString };
      return openSource({ kind: 'database', id: 'ds_pg', engine: 'postgres', info });
    };
    await (await byAddress('localhost')).close();
    await expect(byAddress('elsewhere.invalid')).rejects.toMatchObject({
      code: 'SOURCE_TLS_UNTRUSTED',
      hint: expect.stringContaining('The certificate is for') as string,
    });
  });

  it('cancels a statement by TLS too', async () => {
    const port = await startTlsOnlyProxy(server);
    const source = await openPostgres(server, { ...DIRECT, port });
    cleanups.push(() => source.close());
    const settings = source.readerSettings().connection as PostgresSettings;
    const client = await connectPostgres(settings);
    const sleeping = expect(client.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
    await sleep(200);
    await abandon(client, settings);
    await sleeping;
  });

  it('without TLS is refused with a hint', async () => {
    const error = await failure(plain, {});
    expect(error).toMatchObject({ code: 'SOURCE_TLS_REFUSED', exit: 'unreachable' });
    expect(error.message).toContain('does not accept connections that start with TLS');
    expect(error.hint).toContain('PostgreSQL 17');
  });

  it('is reached by a Unix socket as ever, which has no TLS', async () => {
    expect(await session(plain, { ...DIRECT, server: plain.socketDirectory })).toMatchObject({ ssl: false });
  });
});

const older = postgresVersions().filter((version) => version < 17);
if (older.length === 0) saySkipped('the refusal of TLS from the first byte', "Debian's package postgresql-15");
it.skipIf(older.length === 0)('a server before PostgreSQL 17 is refused with a hint', async () => {
  const server = await startPostgres({ version: older[0] as PostgresVersion, tls: LOCALHOST_TLS });
  cleanups.push(() => server.stop());
  const error = await failure(server, {});
  expect(error).toMatchObject({
    code: 'SOURCE_TLS_REFUSED',
    exit: 'unreachable',
    context: { detail: 'ssl_negotiation' },
  });
  expect(error.message).toContain('does not accept connections that start with TLS');
  expect(error.hint).toContain('sslnegotiation=direct needs PostgreSQL 17 or later');
});

it.each([
  ['knows no protocols', undefined, /did not confirm the protocol "postgresql"/],
  ['speaks others', ['h2', 'http/1.1'], /does not accept connections that start with TLS/],
])('a TLS server that %s is sent nothing', async (_, ALPNProtocols, says) => {
  let received = 0;
  const listener = createTlsServer({ ...LOCALHOST_TLS, ...(ALPNProtocols && { ALPNProtocols }) }, (socket) => {
    socket.on('data', (bytes: Buffer) => (received += bytes.length)).on('error', () => undefined);
  });
  listener.on('tlsClientError', () => undefined);
  const port = await listen(listener);
  const thrown = await connectPostgres(settingsOf(port)).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: 'SOURCE_TLS_REFUSED', message: expect.stringMatching(says) as string });
  expect(received).toBe(0);
});

it('a certificate of another name is refused before anything is sent', async () => {
  let received = 0;
  const tls = { cert: OTHER_NAME_CERTIFICATE, key: SERVER_KEY, ALPNProtocols: ['postgresql'] };
  const listener = createTlsServer(tls, (socket) => {
    socket.on('data', (bytes: Buffer) => (received += bytes.length)).on('error', () => undefined);
  });
  listener.on('tlsClientError', () => undefined);
  const port = await listen(listener);
  const settings = { ...settingsOf(port), ssl: 'verify-full' } as const;
  await expect(connectPostgres(settings)).rejects.toMatchObject({ code: 'SOURCE_TLS_UNTRUSTED' });
  expect(received).toBe(0);
});

it('a server that never ends its handshake is given up in time, and at once when the run ends', async () => {
  const port = await listen(createServer((socket) => socket.on('error', () => undefined)));
  const settings = { ...settingsOf(port), connectTimeoutMs: 300 };
  await expect(connectPostgres(settings)).rejects.toMatchObject({ code: 'SOURCE_TIMEOUT' });
  const patient = { ...settings, connectTimeoutMs: 60_000 };
  await expect(connectPostgres(patient, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
    exit: 'interrupted',
  });
});

function settingsOf(port: number): PostgresSettings {
  return {
    ...DIRECT,
    entryId: 'test',
    server: '127.0.0.1',
    port,
    database: 'postgres',
    username: 'postgres',
    password: 'secret',
    certificates: {},
    options: {},
    connectTimeoutMs: 5000,
    statementTimeoutMs: undefined,
    lockTimeoutMs: 1000,
  };
}
