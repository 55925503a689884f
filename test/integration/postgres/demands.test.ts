import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresFields } from '../../../src/sources/postgres/info.js';
import { openSource } from '../../../src/engines.js';
import type { OpenOptions, Source } from '../../../src/sources/source.js';
import { AUTHORITY, LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { failure } from '../../harness/failure.js';
import { openPostgres } from '../../harness/postgres-source.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/* What a user demands of a connection is done or refused; what keeps it from being made is told as what it is. */

let tls: PostgresServer;
let plain: PostgresServer;
let directory: string;
let authority: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'lakeport-demands-'));
  authority = path.join(directory, 'ca.pem');
  await writeFile(authority, AUTHORITY);
  [tls, plain] = await Promise.all([
    startPostgres({
      tls: { cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY },
      hba: ['host all trusted all trust', 'host all cleartext all password'],
    }),
    startPostgres(),
  ]);
  for (const role of ['trusted', 'cleartext', 'nologin', 'limited', 'stranger']) {
    await tls.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  }
  await tls.query(`ALTER ROLE nologin NOLOGIN; ALTER ROLE limited CONNECTION LIMIT 0`);
  await tls.query('CREATE DATABASE closed');
  await tls.query('CREATE DATABASE private');
  await tls.query('ALTER DATABASE closed ALLOW_CONNECTIONS false; REVOKE CONNECT ON DATABASE private FROM PUBLIC');
});
afterAll(async () => {
  await Promise.all([tls.stop(), plain.stop(), rm(directory, { recursive: true })]);
});

function open(connectionString: string, options: Omit<OpenOptions, 'entryId'> = {}): Promise<Source> {
  const info = { options: {}, connectTimeoutMs: 5000, statementTimeoutMs: undefined, connectionString };
  return openSource({ kind: 'database', id: 'ds_pg', engine: 'postgres', info }, options);
}

/** Where it connects to. */
async function reached(connectionString: string): Promise<string> {
  const source = await open(connectionString);
  await source.close();
  return source.server.address;
}

const keywords = (server: PostgresServer, more: string) =>
  `host=${server.host} port=${server.port} user=postgres password=secret dbname=postgres ${more}`;

describe('before the first table, an error is one of the connection:', () => {
  test.each<[string, Partial<PostgresFields>, string, RegExp]>([
    ['no right to connect', { database: 'private', username: 'stranger' }, 'SOURCE_ACCESS_DENIED', /GRANT CONNECT/],
    ['a database that is closed', { database: 'closed' }, 'SOURCE_DATABASE_CLOSED', /ALLOW_CONNECTIONS/],
    ['a role without LOGIN', { username: 'nologin' }, 'SOURCE_ACCESS_DENIED', /ALTER ROLE "nologin" LOGIN/],
    ['a role without connections', { username: 'limited' }, 'SOURCE_TOO_MANY_CONNECTIONS', /limit of "limited"/],
  ])('%s', async (_, overrides, code, hint) => {
    const error = await failure(openPostgres(tls, { connectTimeoutMs: 3000, ...overrides }));
    expect(error).toMatchObject({ code, exit: 'unreachable' });
    expect(error.hint).toMatch(hint);
    expect(error.message).toContain(`127.0.0.1:${tls.port}`);
  });
});

describe('the way to log in', () => {
  test('is bound to TLS where that is required, and refused where it can not be', async () => {
    const required = 'channel_binding=require';
    await expect(
      reached(keywords(tls, `${required} sslmode=verify-ca sslrootcert=${authority}`)),
    ).resolves.toBeTruthy();
    await expect(reached(keywords(tls, required))).resolves.toBeTruthy();
    expect(await failure(open(keywords(plain, required)))).toMatchObject({
      exit: 'unreachable',
      hint: expect.stringContaining('remove channel_binding=require') as string,
    });
    expect(await failure(open(keywords(tls, `${required} sslmode=disable`)))).toMatchObject({ exit: 'usage' });
    for (const user of ['trusted', 'cleartext']) {
      const error = await failure(open(keywords(tls, `user=${user} ${required}`)));
      expect(error).toMatchObject({ code: 'SOURCE_AUTHENTICATION_TOO_WEAK', exit: 'unreachable' });
      expect(error.message).toContain('channel_binding');
    }
  });

  test('is one of those that are allowed, or nothing is sent', async () => {
    await expect(reached(keywords(tls, 'require_auth=scram-sha-256'))).resolves.toBeTruthy();
    await expect(reached(keywords(tls, 'require_auth=!password,!none'))).resolves.toBeTruthy();
    await expect(reached(keywords(tls, 'user=cleartext require_auth=password'))).resolves.toBeTruthy();
    for (const [user, allowed] of [
      ['cleartext', '!password'],
      ['trusted', '!none'],
      ['postgres', 'md5,password'],
    ] as const) {
      const error = await failure(open(keywords(tls, `user=${user} require_auth=${allowed}`)));
      expect(error).toMatchObject({ code: 'SOURCE_AUTHENTICATION_TOO_WEAK', exit: 'unreachable' });
    }
  });
});

