import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import tls, { type SecureVersion, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';

import { readTlsInto } from '../../../../../src/sources/postgres/copy/tls-reading.js';
import { LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../../../servers/certificates.js';

/*
 * Reading a TLS connection through a second socket, which relies on what Node.js does not document: on each version that
 * the tests run with.
 */

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

interface Connection {
  readonly client: TLSSocket;
  readonly server: TLSSocket;
  /** The server's side of the connection below TLS. */
  readonly raw: Socket;
}

/** A connection that begins without TLS, as PostgreSQL's do. */
async function connection(maxVersion: SecureVersion): Promise<Connection> {
  const context = tls.createSecureContext({ cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY, maxVersion });
  const listener = createTcpServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const socket = connectTcp((listener.address() as AddressInfo).port, '127.0.0.1');
  const [raw] = await accepted;
  const server = new tls.TLSSocket(raw, { isServer: true, secureContext: context });
  server.on('error', () => undefined);
  raw.on('error', () => undefined);
  const client = tls.connect({ socket, rejectUnauthorized: false, maxVersion });
  client.on('error', () => undefined);
  cleanups.push(() => {
    for (const one of [client, server, raw, socket]) one.destroy();
    listener.close();
  });
  await once(client, 'secureConnect');
  // What TLS 1.3 sends after its handshake has come when something else has.
  server.write('.');
  await once(client, 'data');
  client.removeAllListeners('data');
  return { client, server, raw };
}

/** Most that Node.js decrypts before it looks whether reading has stopped: one read of the socket. */
const DECRYPTED_BYTES = 64 << 10;

/** Takes what comes into one buffer, and asks for a pause after each read while it is busy. */
class Receiver {
  readonly buffer = Buffer.alloc(1 << 16);
  readonly parts: Buffer[] = [];
  isBusy = false;
  bytes = 0;

  readonly onread = {
    buffer: () => this.buffer,
    callback: (bytes: number) => {
      this.parts.push(Buffer.from(this.buffer.subarray(0, bytes)));
      this.bytes += bytes;
      return !this.isBusy;
    },
  };

  async has(bytes: number): Promise<void> {
    await expect.poll(() => this.bytes, { timeout: 20_000, interval: 5 }).toBe(bytes);
  }
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  it('is decrypted into the buffer, and the first socket writes as before', async () => {
    const { client, server } = await connection(version);
    const receiver = new Receiver();
    expect(readTlsInto(client, receiver.onread)).toBeDefined();
    const sent = randomBytes(1_000_000);
    server.write(sent);
    await receiver.has(sent.length);
    expect(Buffer.concat(receiver.parts).equals(sent)).toBe(true);
    client.write('hello');
    expect(String((await once(server, 'data'))[0])).toBe('hello');
  });

  it('waits when it is told to, and goes on when it is resumed', async () => {
    const { client, server } = await connection(version);
    const receiver = new Receiver();
    receiver.isBusy = true;
    const reading = readTlsInto(client, receiver.onread)!;
    const sent = randomBytes(5_000_000);
    server.write(sent);
    await expect.poll(() => receiver.bytes, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
    // The rest of what is decrypted already may follow at once, but no more.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(receiver.bytes).toBeLessThanOrEqual(DECRYPTED_BYTES);
    receiver.isBusy = false;
    reading.resume();
    await receiver.has(sent.length);
    expect(Buffer.concat(receiver.parts).equals(sent)).toBe(true);
  });

  it('ends the first socket when the server ends', async () => {
    const { client, server } = await connection(version);
    const receiver = new Receiver();
    readTlsInto(client, receiver.onread);
    client.resume();
    const closed = once(client, 'close');
    server.end('bye');
    await closed;
    expect(String(receiver.parts[0])).toBe('bye');
  });

  it('fails the first socket when the connection is reset', async () => {
    const { client, raw } = await connection(version);
    readTlsInto(client, new Receiver().onread);
    const failed = once(client, 'error');
    raw.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(client.destroyed).toBe(true);
  });

  it('fails the first socket when what comes is not TLS', async () => {
    const { client, raw } = await connection(version);
    const receiver = new Receiver();
    readTlsInto(client, receiver.onread);
    const failed = once(client, 'error');
    raw.write(Buffer.alloc(100, 'x'));
    expect((await failed)[0]).toBeInstanceOf(Error);
    expect(receiver.bytes).toBe(0);
  });

  it('closes with the first socket, in the middle of what comes', async () => {
    const { client, server } = await connection(version);
    const receiver = new Receiver();
    const reading = readTlsInto(client, receiver.onread)!;
    server.write(randomBytes(20_000_000));
    await expect.poll(() => receiver.bytes, { timeout: 20_000, interval: 1 }).toBeGreaterThan(0);
    const closed = [client, server].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    client.destroy();
    await Promise.all(closed);
    await expect.poll(() => reading.destroyed).toBe(true);
  });

  it('leaves a connection with unread bytes to the first socket', async () => {
    const { client, server } = await connection(version);
    client.pause();
    server.write('early');
    await expect.poll(() => client.readableLength, { timeout: 20_000, interval: 5 }).toBe(5);
    expect(readTlsInto(client, new Receiver().onread)).toBeUndefined();
    expect(String(client.read())).toBe('early');
  });
});

it('a renegotiation in mid-stream loses nothing', async () => {
  const { client, server } = await connection('TLSv1.2');
  const receiver = new Receiver();
  readTlsInto(client, receiver.onread);
  const [first, second] = [randomBytes(300_000), randomBytes(300_000)];
  server.write(first);
  await receiver.has(first.length);
  await new Promise<void>((resolve, reject) => {
    client.renegotiate({ rejectUnauthorized: false }, (error) => (error === null ? resolve() : reject(error)));
  });
  server.write(second);
  await receiver.has(first.length + second.length);
  expect(Buffer.concat(receiver.parts).equals(Buffer.concat([first, second]))).toBe(true);
});
