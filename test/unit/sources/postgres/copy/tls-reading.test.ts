import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import tls, { type ConnectionOptions, type SecureVersion, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';

import { type OnRead, readTlsInto } from '../../../../../src/sources/postgres/copy/tls-reading.js';
import { saySkipped } from '../../../../harness/skipped.js';
import { LOCALHOST_CERTIFICATE, LOCALHOST_TLS, SERVER_KEY } from '../../../../servers/certificates.js';

/*
 * Reading TLS into a buffer of one's own, on each Node.js version that the tests run with: through a second socket, which
 * relies on what Node.js does not document, and by the documented option of connections that start with TLS.
 */

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const WAYS = ['a second socket', 'the option'] as const;
type Way = (typeof WAYS)[number];

/** Most that Node.js decrypts before it looks whether reading has stopped: one read of the socket. */
const DECRYPTED_BYTES = 64 << 10;

/** Takes what comes into one buffer, and asks for a pause after each read while it is busy. */
class Receiver {
  readonly buffer = Buffer.alloc(1 << 16);
  readonly parts: Buffer[] = [];
  isBusy = false;
  bytes = 0;

  readonly onread: OnRead = {
    buffer: () => this.buffer,
    callback: (bytes: number) => {
      this.parts.push(Buffer.from(this.buffer.subarray(0, bytes)));
      this.bytes += bytes;
      return !this.isBusy;
    },
  };

  get content(): Buffer {
    return Buffer.concat(this.parts);
  }

  forget(): void {
    this.parts.length = 0;
    this.bytes = 0;
  }

  async has(bytes: number): Promise<void> {
    await expect.poll(() => this.bytes, { timeout: 20_000, interval: 5 }).toBe(bytes);
  }
}

interface Target {
  readonly port: number;
  readonly maxVersion: SecureVersion;
}

/** @param onread only for connections that start with TLS */
async function connectTls({ port, maxVersion }: Target, onread?: OnRead): Promise<TLSSocket> {
  const options: ConnectionOptions & { readonly onread?: OnRead } = { rejectUnauthorized: false, maxVersion };
  // PostgreSQL's usual connections begin without TLS.
  const socket = onread === undefined ? connectTcp(port, '127.0.0.1') : undefined;
  const client = socket
    ? tls.connect({ ...options, socket })
    : // The types lack `onread`, so that this has to be another object.
      tls.connect(Object.assign(options, { host: '127.0.0.1', port, onread }));
  client.on('error', () => undefined);
  cleanups.push(() => {
    client.destroy();
    socket?.destroy();
  });
  await once(client, 'secureConnect');
  return client;
}

/**
 * Connects, and lets the receiver read.
 * @param settle makes the server send one byte: when it has come, so has what TLS 1.3 sends after its handshake
 * @returns the connection, and what is resumed after a pause
 */
async function connectReading(
  way: Way,
  { target, receiver, settle }: { readonly target: Target; readonly receiver: Receiver; readonly settle: () => void },
): Promise<{ readonly client: TLSSocket; readonly reading: Socket }> {
  if (way === 'the option') {
    const client = await connectTls(target, receiver.onread);
    client.resume();
    settle();
    await receiver.has(1);
    receiver.forget();
    return { client, reading: client };
  }
  const client = await connectTls(target);
  settle();
  await once(client, 'data');
  client.removeAllListeners('data');
  const reading = readTlsInto(client, receiver.onread);
  expect(reading).toBeDefined();
  return { client, reading: reading! };
}

interface Listening {
  readonly target: Target;
  readonly accepted: Promise<{
    readonly server: TLSSocket;
    /** The server's side of the connection below TLS. */
    readonly raw: Socket;
  }>;
}

async function listen(maxVersion: SecureVersion): Promise<Listening> {
  const context = tls.createSecureContext({ ...LOCALHOST_TLS, maxVersion });
  const listener = createTcpServer();
  listener.listen(0, '127.0.0.1');
  cleanups.push(() => listener.close());
  await once(listener, 'listening');
  const accepted = (once(listener, 'connection') as Promise<[Socket]>).then(([raw]) => {
    const server = new tls.TLSSocket(raw, { isServer: true, secureContext: context });
    for (const one of [server, raw]) one.on('error', () => undefined);
    cleanups.push(() => {
      for (const one of [server, raw]) one.destroy();
    });
    return { server, raw };
  });
  return { target: { port: (listener.address() as AddressInfo).port, maxVersion }, accepted };
}

async function connection(way: Way, version: SecureVersion) {
  const { target, accepted } = await listen(version);
  const receiver = new Receiver();
  const settle = () => void accepted.then(({ server }) => server.write('.'));
  const { client, reading } = await connectReading(way, { target, receiver, settle });
  return { ...(await accepted), client, reading, receiver };
}

describe.each(WAYS.flatMap((way) => VERSIONS.map((version) => [way, version] as const)))(
  'by %s, %s',
  (way, version) => {
    it('is decrypted into the buffer, and the connection writes as before', async () => {
      const { client, server, receiver } = await connection(way, version);
      const sent = randomBytes(1_000_000);
      server.write(sent);
      await receiver.has(sent.length);
      expect(receiver.content.equals(sent)).toBe(true);
      client.write('hello');
      expect(String((await once(server, 'data'))[0])).toBe('hello');
    });

    it('waits when it is told to, and goes on when it is resumed', async () => {
      const { server, reading, receiver } = await connection(way, version);
      receiver.isBusy = true;
      const sent = randomBytes(5_000_000);
      server.write(sent);
      await expect.poll(() => receiver.bytes, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
      // The rest of what is decrypted already may follow at once, but no more.
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(receiver.bytes).toBeLessThanOrEqual(DECRYPTED_BYTES);
      receiver.isBusy = false;
      reading.resume();
      await receiver.has(sent.length);
      expect(receiver.content.equals(sent)).toBe(true);
    });

    it('ends when the server ends', async () => {
      const { client, server, receiver } = await connection(way, version);
      client.resume();
      const closed = once(client, 'close');
      server.end('bye');
      await closed;
      expect(String(receiver.content)).toBe('bye');
    });

    it('fails when the connection is reset', async () => {
      const { client, raw } = await connection(way, version);
      const failed = once(client, 'error');
      raw.resetAndDestroy();
      expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
      expect(client.destroyed).toBe(true);
    });

    it('fails when the connection is reset during a pause', async () => {
      const { client, server, raw, reading, receiver } = await connection(way, version);
      receiver.isBusy = true;
      server.write(randomBytes(5_000_000));
      await expect.poll(() => receiver.bytes, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
      const closed = once(client, 'close');
      raw.resetAndDestroy();
      receiver.isBusy = false;
      reading.resume();
      await closed.catch((error: unknown) => expect(error).toMatchObject({ code: 'ECONNRESET' }));
      expect(client.destroyed).toBe(true);
    });

    it('fails when what comes is not TLS', async () => {
      const { client, raw, receiver } = await connection(way, version);
      const failed = once(client, 'error');
      raw.write(Buffer.alloc(100, 'x'));
      expect((await failed)[0]).toBeInstanceOf(Error);
      expect(receiver.bytes).toBe(0);
    });

    it('closes with the connection, in the middle of what comes', async () => {
      const { client, server, reading, receiver } = await connection(way, version);
      server.write(randomBytes(20_000_000));
      await expect.poll(() => receiver.bytes, { timeout: 20_000, interval: 1 }).toBeGreaterThan(0);
      const closed = [client, server].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      client.destroy();
      await Promise.all(closed);
      await expect.poll(() => reading.destroyed).toBe(true);
    });
  },
);

it.each(VERSIONS)('%s: a connection with unread bytes is left to the first socket', async (version) => {
  const { target, accepted } = await listen(version);
  const client = await connectTls(target);
  client.pause();
  (await accepted).server.write('early');
  client.read(0);
  await expect.poll(() => client.readableLength, { timeout: 20_000, interval: 5 }).toBe(5);
  expect(readTlsInto(client, new Receiver().onread)).toBeUndefined();
  expect(String(client.read())).toBe('early');
});

it.each(WAYS)('a renegotiation by the client loses nothing, by %s', async (way) => {
  const { client, server, receiver } = await connection(way, 'TLSv1.2');
  const [first, second] = [randomBytes(300_000), randomBytes(300_000)];
  server.write(first);
  await receiver.has(first.length);
  await new Promise<void>((resolve, reject) => {
    client.renegotiate({ rejectUnauthorized: false }, (error) => (error === null ? resolve() : reject(error)));
  });
  server.write(second);
  await receiver.has(first.length + second.length);
  expect(receiver.content.equals(Buffer.concat([first, second]))).toBe(true);
});

/** A server that takes commands: Node.js has none for new keys. */
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
if (!hasOpenssl) saySkipped('new TLS keys in mid-stream', 'the program openssl');

describe.skipIf(!hasOpenssl).each(WAYS)('by %s, the server in mid-stream', (way) => {
  it.each([
    ['takes new keys', 'TLSv1.3', 'k', />>> TLS 1.3,.*KeyUpdate/],
    ['has both sides take new keys', 'TLSv1.3', 'K', /<<< TLS 1.3,.*KeyUpdate/],
    ['renegotiates', 'TLSv1.2', 'r', /<<< TLS 1.2,.*ClientHello/],
  ] as const)('%s, and nothing is lost', async (_, version, command, proof) => {
    const server = await startOpenssl(version);
    const receiver = new Receiver();
    const { client } = await connectReading(way, {
      target: { port: server.port, maxVersion: version },
      receiver,
      settle: () => void server.send('.'),
    });
    let sent = '';
    for (let round = 0; round < 3; round++) {
      const text = randomBytes(200_000).toString('hex').replace(/^./, 'x');
      await server.send(text);
      sent += text;
      await receiver.has(sent.length);
      server.forget();
      // What begins a read of the server's is a command. It reads its input first, and then the connection.
      await server.send(`${command}\n`);
      client.write('ping\n');
      await server.says(/ping/);
      await server.send('.');
      sent += '.';
      await receiver.has(sent.length);
      // The client answers a request for new keys when it next writes.
      client.write('pong\n');
      await server.says(/pong/);
      await server.says(proof);
    }
    await server.send('end');
    await receiver.has(sent.length + 3);
    expect(String(receiver.content)).toBe(`${sent}end`);
    expect(client.getProtocol()).toBe(version);
  });
});

async function startOpenssl(version: SecureVersion) {
  const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-openssl-'));
  const [cert, key] = [path.join(directory, 'cert.pem'), path.join(directory, 'key.pem')];
  writeFileSync(cert, LOCALHOST_CERTIFICATE);
  writeFileSync(key, SERVER_KEY);
  const flags = ['-accept', '127.0.0.1:0', '-cert', cert, '-key', key, version === 'TLSv1.3' ? '-tls1_3' : '-tls1_2'];
  const child = spawn('openssl', ['s_server', '-msg', ...flags], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  cleanups.push(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) createInterface(output).on('line', (line) => lines.push(line));
  const says = async (pattern: RegExp) => {
    const timing = { timeout: 20_000, interval: 5 };
    await expect.poll(() => lines.some((line) => pattern.test(line)), timing).toBe(true);
  };
  await says(/^ACCEPT /);
  return {
    port: Number(/ACCEPT .*:(\d+)/.exec(lines.join('\n'))?.[1]),
    says,
    forget: () => void lines.splice(0),
    send: (text: string) => new Promise<unknown>((resolve) => child.stdin.write(text, resolve)),
  };
}