describe('hosts', () => {
  test('are reached by hostaddr, and known by host', async () => {
    const at = `hostaddr=127.0.0.1 port=${tls.port} user=postgres password=secret dbname=postgres sslrootcert=${authority}`;
    expect(await reached(`${at} host=localhost sslmode=verify-full`)).toBe(`localhost:${tls.port}`);
    expect(await reached(`${at} host=no.such.host.invalid sslmode=verify-ca`)).toContain('no.such.host.invalid');
    const error = await failure(open(`${at} host=no.such.host.invalid sslmode=verify-full`));
    expect(error.code).toBe('SOURCE_TLS_UNTRUSTED');
    expect(error.hint).toMatch(/The certificate is for .*localhost/);
    expect(error.hint).not.toContain('ssl_ca');
  });

  test('are tried in their order, until one is of the kind that is wanted', async () => {
    const [closed] = await listen(createServer());
    const both = (more: string) =>
      `postgres://postgres:secret@127.0.0.1:${closed},127.0.0.1:${plain.port},127.0.0.1:${tls.port}/postgres?${more}`;
    close();
    expect(await reached(both(''))).toBe(`127.0.0.1:${plain.port}`);
    await plain.restart({ standby: true });
    expect(await reached(both('target_session_attrs=any'))).toBe(`127.0.0.1:${plain.port}`);
    expect(await reached(both('target_session_attrs=read-write'))).toBe(`127.0.0.1:${tls.port}`);
    expect(await reached(both('target_session_attrs=primary'))).toBe(`127.0.0.1:${tls.port}`);
    for (const kind of ['standby', 'read-only', 'prefer-standby']) {
      expect(await reached(both(`target_session_attrs=${kind}`))).toBe(`127.0.0.1:${plain.port}`);
    }
    await plain.restart();
    expect(await reached(both('target_session_attrs=prefer-standby'))).toBe(`127.0.0.1:${plain.port}`);
    const error = await failure(open(both('target_session_attrs=standby')));
    expect(error).toMatchObject({ code: 'SOURCE_OTHER_KIND', exit: 'unreachable' });
    expect(error.message).toContain('is a primary');
  });

  test('are verified against the authorities of the system where that is asked for', async () => {
    const system = keywords(tls, 'host=localhost sslrootcert=system');
    expect(await failure(open(system))).toMatchObject({ code: 'SOURCE_TLS_UNTRUSTED' });
    process.env['SSL_CERT_FILE'] = authority;
    try {
      await expect(reached(system)).resolves.toBe(`localhost:${tls.port}`);
    } finally {
      delete process.env['SSL_CERT_FILE'];
    }
  });
});

const servers: Server[] = [];
async function listen(server: Server, port = 0): Promise<[number]> {
  servers.push(server);
  server.listen(port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return [(server.address() as AddressInfo).port];
}
/** Nobody new is let in; those who are in go by themselves. */
function close(): void {
  for (const server of servers.splice(0)) server.close();
}

describe('what is no PostgreSQL is told as that', () => {
  const says = (bytes: Buffer | string) => (socket: Socket) => {
    socket.on('error', () => undefined).resume();
    socket.write(bytes);
  };
  const answers = (bytes: Buffer | string) => (socket: Socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(bytes));
  };
  const mysql = Buffer.concat([Buffer.from([74, 0, 0, 0, 10]), Buffer.from('8.0.36\0')]);
  const errorFields = Buffer.from('SFATAL\0C57P03\0Mout of memory for you\0\0');
  const errorResponse = Buffer.concat([Buffer.from(['E'.charCodeAt(0), 0, 0, 0, errorFields.length + 4]), errorFields]);

  test.each<[string, () => Server, RegExp]>([
    ['an HTTP server', () => createHttpServer(), /an HTTP server answers there/],
    ['an SSH server', () => createServer(says('SSH-2.0-OpenSSH_9.2\r\n')), /an SSH server/],
    ['a mail server', () => createServer(says('220 mail.example ESMTP\r\n')), /a mail or FTP server/],
    ['MySQL', () => createServer(says(mysql)), /MySQL/],
    ['Redis', () => createServer(answers('-ERR unknown command\r\n')), /Redis/],
    ['nonsense', () => createServer(answers('xyzzy')), /something else answers there/],
    ['one that closes', () => createServer((socket) => socket.end()), /closed before any answer/],
    ['an error to the question for TLS', () => createServer(answers(errorResponse)), /out of memory for you/],
  ])('%s', async (name, make, message) => {
    const [port] = await listen(make());
    for (const ssl of ['prefer', 'require', 'disable'] as const) {
      const error = await failure(openPostgres(tls, { port, ssl, connectTimeoutMs: 4000 }));
      expect(error.exit, `${name} ${ssl}`).toBe('unreachable');
      expect(error.message, `${name} ${ssl}`).toMatch(message);
      expect(error.hint).toBeDefined();
      expect(error.hint).not.toContain('report');
    }
    close();
  });
});

describe('a server that is just starting', () => {
  test('is waited for', async () => {
    const [port] = await listen(createServer());
    close();
    const opening = openPostgres(tls, { port });
    await new Promise((resolve) => setTimeout(resolve, 500));
    // What listens from now on hands everything on to the real one.
    const { connect } = await import('node:net');
    const relay = createServer((socket) => {
      const onward = connect(tls.port, '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) end.on('error', () => undefined);
    });
    await listen(relay, port);
    await (await opening).close();
    close();
  });

  test('but not where its name is wrong', async () => {
    const waits: string[] = [];
    const onWait = (message: string) => waits.push(message);
    const error = await failure(openPostgres(tls, { server: 'no-such-host.invalid' }, { onWait }));
    expect(error.code).toBe('SOURCE_HOST_UNKNOWN');
    if (error.context.detail === 'ENOTFOUND') expect(waits).toEqual([]);
  });
});
