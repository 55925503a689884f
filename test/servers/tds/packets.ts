import type { Duplex } from 'node:stream';

/** MS-TDS 2.2.3.1: a message goes in packets, each behind a header of eight bytes. */

export const MESSAGE = {
  batch: 0x01,
  rpc: 0x03,
  response: 0x04,
  attention: 0x06,
  transaction: 0x0e,
  login: 0x10,
  sspi: 0x11,
  prelogin: 0x12,
} as const;

const HEADER_BYTES = 8;
const END_OF_MESSAGE = 0x01;

export interface IncomingMessage {
  readonly type: number;
  readonly data: Buffer;
}

/** Puts packets together to messages. */
export class PacketReader {
  #received: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];

  /** The messages that are complete with this chunk. */
  add(chunk: Buffer): IncomingMessage[] {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const messages: IncomingMessage[] = [];
    while (this.#received.length >= HEADER_BYTES) {
      const length = this.#received.readUInt16BE(2);
      if (this.#received.length < length) break;
      const type = this.#received.readUInt8(0);
      const status = this.#received.readUInt8(1);
      this.#parts.push(this.#received.subarray(HEADER_BYTES, length));
      this.#received = this.#received.subarray(length);
      if ((status & END_OF_MESSAGE) === 0) continue;
      messages.push({ type, data: Buffer.concat(this.#parts) });
      this.#parts = [];
    }
    return messages;
  }
}

/** Cuts one response into packets. */
export class PacketWriter {
  /** Of a packet, header included; negotiated at login. */
  packetBytes = 4096;
  readonly #stream: Duplex;
  #held: Buffer = Buffer.alloc(0);
  #id = 0;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** More of the message. Waits while the client does not read. */
  async write(data: Uint8Array): Promise<void> {
    this.#held = this.#held.length === 0 ? Buffer.from(data) : Buffer.concat([this.#held, data]);
    const room = this.packetBytes - HEADER_BYTES;
    let at = 0;
    let goesOn = true;
    // Never all of it: the message's last packet carries its end.
    for (; this.#held.length - at > room; at += room) goesOn = this.#send(this.#held.subarray(at, at + room), false);
    this.#held = this.#held.subarray(at);
    if (!goesOn) await this.#drained();
  }

  /** The rest of the message. */
  async end(data: Uint8Array = Buffer.alloc(0)): Promise<void> {
    await this.write(data);
    this.#send(this.#held, true);
    this.#held = Buffer.alloc(0);
    this.#id = 0;
  }

  /** What is held goes out, though the message is not at its end. */
  flush(): void {
    if (this.#held.length > 0) this.#send(this.#held, false);
    this.#held = Buffer.alloc(0);
  }

  #send(data: Buffer, last: boolean): boolean {
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = MESSAGE.response;
    header[1] = last ? END_OF_MESSAGE : 0;
    header.writeUInt16BE(data.length + HEADER_BYTES, 2);
    this.#id = (this.#id + 1) & 0xff;
    header[6] = this.#id;
    return this.#stream.write(Buffer.concat([header, data]));
  }

  #drained(): Promise<void> {
    const stream = this.#stream;
    if (stream.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        stream.off('drain', done);
        stream.off('close', done);
        resolve();
      };
      stream.on('drain', done);
      stream.on('close', done);
    });
  }
}
