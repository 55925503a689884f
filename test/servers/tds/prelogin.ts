import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

/** MS-TDS 2.2.6.5. */

const OPTION = { version: 0, encryption: 1, mars: 4, terminator: 0xff } as const;
export const ENCRYPT = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** SQL Server 2022. */
const VERSION = [16, 0, 4, 0, 0, 0];

/** The ENCRYPTION option of the client's PRELOGIN. */
export function clientEncryption(data: Buffer): number {
  for (let at = 0; data[at] !== OPTION.terminator; at += 5) {
    if (data[at] === OPTION.encryption) return data.readUInt8(data.readUInt16BE(at + 1));
  }
  return ENCRYPT.notSupported;
}

export function preloginAnswer(encryption: number): Buffer {
  const options = [
    { token: OPTION.version, data: VERSION },
    { token: OPTION.encryption, data: [encryption] },
    { token: OPTION.mars, data: [0] },
  ];
  let offset = options.length * 5 + 1;
  const headers = options.map(({ token, data }) => {
    const header = Buffer.alloc(5);
    header[0] = token;
    header.writeUInt16BE(offset, 1);
    header.writeUInt16BE(data.length, 3);
    offset += data.length;
    return header;
  });
  return Buffer.concat([...headers, Buffer.from([OPTION.terminator, ...options.flatMap(({ data }) => data)])]);
}

const PRELOGIN_PACKET = 0x12;
const HEADER_BYTES = 8;
const TLS_APPLICATION_DATA = 0x17;

/**
 * What TLS talks through: in TDS 7 the records of its handshake travel inside PRELOGIN packets, those after it alone.
 */
export class HandshakeStream extends Duplex {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #unwraps = true;
  #wraps = true;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (chunk[0] === TLS_APPLICATION_DATA) this.#wraps = false;
    if (!this.#wraps) {
      this.#socket.write(chunk, done);
      return;
    }
    const header = Buffer.from([PRELOGIN_PACKET, 1, 0, 0, 0, 0, 1, 0]);
    header.writeUInt16BE(chunk.length + HEADER_BYTES, 2);
    this.#socket.write(Buffer.concat([header, chunk]), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#unwraps && this.#received.length > 0) {
      if (this.#received[0] !== PRELOGIN_PACKET) this.#unwraps = false;
      else {
        if (this.#received.length < HEADER_BYTES) return;
        const length = this.#received.readUInt16BE(2);
        if (this.#received.length < length) return;
        this.push(this.#received.subarray(HEADER_BYTES, length));
        this.#received = this.#received.subarray(length);
      }
    }
    if (this.#unwraps || this.#received.length === 0) return;
    const goesOn = this.push(this.#received);
    this.#received = Buffer.alloc(0);
    if (!goesOn) this.#socket.pause();
  }
}
