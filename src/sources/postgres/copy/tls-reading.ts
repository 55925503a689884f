import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** As `net.Socket` takes it: where the next read goes, and what is to be done with so many bytes of it. */
export interface OnRead {
  readonly buffer: () => Uint8Array;
  /** @returns whether to read on */
  readonly callback: (bytes: number) => boolean;
}

/** Node's own side of a TLS connection, as far as it is used here: none of it is documented. */
interface TlsHandle {
  useUserBuffer?: unknown;
  onread?: unknown;
  [owner: symbol]: unknown;
}

type Read = (this: TlsHandle, ...args: unknown[]) => unknown;

/**
 * Lets an open TLS connection decrypt straight into our buffer. Node offers that (`onread`) for connections that begin
 * with TLS, but not for those that begin with another protocol's request for it, as PostgreSQL's do. Each record would
 * come as a buffer and an event of its own: measured, a fifth of a reader's processor time.
 *
 * A second socket over the same handle does the reading, with the documented option. Everything else stays with the
 * first one: it owns the handle except while bytes are being taken, so that errors, alerts, and closing go their usual
 * way.
 * @returns what to pause and resume; undefined if anything is not as it is in the Node.js versions this was tried with,
 *   and then nothing was changed
 */
export function readTlsInto(stream: Duplex, onread: OnRead): Socket | undefined {
  const { _handle: handle } = stream as { _handle?: TlsHandle | null };
  if (handle === undefined || handle === null || stream.readableLength > 0) return undefined;
  const owner = Object.getOwnPropertySymbols(handle).find((symbol) => handle[symbol] === stream);
  if (owner === undefined || typeof handle.useUserBuffer !== 'function' || typeof handle.onread !== 'function') {
    return undefined;
  }
  // The types have these options for `connect` only, or not at all, but Node takes them here.
  const reading = new Socket({ handle, onread, manualStart: true } as object);
  const read = handle.onread as Read; // a function, as seen above
  handle.onread = function (this: TlsHandle, ...args: unknown[]) {
    handle[owner] = reading;
    try {
      return read.apply(this, args);
    } finally {
      handle[owner] = stream;
    }
  };
  handle[owner] = stream;
  // The handle is not this socket's to close.
  reading._destroy = (error, callback) => {
    if (error === null) stream.destroy();
    else stream.destroy(error);
    callback(null);
  };
  reading._final = (callback) => callback();
  reading.on('error', () => undefined);
  reading.on('end', () => {
    stream.push(null);
    stream.read(0);
  });
  stream.once('close', () => reading.destroy());
  reading.read(0);
  return reading;
}
